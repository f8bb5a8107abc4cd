"""Ready-made audio: the fixed phrases of an agent, synthesised once and kept on disk.

A greeting has to sound the moment a call is answered, and an apology when the engine that would
have made it has failed. Both are known before any call.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from pathlib import Path

import numpy as np

from pipeline.audio import AudioFrame, Pcm
from pipeline.engine import Engine
from pipeline.tts.streamed import in_frames
from pipeline.turn import Clause


class Phrases:
    """Texts to their audio, at the line's rate."""

    def __init__(self, audio: Mapping[str, tuple[AudioFrame, ...]]) -> None:
        self._audio = dict(audio)

    @classmethod
    async def make(
        cls, voice: Engine[Clause, AudioFrame], texts: Iterable[str], folder: Path | None, key: str
    ) -> Phrases:
        """Say each text once, or read it from ``folder`` where that was done before.

        ``key`` names the voice and its settings: another key is another recording. If cancelled,
        the phrases that were finished stay in the folder.

        Raises:
            EngineFailed: the voice could not say one.
        """
        audio: dict[str, tuple[AudioFrame, ...]] = {}
        for text in texts:
            path = folder / f"{_digest(key, text)}.npy" if folder is not None else None
            pcm = await asyncio.to_thread(_read, path) if path is not None else None
            if pcm is None:
                pcm = await _say(voice, text)
                if path is not None:
                    await asyncio.to_thread(_write, path, pcm)
            audio[text] = tuple(in_frames(pcm))
        return cls(audio)

    def get(self, text: str) -> tuple[AudioFrame, ...] | None:
        """Frames of at most 200 ms, or None for a text that was not made."""
        return self._audio.get(text)


async def _say(voice: Engine[Clause, AudioFrame], text: str) -> Pcm:
    async with aclosing(voice.stream(Clause(text))) as frames:
        parts = [frame.pcm async for frame in frames]
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def _digest(key: str, text: str) -> str:
    return hashlib.sha256(f"{key}\0{text}".encode()).hexdigest()[:24]


def _read(path: Path) -> Pcm | None:
    """The recording, or None where there is none or what is there is no recording."""
    try:
        pcm: Pcm = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return pcm if pcm.dtype == np.int16 and pcm.ndim == 1 else None


def _write(path: Path, pcm: Pcm) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Renamed when whole, so that a start which is killed leaves no half recording behind.
    unfinished = path.with_suffix(".part.npy")
    np.save(unfinished, pcm, allow_pickle=False)
    unfinished.replace(path)
