"""Engine: every model is the same small thing, a request in and a stream of results out.

There is no start, stop, pause, flush or reset. Loading is the context manager in ``build.py``;
cancelling is closing the iterator, so consume every stream under ``contextlib.aclosing``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol, TypeVar

from pipeline.errors import EngineFailed

Req_contra = TypeVar("Req_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)
R = TypeVar("R")
T = TypeVar("T")


class Engine(Protocol[Req_contra, Out_co]):
    """A model behind one method."""

    def stream(self, request: Req_contra, /) -> AsyncGenerator[Out_co, None]:
        """Answer one request.

        Closing the iterator early abandons the work: soon, not at once, where a thread has to
        finish its step first.

        Raises:
            EngineFailed: the model or its server could not answer. The engine stays usable.
        """


async def only(engine: Engine[R, T], request: R) -> T:
    """The single result of an engine that gives one per request.

    If cancelled, the engine's work is abandoned.

    Raises:
        EngineFailed: as the engine does, or because it gave nothing.
    """
    async with aclosing(engine.stream(request)) as results:
        async for result in results:
            return result
    raise EngineFailed(type(engine).__name__, "gave no result")
