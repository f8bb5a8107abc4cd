"""Gate: a few places, and whoever is due first gets the next one."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count


class Gate:
    """A semaphore that serves by deadline. All of it runs on one event loop.

    Nobody starves: a deadline stays where it is while time goes on, so in the end it is the
    earliest (earliest deadline first; Liu and Layland, 1973).
    """

    def __init__(self, places: int) -> None:
        self._free = places
        # Of those who wait: deadline, order of arrival, and what tells that a place is theirs.
        self._queue: list[tuple[float, int, asyncio.Future[None]]] = []
        self._arrivals = count()

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._queue)

    async def enter(self, due: float) -> None:
        """Wait for a place; ``due`` is a clock reading. Follow with :meth:`leave`.

        If cancelled, no place was taken.
        """
        if self._free:
            self._free -= 1
            return
        place = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (due, next(self._arrivals), place))
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                self._forget(place)
            else:  # it was given in the very moment of the cancelling
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place to whoever is due first."""
        while self._queue:
            _, _, place = heapq.heappop(self._queue)
            if not place.done():
                place.set_result(None)
                return
        self._free += 1

    def _forget(self, place: asyncio.Future[None]) -> None:
        self._queue = [entry for entry in self._queue if entry[2] is not place]
        heapq.heapify(self._queue)
