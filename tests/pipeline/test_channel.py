"""The queue between two stages."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.channel import Channel
from tests import clock


def test_items_arrive_in_order_and_iteration_ends_with_the_sender() -> None:
    async def main() -> list[int]:
        channel: Channel[int] = Channel(2)

        async def send() -> None:
            for number in range(10):
                await channel.send(number)
            channel.close()

        async with asyncio.TaskGroup() as group:
            group.create_task(send())
            return [number async for number in channel]

    assert clock.run(main()) == list(range(10))


def test_a_full_channel_holds_its_sender_back() -> None:
    async def main() -> None:
        channel: Channel[int] = Channel(1)
        await channel.send(1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await channel.send(2)
        channel.close()
        assert [number async for number in channel] == [1]

    clock.run(main())


def test_a_cancelled_receiver_loses_nothing() -> None:
    async def main() -> None:
        channel: Channel[int] = Channel(1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(aiter(channel)), 1)
        await channel.send(1)
        channel.close()
        channel.close()
        assert [number async for number in channel] == [1]
        with pytest.raises(ValueError, match="closed"):
            await channel.send(2)

    clock.run(main())


def test_a_channel_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="capacity is 0"):
        Channel(0)
