"""What Twilio asks when a call comes in, and the TwiML that sends the call to our media door."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl
from xml.sax.saxutils import quoteattr

from fastapi import APIRouter, Request, Response

from pipeline.config import Settings
from telephony.admission import MEDIA_PATH
from telephony.twilio_auth import (
    SIGNATURE_HEADER,
    TOKEN_PARAMETER,
    StreamTokens,
    candidate_urls,
    is_signed,
)

_FORM_LIMIT = 64 * 1024
"""Bytes. Twilio's form has about a thousand."""

_FIELDS_LIMIT = 200
_CALL_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_E164 = re.compile(r"\+[1-9][0-9]{5,14}")

Fields = Sequence[tuple[str, str]]


def voice_router(
    settings: Settings,
    tokens: StreamTokens,
    *,
    is_ready: Callable[[], bool],
    media_port: Callable[[], int],
) -> APIRouter:
    """The route ``/twilio/voice``. ``tokens`` are those that the media door asks for."""
    router = APIRouter(tags=["twilio"])

    @router.get("/twilio/voice", response_class=Response)
    @router.post("/twilio/voice", response_class=Response)
    async def voice(request: Request) -> Response:
        """Twilio's voice webhook: answers with TwiML that streams the call to us.

        Signed by Twilio where an auth token is configured, or else refused with 403. Calls that
        cannot be served now hear the busy tone.
        """
        form = await _read_form(request)
        if form is None:
            return _text("The request is larger than any of Twilio's.\n", 413)
        if not _is_from_twilio(request, form, settings):
            return _text("Not signed by Twilio.\n", 403)
        fields = dict([*request.query_params.multi_items(), *form])
        call_sid = fields.get("CallSid", "")
        if not _CALL_SID.fullmatch(call_sid):
            return _text("No CallSid.\n", 400)
        token = tokens.issue(call_sid, asyncio.get_running_loop().time()) if is_ready() else None
        if token is None:
            return _twiml('<Reject reason="busy"/>')
        url = _stream_url(settings, request.url.hostname or settings.server.host, media_port())
        return _twiml(stream_verbs(url, {TOKEN_PARAMETER: token, **_other_party(fields)}))

    return router


def stream_verbs(url: str, parameters: Mapping[str, str]) -> str:
    """TwiML that connects the call to a media stream, and hangs up when we close it."""
    passed = "".join(
        f"<Parameter name={quoteattr(name)} value={quoteattr(value)}/>"
        for name, value in parameters.items()
    )
    return f"<Connect><Stream url={quoteattr(url)}>{passed}</Stream></Connect><Hangup/>"


def _stream_url(settings: Settings, host: str, media_port: int) -> str:
    """Where the call's sound is to go. A stream's URL may have no query string."""
    if settings.twilio.public_host:
        return f"wss://{settings.twilio.public_host}{MEDIA_PATH}"
    bracketed = f"[{host}]" if ":" in host else host
    return f"ws://{bracketed}:{media_port}{MEDIA_PATH}"


def _other_party(fields: Mapping[str, str]) -> dict[str, str]:
    """``phone`` of the one we talk with: who called us, or whom we called."""
    called_us = fields.get("Direction", "inbound") == "inbound"
    phone = fields.get("From" if called_us else "To", "")
    return {"phone": phone} if _E164.fullmatch(phone) else {}


async def _read_form(request: Request) -> Fields | None:
    """The POSTed form, decoded; empty for GET; None when it is too large."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _FORM_LIMIT:
            return None
    try:
        return parse_qsl(
            body.decode("latin-1"), keep_blank_values=True, max_num_fields=_FIELDS_LIMIT
        )
    except ValueError:
        return None


def _is_from_twilio(request: Request, form: Fields, settings: Settings) -> bool:
    auth_token = settings.twilio.auth_token
    if not auth_token:
        return True  # Only this machine can reach us; the settings see to that.
    public_host = settings.twilio.public_host
    host = public_host or request.headers.get("Host", "")
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    urls = candidate_urls(("https",) if public_host else ("https", "http"), host, target)
    return is_signed(auth_token, request.headers.get(SIGNATURE_HEADER, ""), urls, form)


def _twiml(verbs: str) -> Response:
    document = f'<?xml version="1.0" encoding="UTF-8"?><Response>{verbs}</Response>'
    return Response(document, media_type="text/xml")


def _text(told: str, status: int) -> Response:
    return Response(told, status_code=status, media_type="text/plain")
