"""A call as a stereo WAV file: caller left, agent right, each as it was spoken and heard."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from pipeline.audio import LINE_RATE, Pcm
from pipeline.errors import SettingsError


def write_call(path: Path, caller: Pcm, agent: Pcm) -> None:
    """Write both sides, int16 (samples,) at 8 kHz each; the shorter one is silent at its end.

    Raises:
        SettingsError: the file cannot be written.
    """
    both = np.zeros((max(len(caller), len(agent)), 2), "<i2")
    both[: len(caller), 0] = caller
    both[: len(agent), 1] = agent
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(LINE_RATE)
            file.writeframes(both.tobytes())
    except OSError as error:
        raise SettingsError(
            str(path), f"cannot be written ({error.strerror})", "Name another file"
        ) from error
