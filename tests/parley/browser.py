"""A headless browser, driven over its own debugging websocket. Needs Chromium and nothing else."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--remote-debugging-port=0",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # No network but this machine's: what a page loads from elsewhere fails.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


class Page:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._sent = 0
        # What the page asked for and what went wrong in it.
        self.requested: list[str] = []
        self.errors: list[str] = []

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the DevTools protocol. If cancelled, it may have happened."""
        self._sent += 1
        wanted = self._sent
        message = {"id": wanted, "method": method, "params": parameters}
        await self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(await self._socket.recv())
            if answer.get("id") == wanted:
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    async def run(self, script: str) -> Any:
        """The value of a script. If cancelled, it may have run."""
        result = await self.command(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def wait_for(self, condition: str) -> None:
        """Until a script is true, looked at with each frame that is drawn."""
        await self.run(
            "new Promise((done) => { const look = () => "
            f"({condition}) ? done() : setTimeout(look, 20); look(); }})"
        )

    def _note(self, event: dict[str, Any]) -> None:
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.requested.append(event["params"]["request"]["url"])
            case "Runtime.exceptionThrown" | "Log.entryAdded":
                self.errors.append(json.dumps(event["params"]))


@asynccontextmanager
async def open_page(url: str, profile: Path) -> AsyncIterator[Page]:
    """A fresh browser that shows ``url``; ``profile`` is an empty folder. If cancelled, it ends."""
    assert CHROMIUM is not None
    browser = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *_FLAGS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert browser.stderr is not None
        address = b""
        while b"DevTools listening on ws://" not in address:
            address = await browser.stderr.readline()
            assert address, "the browser did not start"
        host = address.decode().split("ws://", 1)[1].split("/", 1)[0]
        async with aiohttp.ClientSession() as session, session.get(f"http://{host}/json") as tabs:
            tab = next(tab for tab in await tabs.json() if tab["type"] == "page")
        async with connect(tab["webSocketDebuggerUrl"], max_size=None, proxy=None) as socket:
            page = Page(socket)
            for domain in ("Page", "Runtime", "Log", "Network"):
                await page.command(f"{domain}.enable")
            await page.command("Page.navigate", url=url)
            yield page
    finally:
        browser.kill()
        await browser.wait()
