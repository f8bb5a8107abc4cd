"""``make demo``: start the server, let a recorded human phone it, then leave it to you.

The server is a child process started exactly as a user would, and the caller is the harness's: the
same wire, in real time. Nothing here exists only for show.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import aiohttp

from bench.phone import PhoneCall, run_call
from parley.serve import check_free
from pipeline.config import Settings, load_settings
from pipeline.errors import ParleyError
from pipeline.tools.crm import DEMO_PHONE

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "configs" / "local.toml"
SPEECH = ROOT / "bench" / "speech"

_CLIPS = ("nobody-available", "did-not-understand", "who-sent-this", "phone-number")
"""What the caller says, in order."""

_LONGEST_START_S = 600.0
"""A first start compiles and converts; after that something is wrong."""


def main() -> int:
    """Run the demo; the exit code is 0 only if every turn was answered."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the call")
    parser.add_argument("--config", type=Path, default=CONFIG)
    arguments = parser.parse_args()
    try:
        settings = load_settings(arguments.config)
        return asyncio.run(demo(settings, arguments.config, arguments.once))
    except ParleyError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except TimeoutError:
        print(f"demo: the server was not ready within {_LONGEST_START_S:.0f} s", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


async def demo(settings: Settings, config: Path, once: bool) -> int:
    """Serve, phone, and stay. If cancelled, the server is told to stop and waited for.

    Returns the call's exit code.
    """
    # Another server's answer must not be taken for ours.
    check_free("server.media_port", settings.server.host, settings.server.media_port)
    check_free("server.control_port", settings.server.host, settings.server.control_port)
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "parley", "serve", "--config", str(config)
    )
    try:
        control = f"http://{settings.server.host}:{settings.server.control_port}"
        if not await _wait_ready(server, control):
            return server.returncode or 1
        code = await asyncio.to_thread(_phone, settings)
        if once:
            return code
        print(f"\nTalk to it yourself: {control}/   (Ctrl-C ends)", flush=True)
        await server.wait()
        return code
    finally:
        if server.returncode is None:
            server.send_signal(signal.SIGTERM)
            await server.wait()


def _phone(settings: Settings) -> int:
    url = f"ws://{settings.server.host}:{settings.server.media_port}/twilio"
    wavs = [SPEECH / f"{name}.wav" for name in _CLIPS]
    control = f"http://{settings.server.host}:{settings.server.control_port}"
    return run_call(PhoneCall(url, wavs, control=control, phone=DEMO_PHONE))


async def _wait_ready(server: asyncio.subprocess.Process, control: str) -> bool:
    """Whether the server came up; it tells on its own what it waits for."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(_LONGEST_START_S):
        while server.returncode is None:
            try:
                async with session.get(f"{control}/readyz") as response:
                    if response.status == 200:
                        return True
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.2)
    return False


if __name__ == "__main__":
    sys.exit(main())
