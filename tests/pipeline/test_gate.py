"""Whoever is due first is served first, nobody starves, and no place is ever lost."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from pipeline.gate import Gate


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20))
def test_the_earliest_deadline_is_served_first_and_equals_in_order(dues: list[float]) -> None:
    served: list[tuple[float, int]] = []

    async def one(gate: Gate, due: float, number: int) -> None:
        await gate.enter(due)
        served.append((due, number))
        gate.leave()

    async def main() -> None:
        gate = Gate(1)
        await gate.enter(0.0)
        async with asyncio.TaskGroup() as group:
            for number, due in enumerate(dues):
                group.create_task(one(gate, due, number))
            await settle()
            assert gate.waiting == len(dues)
            gate.leave()

    asyncio.run(main())
    assert served == sorted(served)
    assert len(served) == len(dues)


@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.floats(0, 100), st.integers(0, 4), st.booleans()), max_size=25),
)
def test_no_place_is_lost_or_doubled_whenever_waiters_are_cancelled(
    places: int, visitors: list[tuple[float, int, bool]]
) -> None:
    inside = 0

    async def one(gate: Gate, due: float, stays: int) -> None:
        nonlocal inside
        await gate.enter(due)
        inside += 1
        assert inside <= places
        try:
            for _ in range(stays):
                await asyncio.sleep(0)
        finally:
            inside -= 1
            gate.leave()

    async def main() -> None:
        gate = Gate(places)
        async with asyncio.TaskGroup() as group:
            for due, stays, cancelled in visitors:
                task = group.create_task(one(gate, due, stays))
                await asyncio.sleep(0)
                if cancelled:
                    task.cancel()
        assert gate.waiting == 0
        # All places are free again.
        async with asyncio.timeout(1.0):
            for _ in range(places):
                await gate.enter(0.0)

    asyncio.run(main())


def test_a_late_deadline_is_not_overtaken_for_ever() -> None:
    order: list[float] = []

    async def one(gate: Gate, due: float) -> None:
        await gate.enter(due)
        order.append(due)

    async def main() -> None:
        gate = Gate(1)
        await gate.enter(0.0)
        async with asyncio.TaskGroup() as group:
            group.create_task(one(gate, 5.0))
            for now in range(8):  # each second somebody comes who is due half a second later
                group.create_task(one(gate, now + 0.5))
                await settle()
                gate.leave()
                await settle()
            gate.leave()

    asyncio.run(main())
    assert order.index(5.0) == 5


def test_cancelled_in_the_moment_of_being_served_passes_the_place_on() -> None:
    async def main() -> None:
        gate = Gate(1)
        await gate.enter(0.0)
        first = asyncio.create_task(gate.enter(1.0))
        second = asyncio.create_task(gate.enter(2.0))
        await settle()
        gate.leave()  # the place is the first one's, who does not know it yet
        first.cancel()
        await asyncio.wait_for(second, 1.0)
        assert first.cancelled()

    asyncio.run(main())
