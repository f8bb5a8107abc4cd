"""The control plane: health, metrics, the call API, Twilio's webhook and the pages, over HTTP.

Health, metrics and the webhook are for whoever can reach the port; calls and pages only for this
machine, because they hold what people said. From elsewhere, forward the ports through SSH.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from parley.pages import WEB, file_router, is_private, phone_router
from parley.webhook import voice_router
from pipeline.config import Settings
from pipeline.errors import SettingsError
from telephony.twilio_auth import StreamTokens


class Desk(Protocol):
    """What the control plane asks of the process that carries the calls."""

    @property
    def settings(self) -> Settings: ...

    @property
    def registry(self) -> CollectorRegistry: ...

    def ready(self) -> Mapping[str, bool]:
        """What calls need, and whether it has answered once."""

    async def calls(self) -> list[dict[str, Any]]:
        """Live calls, then ended ones, newest first. If cancelled, nothing changed."""

    async def call(self, call_id: str, /) -> dict[str, Any] | None:
        """One call whole; None without one of this id. If cancelled, nothing changed."""

    def recording(self, call_id: str, /) -> Path | None:
        """A stereo WAV file; None where none is kept, or not yet."""


def create_app(
    desk: Desk, tokens: StreamTokens, *, media_port: Callable[[], int] | None = None
) -> FastAPI:
    """The whole HTTP side. ``tokens`` are those that the media door asks for; ``media_port`` tells
    that door's port, by default the configured one."""
    settings = desk.settings
    port = media_port or (lambda: settings.server.media_port)

    def only_here(request: Request) -> None:
        if not is_private(request, settings):
            here = settings.server.control_port
            raise HTTPException(
                403,
                "Calls are shown on the server's own machine only. From another, forward the ports"
                f" (ssh -L {here}:127.0.0.1:{here} -L {port()}:127.0.0.1:{port()} SERVER) and open "
                f"http://127.0.0.1:{here}/",
            )

    # FastAPI's own documentation pages load their scripts from elsewhere; ours needs no internet.
    app = FastAPI(title="Parley", docs_url=None, redoc_url=None)
    app.include_router(_health_router(desk))
    app.include_router(
        voice_router(settings, tokens, is_ready=lambda: all(desk.ready().values()), media_port=port)
    )
    private = [Depends(only_here)]
    app.include_router(_call_router(desk), dependencies=private)
    app.include_router(file_router(), dependencies=private)
    app.include_router(phone_router(settings, tokens, media_port=port), dependencies=private)
    return app


def _health_router(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """200 while the process runs and its event loop turns."""
        return {"status": "ok"}

    @router.get("/readyz", responses={503: {"description": "Not ready; says what is missing."}})
    async def readyz() -> JSONResponse:
        """200 once everything that a call needs has answered once."""
        missing = [name for name, ready in desk.ready().items() if not ready]
        return JSONResponse({"ready": not missing, "missing": missing}, 503 if missing else 200)

    @router.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Prometheus."""
        return Response(generate_latest(desk.registry), media_type=CONTENT_TYPE_LATEST)

    @router.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(WEB / "docs.html")

    return router


def _call_router(desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/api/calls", tags=["calls"])

    @router.get("")
    async def list_calls() -> list[dict[str, Any]]:
        """Live calls, then ended ones, newest first; ``turns`` is their number."""
        return await desk.calls()

    @router.get("/{call_id}")
    async def show_call(call_id: str) -> dict[str, Any]:
        """A call with its turns: transcript, ledger (``marks``, seconds), tools and effects.

        ``recording`` is the path of its sound, or null.
        """
        call = await desk.call(call_id)
        if call is None:
            raise HTTPException(404, f"there is no call {call_id}")
        kept = desk.recording(call_id) is not None
        return call | {"recording": f"/api/calls/{call_id}/recording" if kept else None}

    @router.get("/{call_id}/recording", response_class=FileResponse)
    async def show_recording(call_id: str) -> FileResponse:
        """Stereo WAV at 8 kHz: caller left, agent right."""
        path = desk.recording(call_id) if await desk.call(call_id) is not None else None
        if path is None:
            raise HTTPException(
                404,
                f"there is no recording of {call_id}: the call is still live, or [server] "
                "record_dir was not set",
            )
        return FileResponse(path, media_type="audio/wav", filename=f"{call_id}.wav")

    return router


class _Uvicorn(uvicorn.Server):
    """uvicorn in a process that is not its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the server's business: SIGTERM drains calls first."""
        yield


class ControlServer:
    """Serves the app while its ``async with`` block runs."""

    def __init__(self, settings: Settings, app: FastAPI) -> None:
        self._where = settings.server
        self._group = asyncio.TaskGroup()
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                # What a proxy claims of the caller must not make a stranger a local.
                proxy_headers=False,
                limit_concurrency=200,
                timeout_graceful_shutdown=2,
            )
        )
        self._socket: socket.socket  # Set on entry.

    async def __aenter__(self) -> Self:
        """Open the port. If cancelled, it stays shut.

        Raises:
            SettingsError: the port cannot be had.
        """
        host, port = self._where.host, self._where.control_port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=256)
        except OSError as error:
            raise SettingsError(
                "server.control_port",
                f"{host}:{port} cannot be opened ({error.strerror})",
                "Stop what uses it, or choose another; 0 picks a free one",
            ) from error
        await self._group.__aenter__()
        self._group.create_task(self._uvicorn.serve([self._socket]))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the port; requests under way get two seconds. If cancelled, they get none."""
        self._uvicorn.should_exit = True
        # The group wraps ordinary errors of its block; the block's owner wants them as they are.
        if isinstance(error, Exception):
            kind = error = traceback = None
        await self._group.__aexit__(kind, error, traceback)

    @property
    def port(self) -> int:
        """The port that is open."""
        port: int = self._socket.getsockname()[1]
        return port
