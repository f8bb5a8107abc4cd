"""A blocking model in threads: turns, closing and deadlines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import aclosing

import pytest

from pipeline.engine import Engine, only
from pipeline.errors import EngineFailed
from pipeline.threaded import Threaded, ThreadedStatistics

PATIENCE_S = 10.0
"""How long a test waits for another thread before it fails; never reached when all is well."""


def threaded(
    work: Callable[[str], Generator[str, None, None]],
    *,
    threads: int = 1,
    timeout_s: float = PATIENCE_S,
    failures: tuple[type[Exception], ...] = (RuntimeError, OSError),
) -> Threaded[str, str]:
    return Threaded("model", work, threads=threads, timeout_s=timeout_s, failures=failures)


class Gated:
    """A model of three results whose steps wait at a gate, and which tells what became of it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.closed = threading.Event()
        self.closed_by = ""
        self.steps = 0

    def work(self, request: str) -> Generator[str, None, None]:
        try:
            for index in range(3):
                self.entered.set()
                assert self.gate.wait(PATIENCE_S)
                self.steps += 1
                yield f"{request}{index}"
        finally:
            self.closed_by = threading.current_thread().name
            self.closed.set()


async def happened(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, PATIENCE_S)


async def collect(engine: Engine[str, str], request: str) -> list[str]:
    async with aclosing(engine.stream(request)) as results:
        return [result async for result in results]


# -- results and turns ------------------------------------------------------------------------


def test_results_come_in_order_and_from_the_engines_own_thread() -> None:
    def work(request: str) -> Generator[str, None, None]:
        yield request
        yield threading.current_thread().name

    async def main() -> None:
        async with threaded(work) as engine:
            assert await collect(engine, "a") == ["a", "model_0"]

    asyncio.run(main())


def test_a_work_function_that_blocks_before_its_generator_exists_blocks_a_thread_only() -> None:
    def work(request: str) -> Generator[str, None, None]:
        name = threading.current_thread().name
        return (name for _ in range(1))

    async def main() -> None:
        async with threaded(work) as engine:
            assert await collect(engine, "a") == ["model_0"]

    asyncio.run(main())


def test_a_consumer_that_pauses_holds_no_thread() -> None:
    model = Gated()
    model.gate.set()

    async def main() -> None:
        async with threaded(model.work) as engine, aclosing(engine.stream("slow")) as slow:
            assert await anext(slow) == "slow0"
            assert engine.statistics() == ThreadedStatistics(running=0, waiting=0)
            assert await collect(engine, "quick") == ["quick0", "quick1", "quick2"]
            assert await anext(slow) == "slow1"

    asyncio.run(main())


def test_streams_take_turns_step_by_step() -> None:
    order: list[str] = []
    model = Gated()

    def work(request: str) -> Generator[str, None, None]:
        for result in model.work(request):
            order.append(result)
            yield result

    async def main() -> None:
        async with threaded(work) as engine, asyncio.TaskGroup() as group:
            for name in "abc":
                group.create_task(collect(engine, name))
            await happened(model.entered)
            await until(lambda: engine.statistics() == ThreadedStatistics(running=1, waiting=2))
            model.gate.set()

    asyncio.run(main())
    assert order == ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until a condition holds that other threads bring about."""
    async with asyncio.timeout(PATIENCE_S):
        # An asyncio.Event cannot be set by what other threads' counts add up to.
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


# -- deadlines --------------------------------------------------------------------------------


def served(requests: dict[str, float | None], lasts_s: float = 0.0) -> list[str]:
    """The order in which one thread makes three results for each, asked for at once.

    Each request's deadline is in seconds from now; None when it does not say.
    """
    order: list[str] = []
    model = Gated()

    def work(request: str) -> Generator[str, None, None]:
        for result in model.work(request):
            order.append(result)
            yield result

    async def main() -> None:
        now = asyncio.get_running_loop().time()
        dues = {name: None if due is None else now + due for name, due in requests.items()}
        engine = Threaded(
            "model",
            work,
            threads=1,
            timeout_s=PATIENCE_S,
            failures=(),
            due=dues.get,
            lasts=lambda result: lasts_s,
        )
        async with engine, asyncio.TaskGroup() as group:
            group.create_task(collect(engine, "at work "))
            await happened(model.entered)
            for name in requests:
                group.create_task(collect(engine, name))
            await until(lambda: engine.statistics().waiting == len(requests))
            model.gate.set()

    asyncio.run(main())
    return [result for result in order if not result.startswith("at work")]


def test_what_is_due_first_is_done_first_whatever_came_first() -> None:
    order = served({"later": 60.0, "soon": 0.1, "next": 30.0})
    assert order == [f"{name}{index}" for name in ("soon", "next", "later") for index in range(3)]


def test_a_request_without_a_deadline_is_wanted_within_a_second() -> None:
    assert [name[0] for name in served({"l": 60.0, "u": None, "s": 0.1})] == [*"sssuuulll"]


def test_a_consumer_who_is_busy_with_a_result_lets_others_pass() -> None:
    # Each result is two seconds of sound: the second is not wanted before the first is over.
    assert [name[0] for name in served({"a": 0.0, "b": 1.0}, lasts_s=2.0)] == [*"ababab"]


# -- closing ----------------------------------------------------------------------------------


def test_closing_while_a_step_runs_closes_the_generator_after_it_in_the_pool() -> None:
    model = Gated()

    async def main() -> None:
        async with threaded(model.work, threads=2) as engine:
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(collect(engine, "a"))
                await happened(model.entered)
                reader.cancel()
            # The stream is gone already, though its step still runs.
            assert not model.closed.is_set()
            assert engine.statistics() == ThreadedStatistics(running=1, waiting=0)
            model.gate.set()
            await happened(model.closed)

    asyncio.run(main())
    assert model.closed_by.startswith("model_")
    assert model.steps == 1


def test_closing_between_steps_closes_the_generator_in_the_pool() -> None:
    model = Gated()
    model.gate.set()

    async def main() -> None:
        async with threaded(model.work) as engine:
            async with aclosing(engine.stream("a")) as results:
                await anext(results)
            await happened(model.closed)

    asyncio.run(main())
    assert model.closed_by == "model_0"


def test_a_stream_cancelled_in_the_queue_never_runs() -> None:
    model = Gated()
    asked: list[str] = []

    def work(request: str) -> Generator[str, None, None]:
        asked.append(request)
        yield from model.work(request)

    async def main() -> None:
        async with threaded(work) as engine:
            async with asyncio.TaskGroup() as group:
                first = group.create_task(collect(engine, "first"))
                await happened(model.entered)
                second = group.create_task(collect(engine, "second"))
                await until(lambda: engine.statistics().waiting == 1)
                second.cancel()
                await until(lambda: engine.statistics().waiting == 0)
                model.gate.set()
            assert first.result() == ["first0", "first1", "first2"]

    asyncio.run(main())
    assert asked == ["first"]


def test_streams_cancelled_at_any_moment_close_every_generator_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    opened: list[str] = []
    closed: list[str] = []

    def work(request: str) -> Generator[str, None, None]:
        opened.append(request)
        try:
            for _ in range(5):
                sum(range(2000))
                yield request
        finally:
            closed.append(request)

    async def main() -> None:
        async with threaded(work, threads=3) as engine, asyncio.TaskGroup() as group:
            for index in range(200):
                reader = group.create_task(collect(engine, str(index)))
                for _ in range(index % 7):
                    await asyncio.sleep(0)
                if index % 3:
                    reader.cancel()

    asyncio.run(main())
    assert sorted(closed) == sorted(opened)
    assert len(opened) == len(set(opened))
    assert not caplog.records


def test_a_finished_stream_leaves_nothing_to_close() -> None:
    model = Gated()
    model.gate.set()

    async def main() -> None:
        async with threaded(model.work) as engine:
            await collect(engine, "a")
            assert engine.statistics() == ThreadedStatistics(running=0, waiting=0)

    asyncio.run(main())


def test_shutting_down_waits_for_the_running_step_and_refuses_the_next() -> None:
    model = Gated()

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            async with threaded(model.work) as engine:
                reader = group.create_task(collect_or_error(engine))
                await happened(model.entered)
                model.gate.set()
            assert not [t for t in threading.enumerate() if t.name.startswith("model_")]
        assert str(reader.result()) == "model was shut down"
        with pytest.raises(EngineFailed, match="was shut down"):
            await collect(engine, "late")

    async def collect_or_error(engine: Engine[str, str]) -> EngineFailed:
        with pytest.raises(EngineFailed) as failure:
            await collect(engine, "a")
        return failure.value

    asyncio.run(main())
    assert model.closed.is_set()


def test_a_bug_in_an_abandoned_stream_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    model = Gated()

    def work(request: str) -> Generator[str, None, None]:
        try:
            yield from model.work(request)
        finally:
            raise KeyError("a bug")

    async def main() -> None:
        async with threaded(work) as engine:
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(collect(engine, "a"))
                await happened(model.entered)
                reader.cancel()
            model.gate.set()

    asyncio.run(main())
    assert "model failed after its stream was closed" in caplog.text


# -- failures ---------------------------------------------------------------------------------


def test_a_named_exception_becomes_engine_failed_and_the_engine_stays_usable() -> None:
    def work(request: str) -> Generator[str, None, None]:
        if request == "bad":
            raise RuntimeError("out of memory")
        yield request

    async def main() -> None:
        async with threaded(work) as engine:
            with pytest.raises(EngineFailed, match="model failed: out of memory") as failure:
                await only(engine, "bad")
            assert isinstance(failure.value.__cause__, RuntimeError)
            assert await only(engine, "good") == "good"

    asyncio.run(main())


def test_an_exception_that_is_not_named_passes_as_it_is() -> None:
    def work(request: str) -> Generator[str, None, None]:
        raise KeyError(request)
        yield request

    async def main() -> None:
        async with threaded(work) as engine:
            with pytest.raises(KeyError):
                await only(engine, "a")

    asyncio.run(main())


def test_a_result_that_takes_too_long_is_a_failure_that_tells_the_load() -> None:
    model = Gated()

    async def main() -> None:
        async with threaded(model.work, timeout_s=0.03) as engine:
            with pytest.raises(EngineFailed, match=r"within 0.03 s \(1 running, 0 waiting\)"):
                await only(engine, "a")
            model.gate.set()
            await happened(model.closed)

    asyncio.run(main())


def test_the_deadline_holds_between_results_too() -> None:
    stuck = threading.Event()

    def work(request: str) -> Generator[str, None, None]:
        yield request
        stuck.wait(PATIENCE_S)
        yield request

    async def main() -> None:
        async with threaded(work, timeout_s=0.1) as engine:
            async with aclosing(engine.stream("a")) as results:
                assert await anext(results) == "a"
                with pytest.raises(EngineFailed, match="no result within"):
                    await anext(results)
            stuck.set()

    asyncio.run(main())


def test_an_os_error_is_not_mistaken_for_the_deadline() -> None:
    def work(request: str) -> Generator[str, None, None]:
        raise TimeoutError("the disk")
        yield request

    async def main() -> None:
        async with threaded(work) as engine:
            with pytest.raises(EngineFailed, match="failed: the disk"):
                await only(engine, "a")

    asyncio.run(main())


def test_no_thread_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="threads is 0"):
        threaded(lambda request: (request for _ in range(1)), threads=0)
