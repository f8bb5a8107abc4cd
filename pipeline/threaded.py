"""Threaded: a blocking model on a few threads of its own becomes an Engine.

The model is a generator function, ``work(request)``. Each ``next()`` on its generator is one job of
the pool, asked for only when the consumer wants the result. So a slow consumer holds no thread,
streams take turns step by step, and no stream has more than one job queued. Where more steps wait
than there are threads, the one that is due first is next, not the one that came first.

Python cannot stop a thread. A stream that is closed in mid-step lets that step finish, drops its
result and closes the generator there, in the pool; nobody waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from pipeline.errors import EngineFailed
from pipeline.gate import Gate

log = logging.getLogger(__name__)

_UNDATED_S = 1.0
"""A step whose request names no deadline is wanted within this time of being asked for."""

Req = TypeVar("Req")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class ThreadedStatistics:
    """What the threads of one engine are doing."""

    running: int
    """Steps in a thread now, including those of closed streams that have yet to finish."""

    waiting: int
    """Steps that wait for a thread; at most one per open stream."""


class Threaded(Generic[Req, Out]):
    """An :class:`~pipeline.engine.Engine` whose work blocks. Use as an async context manager."""

    def __init__(
        self,
        name: str,
        work: Callable[[Req], Generator[Out, None, None]],
        *,
        threads: int,
        timeout_s: float,
        failures: tuple[type[Exception], ...],
        due: Callable[[Req], float | None] = lambda request: None,
        lasts: Callable[[Out], float] = lambda result: 0.0,
    ) -> None:
        """Nothing runs before the first request.

        Args:
            name: how errors and threads call the engine.
            work: called and iterated in the pool only; with more than one thread it must bear
                several requests at once.
            threads: steps at once.
            timeout_s: seconds that each result may take, waiting for a thread included.
            failures: exceptions of ``work`` that mean that the model could not answer. Others
                are bugs and pass through as they are.
            due: event loop time at which a request's first result is wanted; None when it does
                not say. Lower ones go first.
            lasts: seconds for which a result keeps the consumer busy: by so much later the next
                one is due. Only for requests that have a deadline.
        """
        if threads < 1:
            raise ValueError(f"threads is {threads}; {name} needs at least one")
        self._name = name
        self._work = work
        self._timeout_s = timeout_s
        self._failures = failures
        self._due = due
        self._lasts = lasts
        # What a step may end with besides a result: theirs, and our own deadline.
        self._caught: tuple[type[Exception], ...] = (TimeoutError, *failures)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._gate = Gate(threads)
        self._closed = False
        # Jobs given to a thread and not yet done. Threads take themselves off it, hence the lock.
        self._jobs: set[Future[Any]] = set()
        self._lock = threading.Lock()

    async def __aenter__(self) -> Threaded[Req, Out]:
        """Does nothing, and cannot be cancelled."""
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Take no more requests and wait for the steps that were begun; the others fail.

        If cancelled, the threads still end by themselves, after their step.
        """
        self._closed = True
        # Joining threads blocks; not in this pool, which cannot join itself.
        await asyncio.to_thread(self._pool.shutdown)

    def statistics(self) -> ThreadedStatistics:
        """A snapshot."""
        with self._lock:
            return ThreadedStatistics(running=len(self._jobs), waiting=self._gate.waiting)

    async def stream(self, request: Req, /) -> AsyncGenerator[Out, None]:
        """Answer one request; each result is computed when it is asked for.

        If cancelled, or closed early, a step that waits for a thread never runs, and one that runs
        is the last; the generator is closed in the pool.

        Raises:
            EngineFailed: the model raised one of ``failures``, a result took longer than
                ``timeout_s``, or the engine was shut down.
        """
        steps = _Steps(self._work, request)
        due = self._due(request)
        try:
            while not isinstance(result := await self._next(steps, due), _End):
                if due is not None:
                    due += self._lasts(result)
                yield result
        finally:
            if steps.abandon():
                self._close(steps)

    async def _next(self, steps: _Steps[Req, Out], due: float | None) -> Out | _End:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s) as deadline:
                await self._gate.enter(loop.time() + _UNDATED_S if due is None else due)
                return await self._run(steps, loop)
        except self._caught as error:
            if deadline.expired():
                raise EngineFailed(self._name, self._too_late()) from None
            if not isinstance(error, self._failures):
                raise  # a TimeoutError of the model's own, which nobody named a failure
            problem = f"failed: {error or type(error).__name__}"
            raise EngineFailed(self._name, problem) from error

    async def _run(self, steps: _Steps[Req, Out], loop: asyncio.AbstractEventLoop) -> Out | _End:
        """One step, in the place that was got for it at the gate."""
        if self._closed:
            self._gate.leave()
            raise EngineFailed(self._name, "was shut down")
        job = self._submit(steps, steps.step)
        result = asyncio.wrap_future(job)
        # Not when we are done waiting but when the thread is: an abandoned step runs to its end.
        job.add_done_callback(partial(self._leave, loop))
        return await result

    def _leave(self, loop: asyncio.AbstractEventLoop, job: Future[Any]) -> None:
        """In the thread that has done the job."""
        # The loop may be gone when its exit from this engine was cancelled; then nobody waits.
        with suppress(RuntimeError):
            # A turn of the loop later than the result, so that its consumer may ask for the next
            # one first, and keeps the place if that is the most urgent.
            loop.call_soon_threadsafe(loop.call_soon, self._gate.leave)

    def _too_late(self) -> str:
        state = self.statistics()
        return (
            f"gave no result within {self._timeout_s:g} s "
            f"({state.running} running, {state.waiting} waiting)"
        )

    def _submit(self, steps: _Steps[Req, Out], job: Callable[[], Out | _End]) -> Future[Out | _End]:
        future = self._pool.submit(job)
        with self._lock:
            self._jobs.add(future)
        # Registered after the adding: on a job that is done already it runs at once.
        future.add_done_callback(partial(self._done, steps))
        return future

    def _done(self, steps: _Steps[Req, Out], future: Future[Any]) -> None:
        with self._lock:
            self._jobs.discard(future)
        if steps.abandoned and not future.cancelled():
            error = future.exception()
            if error is not None and not isinstance(error, self._failures):
                # A bug, and the stream that would have told of it is gone.
                log.error("%s failed after its stream was closed", self._name, exc_info=error)

    def _close(self, steps: _Steps[Req, Out]) -> None:
        try:
            self._submit(steps, steps.close)
        except RuntimeError:
            # The pool is shut down, so no thread can be in the generator: closing here is safe.
            steps.close()


class _End:
    """Stands for a generator's end: StopIteration may not travel through a future."""


class _Steps(Generic[Req, Out]):
    """One stream's generator, entered by one thread at a time and closed exactly once."""

    def __init__(self, work: Callable[[Req], Generator[Out, None, None]], request: Req) -> None:
        self._work = work
        self._request = request
        # None until the first step: ``work`` itself may block, so it too is called in the pool.
        self._generator: Generator[Out, None, None] | None = None
        self._lock = threading.Lock()
        self._running = False
        # Whether the generator stands at a yield, so that closing it would do something.
        self._suspended = False
        self.abandoned = False

    def step(self) -> Out | _End:
        """Compute the next result. In the pool."""
        with self._lock:
            if self.abandoned:
                return _End()
            self._running, self._suspended = True, False
        suspended = False
        try:
            if self._generator is None:
                self._generator = self._work(self._request)
            result = next(self._generator, _End())
            suspended = not isinstance(result, _End)
            return result
        finally:
            with self._lock:
                self._running, self._suspended = False, suspended
                last = self.abandoned
            if last:
                self.close()

    def abandon(self) -> bool:
        """Let no further step begin. Whether the caller must see to :meth:`close`. On the loop."""
        with self._lock:
            self.abandoned = True
            # A running step sees the flag when it ends, and closes.
            return self._suspended

    def close(self) -> _End:
        """Close the generator. In the pool, after :meth:`abandon`."""
        if self._generator is not None:
            self._generator.close()
        return _End()
