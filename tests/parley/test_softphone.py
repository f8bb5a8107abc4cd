"""The telephone in a real browser, which phones the real media door. Skipped without Chromium."""

from __future__ import annotations

import asyncio
import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parley.control import ControlServer, create_app
from parley.pages import CLIPS, read_clips
from pipeline.audio import AudioFrame, Pcm
from pipeline.line import Line
from pipeline.turn import MarkPlayed
from telephony.admission import page_origins
from telephony.server import MediaServer
from telephony.twilio_auth import StreamTokens
from tests.parley.browser import CHROMIUM, open_page
from tests.parley.desks import CALL, FakeDesk

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

CLIP = "did-not-understand"  # the shortest, 2.8 s

SECOND: Pcm = (8000 * np.sin(np.arange(8000) * 0.5)).astype(np.int16)


class Agent:
    """Plays a second, then a long sound that it clears; notes what comes back."""

    def __init__(self, calls: list[dict[str, Any]]) -> None:
        self.calls = calls
        self.heard: list[Pcm] = []
        self.played: list[tuple[str, int]] = []
        """Marks, each with the number of caller frames that had come before it."""

    async def answer(self, line: Line) -> None:
        record = CALL | {"id": line.info.id, "ended_at": None, "ended_by": None}
        self.calls.insert(0, record)
        await line.play(SECOND)
        await line.mark("second")
        async for event in line:
            if isinstance(event, AudioFrame):
                self.heard.append(event.pcm)
            elif isinstance(event, MarkPlayed):
                self.played.append((event.name, len(self.heard)))
                if event.name == "second":
                    for _ in range(30):
                        await line.play(SECOND)
                    await line.mark("never heard")
                    await line.clear()
                    await line.mark("cleared")
        record["ended_at"], record["ended_by"] = CALL["ended_at"], "caller"


async def _talk(url: str, profile: Path) -> list[str]:
    """Call with a recorded voice, say a sentence, hang up; what the page asked for."""
    async with open_page(url, profile) as page:
        text = "document.getElementById('{}').textContent"
        dial = "document.getElementById('dial')"
        await page.wait_for("document.querySelectorAll('#clips button').length > 0")
        await page.wait_for(f"!{dial}.disabled")
        await page.run("document.getElementById('dial-recorded').click()")
        await page.wait_for(f"{text.format('phone-state')}.startsWith('Talking')")
        words = json.dumps(read_clips(CLIPS)[CLIP])
        await page.run(
            "[...document.querySelectorAll('#clips button')]"
            f".find((button) => button.textContent === {words}).click()"
        )
        await page.wait_for("document.querySelectorAll('#turns li').length === 2")
        assert await page.run(text.format("call-title")) == "Call with Dana Whitfield"
        shown = await page.run(text.format("turns"))
        assert CALL["turns"][1]["caller"] in shown
        assert "answered in 503 ms" in shown
        assert await page.run("document.querySelector('.unheard').textContent")
        await page.wait_for(f"{text.format('calls')}.includes('live')")
        await page.run("new Promise((done) => setTimeout(done, 3500))")  # it speaks in real time
        await page.run(f"{dial}.click()")
        await page.wait_for(f"{text.format('phone-state')} === 'The call has ended'")
        await page.command("Page.navigate", url=f"{url}docs")
        await page.wait_for("document.body?.innerText.includes('/api/calls/{call_id}/recording')")
        assert page.errors == []
        return page.requested


def test_a_call_from_the_page_with_a_recorded_voice(tmp_path: Path) -> None:
    calls = [CALL]
    desk, tokens, agent = FakeDesk(calls=calls), StreamTokens(), Agent(calls)

    async def main() -> None:
        # The page asks for the media door's port only when it dials.
        app = create_app(desk, tokens, media_port=lambda: media.port)
        async with ControlServer(desk.settings, app) as control:
            origins = page_origins(desk.settings, control.port)
            media = MediaServer(desk.settings, agent.answer, tokens=tokens, origins=origins)
            async with media, asyncio.timeout(60):
                url = f"http://127.0.0.1:{control.port}/"
                requested = await _talk(url, tmp_path)
                await media.drain()
                assert all(address.startswith(url) for address in requested)
                assert media.statistics().oddities == {}

    asyncio.run(main())
    (second, before), (cleared, after) = agent.played
    assert (second, cleared) == ("second", "cleared")
    # Frames come each 20 ms, so they tell when a mark came: when its sound had played, and no more
    # than a moment after the clear.
    assert 45 <= before <= 100
    assert after - before < 50
    _assert_heard(np.concatenate(agent.heard))


def _assert_heard(heard: Pcm) -> None:
    """The recorded sentence arrived whole and in time, but for mu-law's rounding."""
    with wave.open(str(CLIPS / f"{CLIP}.wav")) as file:
        clip = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(float)
    whole = heard.astype(float)
    begin = int(np.argmax(np.abs(whole) > 0)) - int(np.argmax(np.abs(clip) > 3))
    errors = []
    for shift in range(max(begin - 400, 0), begin + 400):
        if shift + len(clip) <= len(whole):
            errors.append(float(np.mean((whole[shift : shift + len(clip)] - clip) ** 2)))
    assert min(errors) < np.mean(clip**2) / 1000
