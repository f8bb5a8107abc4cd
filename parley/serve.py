"""The server's life: open the house, open the doors, say so, and drain when told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial

import uvloop

from parley.control import ControlServer, create_app
from parley.desk import Desk
from parley.house import open_house
from pipeline.config import Settings
from pipeline.errors import SettingsError
from pipeline.metrics import Metrics
from telephony.admission import page_origins
from telephony.server import MediaServer
from telephony.twilio_auth import StreamTokens


def run(settings: Settings) -> None:
    """``parley serve``: returns when the server was told to stop and has drained.

    Raises:
        ParleyError: something does not open; it says what, and the remedy.
    """
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    uvloop.run(serve(settings, _report))


async def serve(settings: Settings, report: Callable[[str], None]) -> None:
    """Run the server until SIGTERM or SIGINT, then let live calls end.

    A second signal ends them at once. If cancelled, live calls are ended and all is closed.

    Raises:
        ParleyError: as :func:`run`.
    """
    began = time.monotonic()
    told_to_stop = _signals()
    metrics = Metrics()
    desk = Desk(settings, metrics)
    tokens = StreamTokens()
    app = create_app(desk, tokens, media_port=lambda: desk.media_port)
    check_free("server.media_port", settings.server.host, settings.server.media_port)
    # The control plane opens first, to say what is still missing; the media door last, and so it
    # closes first: no call outlives the engines that it needs.
    async with (
        ControlServer(settings, app) as control,
        open_house(settings, report, opened=desk.opened) as house,
        MediaServer(
            settings,
            desk.answer,
            tokens=tokens,
            origins=page_origins(settings, control.port),
        ) as media,
    ):
        _calm_collector()
        desk.media_port = media.port
        desk.house = house
        metrics.refused.set_function(lambda: sum(media.statistics().refused.values()))
        for child in house.children:
            metrics.restarts.labels(child.name).set_function(partial(getattr, child, "restarts"))
        host = settings.server.host
        report(
            f"ready in {time.monotonic() - began:.0f} s: "
            f"ws://{host}:{media.port}/twilio  http://{host}:{control.port}/"
        )
        await told_to_stop.wait()
        report(f"draining: {media.live} live calls")
        told_to_stop.clear()
        await _drain(media, told_to_stop)
    report("stopped")


def _calm_collector() -> None:
    """Leave what was loaded out of the garbage collector's rounds, and let them be rarer.

    A full round walks every object of torch's and onnxruntime's modules, and all calls wait for it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _drain(media: MediaServer, told_again: asyncio.Event) -> None:
    """Let live calls end, until a second signal says that there is no time."""
    async with asyncio.TaskGroup() as group:
        draining = group.create_task(media.drain())
        hurry = group.create_task(told_again.wait())
        await asyncio.wait((draining, hurry), return_when=asyncio.FIRST_COMPLETED)
        draining.cancel()
        hurry.cancel()


def check_free(setting: str, host: str, port: int) -> None:
    """Tell a taken port now, and not when everything else has been loaded.

    Raises:
        SettingsError: naming ``setting``.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                setting,
                f"{host}:{port} cannot be opened ({error.strerror})",
                "Stop what uses it, or choose another; 0 picks a free one",
            ) from error


def _signals() -> asyncio.Event:
    """Set by SIGTERM and SIGINT."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    return told


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
