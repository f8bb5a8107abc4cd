"""Piper: one clause of text to speech at the line's rate, streamed out of a voice cut in two.

A Piper voice is a VITS graph. Its first half (text encoder, duration predictor, flow) runs once and
gives the whole clause as latent frames; its second, a HiFi-GAN decoder, is a stack of convolutions
with a bounded reach. So the second half can be run over pieces of the latent, each with a margin on
both sides that is cut off again, and gives the very samples that one run over all of it would. The
caller hears the first quarter of a second while the rest is still being decoded.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    RuntimeException,
)
from piper import PiperVoice
from piper.config import PiperConfig

from pipeline.audio import AudioFrame
from pipeline.config import TtsSettings
from pipeline.errors import WeightsError
from pipeline.threaded import Threaded
from pipeline.tts.remembered import Remembered
from pipeline.tts.spoken import spoken
from pipeline.tts.streamed import to_line
from pipeline.turn import Clause

HOP = 256
"""Samples of one latent frame, where the voice's config does not say."""

MARGIN = 12
"""Latent frames decoded on each side of a piece and thrown away. The decoder's reach is shorter:
with 12, pieces and whole differ by less than 16-bit rounding."""

FIRST_FRAMES = 20
"""Latent frames of the first piece: 0.23 s of sound at 22,050 Hz, decoded in about 15 ms."""

LATER_FRAMES = 80
"""Of the others: margins are a smaller share of larger pieces, so these cost less per second."""

_FAILURES = (Fail, InvalidArgument, RuntimeException, RuntimeError, MemoryError, OSError)
"""What synthesis may raise where the model or the machine is at fault. onnxruntime's own errors
derive from Exception alone."""


class Piper:
    """A loaded voice. Its methods block, and several threads may be in them at once: each run of a
    session stands for itself."""

    def __init__(self, folder: Path, settings: TtsSettings) -> None:
        """Load ``encoder.onnx``, ``decoder.onnx`` and the voice's ``*.onnx.json`` from a folder.

        Raises:
            WeightsError: the folder does not hold a voice.
        """
        config = _read_config(folder)
        self._voice_config = PiperConfig.from_dict(config)
        self._rate = self._voice_config.sample_rate
        self._hop = int(config.get("hop_length", HOP))
        inference = config.get("inference", {})
        self._scales = np.array(
            [
                inference.get("noise_scale", 0.667),
                inference.get("length_scale", 1.0) / settings.speed,
                inference.get("noise_w", 0.8),
            ],
            np.float32,
        )
        self._encoder = _session(folder / "encoder.onnx", settings.threads)
        self._decoder = _session(folder / "decoder.onnx", settings.threads)
        self._phonemes = PiperVoice(self._encoder, self._voice_config)
        # espeak-ng keeps its voice in process-wide state, so one text is phonemised at a time.
        self._espeak = threading.Lock()
        self._speaker = "sid" in {value.name for value in self._encoder.get_inputs()}

    def synthesise(self, text: str) -> Generator[AudioFrame, None, None]:
        """A clause as frames of at most 200 ms at the line's rate; ``at`` counts from its start.

        Nothing speakable gives nothing.
        """
        yield from to_line(self._waveform(spoken(text)), self._rate)

    def latents(self, text: str) -> Iterator[list[NDArray[np.float32]]]:
        """The encoder's outputs for each sentence of ``text``, the latent first."""
        with self._espeak:
            sentences = self._phonemes.phonemize(text)
        for sentence in sentences:
            ids = self._phonemes.phonemes_to_ids(sentence)
            inputs: dict[str, Any] = {
                "input": np.array([ids], np.int64),
                "input_lengths": np.array([len(ids)], np.int64),
                "scales": self._scales,
            }
            if self._speaker:
                inputs["sid"] = np.array([self._voice_config.default_speaker_id], np.int64)
            yield self._encoder.run(None, inputs)

    def decode(
        self, outputs: list[NDArray[np.float32]], pieces: bool = True
    ) -> Iterator[NDArray[np.float32]]:
        """Samples, float32 (samples,) at the voice's rate, piece by piece or in one run."""
        names = [value.name for value in self._encoder.get_outputs()]
        latent, rest = outputs[0], dict(zip(names[1:], outputs[1:], strict=True))
        total = latent.shape[2]
        start = 0
        while start < total:
            count = (FIRST_FRAMES if start == 0 else LATER_FRAMES) if pieces else total
            end = min(start + count, total)
            # A tail shorter than the margin costs as much as it is worth: take it along.
            end = total if total - end < MARGIN else end
            left, right = max(0, start - MARGIN), min(total, end + MARGIN)
            (wave,) = self._decoder.run(None, {names[0]: latent[:, :, left:right], **rest})
            samples = wave.reshape(-1)
            yield samples[(start - left) * self._hop : (end - left) * self._hop]
            start = end

    def _waveform(self, text: str) -> Iterator[NDArray[np.float32]]:
        for outputs in self.latents(text):
            yield from self.decode(outputs)


def piper_engine(folder: Path, settings: TtsSettings) -> Remembered:
    """The voice as an ``Engine[Clause, AudioFrame]``; use it as an async context manager.

    Each piece of a clause is due when what was made of it has sounded, so the first pieces of other
    calls go before it.

    Raises:
        WeightsError: the folder does not hold a voice.
    """
    piper = Piper(folder, settings)

    def work(request: Clause) -> Generator[AudioFrame, None, None]:
        return piper.synthesise(request.text)

    voice: Threaded[Clause, AudioFrame] = Threaded(
        "piper",
        work,
        threads=settings.workers,
        timeout_s=settings.timeout_s,
        failures=_FAILURES,
        due=lambda request: request.due,
        lasts=lambda frame: frame.duration,
    )
    return Remembered(voice)


def _read_config(folder: Path) -> dict[str, Any]:
    found = sorted(folder.glob("*.onnx.json"))
    if len(found) != 1:
        raise WeightsError(
            str(folder),
            f"has {len(found)} files *.onnx.json instead of one",
            "Fetch the voice again: parley models fetch",
        )
    config: dict[str, Any] = json.loads(found[0].read_text(encoding="utf-8"))
    return config


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Idle threads that spin wait faster, and take the cores that Whisper and vLLM need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (NoSuchFile, InvalidProtobuf, InvalidGraph, *_FAILURES) as error:
        raise WeightsError(
            str(path), f"does not load: {error}", "Try: parley models fetch"
        ) from error
