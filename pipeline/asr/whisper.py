"""Whisper on CTranslate2: one utterance to its words, on a window no longer than it needs.

faster_whisper loads the model and its tokenizer. Its ``transcribe`` is not used: it pads every
utterance to 30 s, which is where most of its time goes (see :mod:`.windows`), and it decodes
lazily, on whatever thread iterates.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens
from numpy.typing import NDArray

from pipeline.asr import closing, windows
from pipeline.asr.closing import Closing, Signs
from pipeline.asr.encoder import Encoder
from pipeline.asr.mel import HOP, MelBands
from pipeline.asr.onset import OnsetEar, load_heads, onset_engine
from pipeline.asr.windows import FULL_WINDOW_S, WHISPER_RATE
from pipeline.audio import resample, to_float
from pipeline.config import AsrSettings
from pipeline.errors import WeightsError
from pipeline.interruption.onset import Onset
from pipeline.threaded import Threaded
from pipeline.turn import Speech, Transcript

_FILES = ("model.bin", "config.json", "tokenizer.json")
"""Without a tokenizer of its own, faster_whisper would ask the internet for one."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the model made of one window."""

    tokens: list[int]
    """Of the text, without timestamps."""

    log_probabilities: NDArray[np.float64]
    """One for each of them, shape (tokens,)."""

    text: str
    no_speech: float
    """Probability that nobody spoke."""

    looped: bool

    closing: float | None
    """How likely the speaker had finished; None where nobody can tell."""


class Whisper:
    """A loaded model. ``transcribe`` blocks; as many threads as ``workers`` may call it at once."""

    def __init__(self, folder: Path, settings: AsrSettings, model_name: str) -> None:
        """Load a CTranslate2 Whisper model.

        Args:
            folder: holds model.bin, config.json, tokenizer.json and the vocabulary.
            model_name: says how much padding was measured as safe, unless ``settings.pad_s`` does.

        Raises:
            WeightsError: the folder holds no such model.
        """
        for name in _FILES:
            if not (folder / name).is_file():
                raise WeightsError(
                    model_name, f"has no {name} in {folder}", "Try: parley models fetch"
                )
        try:
            self._model = WhisperModel(
                str(folder),
                device=settings.device,
                compute_type=settings.compute_type,
                cpu_threads=settings.threads,
                # One more than transcribe: an onset is not to wait for somebody's sentence.
                num_workers=settings.workers + 1,
                local_files_only=True,
            )
            self._encoder = Encoder(self._model.model, folder, settings.compute_type)
        except (RuntimeError, ValueError) as error:
            raise WeightsError(model_name, f"does not load: {error}", "See [asr]") from error
        self._mel = MelBands(self._model.feature_extractor.mel_filters)
        self._name = model_name
        # None: the model's own choice, by the length of the speech.
        self._pad_s = settings.pad_s
        self._tokenizer = Tokenizer(
            self._model.hf_tokenizer,
            self._model.model.is_multilingual,
            task="transcribe",
            language="en",
        )
        self._closing = Closing.load(model_name)
        self._signs = Signs.of(self._tokenizer.encode, self._tokenizer.eot)
        # Symbols and annotations ("[music]") that are written and not said.
        self._suppressed = list(get_suppressed_tokens(self._tokenizer, [-1]))

    def transcribe(self, speech: Speech, pad_s: float | None = None) -> Transcript:
        """The words of one utterance; empty when there are none in it.

        Args:
            speech: of any length and rate; what is over 29 s is heard in pieces.
            pad_s: seconds of silence behind it, instead of the model's own; 30 for the full window.
        """
        heard: list[_Heard] = []
        fell_back = False
        for piece in windows.split_quietest(speech.pcm, speech.rate):
            if not windows.is_audible(piece, speech.rate):
                continue
            samples = to_float(resample(piece, speech.rate, WHISPER_RATE))
            pad = self._pad_for(samples) if pad_s is None else pad_s
            short = self._listen(samples, pad)
            while self._is_doubtful(short, pad):
                fell_back = True
                pad = windows.next_pad_s(self._name, pad)
                short = self._listen(samples, pad)
            if _has_words(short):
                heard.append(self._once(short))
        if not heard:
            return Transcript("", confidence=0.0, fell_back=fell_back)
        return Transcript(
            " ".join(piece.text for piece in heard),
            confidence=float(np.exp(np.concatenate([p.log_probabilities for p in heard])).mean()),
            fell_back=fell_back,
            closing=heard[-1].closing,
        )

    def onset_ear(self) -> OnsetEar | None:
        """What scores onsets with this model's encoder; None for models it was not fitted to."""
        heads = load_heads(self._name)
        return OnsetEar(self._encoder.encode_shared, self._mel, heads) if heads else None

    def warm_up(self) -> None:
        """Let the model answer once: the first answer allocates, and is several times slower."""
        hum = np.sin(np.arange(2 * WHISPER_RATE, dtype=np.float32) * 0.05) * 0.1
        samples = hum.astype(np.float32)
        for encode in (self._encoder.encode_shared, self._encoder.encode_alone):
            encode(self._features(samples, self._pad_for(samples)))
        self._listen(samples, self._pad_for(samples))

    def _is_doubtful(self, heard: _Heard, pad_s: float) -> bool:
        """Whether more silence behind the speech may change what the model makes of it."""
        if _has_words(heard):
            return heard.looped and pad_s < FULL_WINDOW_S
        # Our bounds on "nobody spoke" were measured with as much silence as a single word needs.
        # With less, 0.3 s before the first word can raise it from 0.01 to 0.28, and beyond them.
        return bool(heard.tokens) and pad_s < windows.pad_s_of(self._name, 0.0)

    def _pad_for(self, samples: NDArray[np.float32]) -> float:
        if self._pad_s is not None:
            return self._pad_s
        return windows.pad_s_of(self._name, len(samples) / WHISPER_RATE)

    def _features(self, samples: NDArray[np.float32], pad_s: float) -> ctranslate2.StorageView:
        """float32 (1, mel bands, frames) of samples at 16 kHz and the silence behind them."""
        frames = windows.window_samples(len(samples), pad_s) // HOP
        mel = self._mel.log_mel(samples, frames)
        return ctranslate2.StorageView.from_array(np.ascontiguousarray(mel[None]))

    def _listen(self, samples: NDArray[np.float32], pad_s: float) -> _Heard:
        """One window, samples float32 (samples,) at 16 kHz, through the model, greedily."""
        duration_s = len(samples) / WHISPER_RATE
        limit = windows.most_tokens(duration_s)
        # The prompt lacks <|notimestamps|> on purpose: see windows.
        encoded = self._encoder.encode(self._features(samples, pad_s))
        (result,) = self._model.model.generate(
            encoded,
            [self._tokenizer.sot_sequence],
            beam_size=1,
            # CTranslate2 lets a text have half of it, and the prompt the other half.
            max_length=2 * limit,
            return_logits_vocab=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=self._suppressed,
        )
        ids: list[int] = result.sequences_ids[0]
        kept = windows.without_echo(ids, self._tokenizer.timestamp_begin, duration_s)
        tokens = [ids[index] for index in kept]
        text = self._tokenizer.decode(tokens).strip()
        return _Heard(
            tokens,
            np.array([_log_probability(result.logits[0][i], ids[i]) for i in kept], np.float64),
            text,
            no_speech=result.no_speech_prob,
            looped=len(ids) >= limit or windows.looks_looped(tokens, text, limit, duration_s),
            closing=self._closing_of(samples, encoded, result.logits[0], tokens, kept),
        )

    def _closing_of(
        self,
        samples: NDArray[np.float32],
        encoded: ctranslate2.StorageView,
        logits: Sequence[ctranslate2.StorageView],
        tokens: Sequence[int],
        kept: Sequence[int],
    ) -> float | None:
        """How likely the speaker had finished, from what was computed for the words anyway."""
        step = closing.step_behind_words(
            [self._tokenizer.decode([token]) for token in tokens], kept
        )
        if self._closing is None or step is None or step >= len(logits):
            return None
        return self._closing.probability(
            closing.stop_odds(
                np.asarray(logits[step].to_device(ctranslate2.Device.cpu)).reshape(-1), self._signs
            ),
            np.asarray(encoded.to_device(ctranslate2.Device.cpu))[0],
            closing.end_of_speech(samples),
        )

    def _once(self, heard: _Heard) -> _Heard:
        """The same, if it loops even in the full window, cut to the first round."""
        if not heard.looped:
            return heard
        count = windows.first_round(heard.tokens)
        tokens = heard.tokens[:count]
        text = self._tokenizer.decode(tokens).strip()
        return _Heard(
            tokens, heard.log_probabilities[:count], text, heard.no_speech, False, heard.closing
        )


def whisper_engines(
    folder: Path, settings: AsrSettings, model_name: str
) -> tuple[Threaded[Speech, Transcript], Threaded[Onset, float] | None]:
    """A loaded, warm model as the transcriber and as what scores onsets, if it was fitted to that;
    use both as context managers.

    Raises:
        WeightsError: the folder holds no such model.
    """
    whisper = Whisper(folder, settings, model_name)
    whisper.warm_up()

    def work(speech: Speech) -> Generator[Transcript, None, None]:
        yield whisper.transcribe(speech)

    ear = whisper.onset_ear()
    if ear is not None:
        # Here and not through its engine, whose limit is for calls: a start is slower than that.
        ear.warm_up()
    transcriber = Threaded(
        "whisper",
        work,
        threads=settings.workers,
        timeout_s=settings.timeout_s,
        failures=(RuntimeError, ValueError, MemoryError),
        due=lambda speech: speech.due,
    )
    return transcriber, None if ear is None else onset_engine(ear)


def _has_words(heard: _Heard) -> bool:
    if not any(char.isalnum() for char in heard.text):
        return False
    return windows.has_words_in(heard.no_speech, float(heard.log_probabilities.mean()))


def _log_probability(logits: ctranslate2.StorageView, token: int) -> float:
    """Of one token, from one step's logits, shape (vocabulary,)."""
    values = np.array(logits, np.float32).reshape(-1)
    highest = values.max()
    return float(values[token] - highest - np.log(np.exp(values - highest).sum()))
