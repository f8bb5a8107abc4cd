"""What a browser gets: our pages, the recorded voices, and the leave to phone the media door.

All of it is for this machine only, as calls are personal: see :func:`is_private`.
"""

from __future__ import annotations

import asyncio
import csv
import ipaddress
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

import bench
from pipeline.config import Settings
from telephony.admission import MEDIA_PATH
from telephony.twilio_auth import TOKEN_PARAMETER, StreamTokens

WEB = Path(__file__).parent / "web"

CLIPS = Path(bench.__file__).parent / "speech"
"""Recorded callers, for those who have no microphone."""

_NO_CACHE = {"Cache-Control": "no-cache"}


class Clip(BaseModel):
    """Something that a recorded caller says."""

    name: str
    text: str
    url: str


class PhoneOrder(BaseModel):
    """Leave to phone the media door once, on Twilio's wire."""

    url: str = Field(description="The websocket to open.")
    call_id: str = Field(description="The callSid of the start message, and the call's id here.")
    parameters: dict[str, str] = Field(description="customParameters of the start message.")


def is_private(request: Request, settings: Settings) -> bool:
    """Whether a request comes from this machine, and was meant for it.

    The Host header counts, because a foreign page may give its own name our address (DNS
    rebinding), and so do a proxy's traces, because through a tunnel the whole world comes from
    this machine.
    """
    own = {"localhost", settings.server.host}
    client = request.client.host if request.client else ""
    server = request.scope.get("server") or ("", 0)
    if any(name in request.headers for name in ("x-forwarded-for", "forwarded")):
        return False
    return (client == server[0] or _is_loopback(client)) and (
        (request.url.hostname or "") in own or _is_loopback(request.url.hostname or "")
    )


def file_router() -> APIRouter:
    """The page, all that it loads, and the recorded voices."""
    router = APIRouter(tags=["pages"])
    assets = {path.name: path for path in WEB.iterdir() if path.is_file()}
    clips = read_clips(CLIPS)

    @router.get("/", include_in_schema=False)
    async def index() -> FileResponse:
        return FileResponse(WEB / "index.html", headers=_NO_CACHE)

    @router.get("/web/{name}", include_in_schema=False)
    async def asset(name: str) -> FileResponse:
        if name not in assets:
            raise HTTPException(404, f"there is no {name}")
        return FileResponse(assets[name], headers=_NO_CACHE)

    @router.get("/clips/{name}.wav", response_class=FileResponse)
    async def clip(name: str) -> FileResponse:
        """A recorded caller's sentence, WAV, 8 kHz mono."""
        if name not in clips:
            raise HTTPException(404, f"there is no clip {name}")
        return FileResponse(CLIPS / f"{name}.wav", media_type="audio/wav")

    @router.get("/api/clips")
    async def list_clips() -> list[Clip]:
        """Recorded callers that the page can call with; empty where none are installed."""
        return [
            Clip(name=name, text=text, url=f"/clips/{name}.wav") for name, text in clips.items()
        ]

    return router


def phone_router(
    settings: Settings, tokens: StreamTokens, *, media_port: Callable[[], int]
) -> APIRouter:
    """Leave to phone the media door. ``tokens`` are those that it asks for."""
    router = APIRouter(tags=["pages"])

    @router.post("/api/phone")
    async def order_phone(request: Request) -> PhoneOrder:
        """Leave for one call to the media door, within a minute."""
        call_id = f"web-{uuid4().hex}"
        token = tokens.issue(call_id, asyncio.get_running_loop().time())
        if token is None:
            raise HTTPException(503, "too many calls are waiting for their stream; try again")
        host = request.url.hostname or settings.server.host
        bracketed = f"[{host}]" if ":" in host else host
        url = f"ws://{bracketed}:{media_port()}{MEDIA_PATH}"
        return PhoneOrder(url=url, call_id=call_id, parameters={TOKEN_PARAMETER: token})

    return router


def read_clips(folder: Path) -> dict[str, str]:
    """Clip name to its words, as ``transcripts.tsv`` lists them; empty without that file."""
    listing = folder / "transcripts.tsv"
    if not listing.is_file():
        return {}
    with listing.open(encoding="utf-8", newline="") as rows:
        return {
            row["clip"]: row["transcript"]
            for row in csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE)
            if (folder / f"{row['clip']}.wav").is_file()
        }


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
