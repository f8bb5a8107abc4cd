"""How much sound a Whisper model is shown, and whether to believe what it made of it. Pure.

Whisper was trained on windows of 30 s, and everybody pads to that. Its encoder takes any length,
and a caller's turn is short, so we encode the speech and a little silence. How little was measured
for each model, with timestamps asked for: they tie the text to the sound. Without them a model that
is shown too little silence loops, saying the sentence again and again; with them it bears half as
much.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.audio import Pcm, level_dbfs

WHISPER_RATE = 16_000
"""Hz, at which the models hear."""

FULL_WINDOW_S = 30.0

_POSITION = 320
"""Samples of one encoder position: two mel frames of 10 ms. Windows are whole positions."""

_PAD_S = {"base": (5.0, 2.0), "tiny.en": (8.0, 8.0)}
"""Seconds of silence behind speech shorter than :data:`_SHORT_S`, and behind longer, by model.

Measured on 154 sentences and 264 single words of human speech at 8 kHz: with one second less, base
loops on one of the words. It is the words that need the silence: with 2 s, base loops on 2 of 103
clips of 1.0 to 1.6 s, and on none of 187 longer ones."""

_SHORT_S = 2.0
"""Seconds of sound, with the silence that a call keeps around speech, up to which it may be a
single word."""

_EDGE_S = 0.1
"""Length over which the quietest place for a cut is sought."""


def pad_s_of(model: str, duration_s: float) -> float:
    """Seconds of silence that a model needs behind ``duration_s`` seconds of speech; the full
    window where that was not measured.

    ``model`` is a name as settings have it: ``whisper-base``, ``Systran/faster-whisper-tiny.en``,
    or a folder of such a name.
    """
    name = model.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1].lower()
    short, longer = _PAD_S.get(name.rsplit("whisper-", 1)[-1], (FULL_WINDOW_S, FULL_WINDOW_S))
    return short if duration_s < _SHORT_S else longer


def next_pad_s(model: str, pad_s: float) -> float:
    """Seconds of silence to try when the model looped with ``pad_s``: what a single word needs,
    then the full window."""
    word = pad_s_of(model, 0.0)
    return word if pad_s < word else FULL_WINDOW_S


def window_samples(speech: int, pad_s: float) -> int:
    """Length of the window for ``speech`` samples at 16 kHz: padded, whole, at most 30 s."""
    padded = speech + int(pad_s * WHISPER_RATE)
    whole = -(-padded // _POSITION) * _POSITION
    return min(whole, int(FULL_WINDOW_S * WHISPER_RATE))


def split_quietest(pcm: Pcm, rate: int, longest_s: float = FULL_WINDOW_S - 1.0) -> Iterator[Pcm]:
    """An utterance in pieces of at most ``longest_s``, cut in their second halves' quietest places.

    Almost every utterance is one piece. The pieces join to the whole.
    """
    longest = int(longest_s * rate)
    while len(pcm) > longest:
        cut = quietest(pcm, rate, longest // 2, longest)
        yield pcm[:cut]
        pcm = pcm[cut:]
    yield pcm


def quietest(pcm: Pcm, rate: int, first: int, last: int, edge_s: float = _EDGE_S) -> int:
    """The middle of the quietest ``edge_s`` seconds between samples ``first`` and ``last``."""
    edge = max(1, int(edge_s * rate))
    energy = np.cumsum(np.concatenate(([0.0], pcm[first:last].astype(np.float64) ** 2)))
    sums = energy[edge:] - energy[:-edge]
    return first + int(np.argmin(sums)) + edge // 2


def most_tokens(duration_s: float) -> int:
    """More tokens than anybody says in this time, timestamps included.

    The quickest of our clips has 4.5 text tokens a second. A loop ends here, instead of costing
    the model's own limit of 224 tokens, which is about a second.
    """
    return 10 + int(8 * duration_s)


def without_echo(tokens: Sequence[int], first_time: int, duration_s: float) -> list[int]:
    """Positions of the text tokens, up to the first segment that begins after the speech has ended.

    ``first_time`` is the token of time zero; each later one is 20 ms more. What a model hears in
    the silence behind the speech is an echo of it.
    """
    text: list[int] = []
    for index, token in enumerate(tokens):
        if token < first_time:
            text.append(index)
        elif text and (token - first_time) * 0.02 > duration_s + 0.5:
            break
    return text


def looks_looped(tokens: Sequence[int], text: str, limit: int, duration_s: float) -> bool:
    """Whether a transcript repeats itself as speech does not.

    Args:
        tokens: of the text, without timestamps.
        text: the same, decoded.
        limit: how many tokens the model was allowed, timestamps included.
        duration_s: seconds of speech.
    """
    if len(tokens) >= limit - 2:
        return True  # it never came to an end
    raw = text.encode()
    if len(raw) > 40 and len(raw) / len(zlib.compress(raw)) > 2.4:
        return True  # the bound that OpenAI's decoder has
    period = _period(tokens)
    # "No, no, no" is said; a whole clause twice within the time of one is not.
    return 4 <= period <= len(tokens) // 2 and len(tokens) > 5 * duration_s


def first_round(tokens: Sequence[int]) -> int:
    """How many tokens to keep of a loop: what comes before it, and its first round."""
    for start in range(len(tokens)):
        period = _period(tokens[start:])
        if period and 2 * period <= len(tokens) - start:
            return start + period
    return len(tokens)


def has_words_in(no_speech: float, log_probability: float) -> bool:
    """Whether there was speech in it, by the model's own judgement.

    On 420 human clips the probability of no speech is at most 0.43 (0.45 under noise that leaves
    them intelligible); on silence, noise, breath, knocks and line tones it is 0.46 to 0.99. What
    lies between the bounds has to be a doubtful text as well. A loud cough passes as a word.

    Args:
        no_speech: the model's probability that there is none.
        log_probability: mean of the text's tokens.
    """
    return no_speech < 0.4 or (no_speech < 0.6 and log_probability > -1.0)


def is_audible(pcm: Pcm, rate: int) -> bool:
    """Whether a sound is long and loud enough for a word: 80 ms within 25 dB of its loudest.

    Spares the model silence and clicks, of which it makes "Thank you." and "you".
    """
    frame = rate // 50
    levels = [level_dbfs(pcm[i : i + frame]) for i in range(0, len(pcm) - frame + 1, frame)]
    loudest = max(levels, default=-120.0)
    return loudest > -55.0 and sum(level > max(loudest - 25.0, -60.0) for level in levels) >= 4


def _period(tokens: Sequence[int]) -> int:
    """The smallest p with ``tokens[i] == tokens[i + p]`` throughout; their number if none."""
    for period in range(1, len(tokens)):
        if all(a == b for a, b in zip(tokens, tokens[period:], strict=False)):
            return period
    return len(tokens)
