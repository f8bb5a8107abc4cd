"""Channel: a bounded queue with an end, between two tasks of one turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Channel(Generic[T]):
    """First in, first out, at most ``capacity`` waiting; iteration ends when the sender closes.

    One sender, one receiver, one event loop.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity is {capacity}; a channel needs room for at least one item")
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._closed = False
        self._changed = asyncio.Event()

    async def send(self, item: T) -> None:
        """Put an item in, waiting for room. If cancelled, the item was not sent.

        Raises:
            ValueError: the channel was closed, which only its sender does.
        """
        if self._closed:
            raise ValueError("send on a closed channel")
        while len(self._items) >= self._capacity:
            await self._wait_changed()
        self._items.append(item)
        self._changed.set()

    def close(self) -> None:
        """No more items will come; those inside are still delivered. Closing twice is harmless."""
        self._closed = True
        self._changed.set()

    async def __aiter__(self) -> AsyncIterator[T]:
        """Items in order until the sender closes. If cancelled, no item is lost."""
        while True:
            while not self._items:
                if self._closed:
                    return
                await self._wait_changed()
            item = self._items.popleft()
            self._changed.set()
            yield item

    async def _wait_changed(self) -> None:
        # Both ends share one event: each clears it and looks again, so no wake-up is missed on a
        # single loop, where nothing runs between the look and the wait.
        self._changed.clear()
        await self._changed.wait()
