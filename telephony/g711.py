"""G.711, telephony's companding: one byte a sample on the wire, int16 in the pipeline.

Source: ITU-T Recommendation G.711 (11/1988), tables 1a/1b (A-law) and 2a/2b (mu-law). Both laws are
a sign, a 3-bit segment and a 4-bit step within it; each segment's steps are twice as wide as those
of the one below. Mu-law covers 14 bits of magnitude and sign, A-law 13, so their values are shifted
to the top of an int16. A byte value stands for the middle of its step.

Each direction is one table look-up: 256 entries to decode, 65,536 to encode, about 1 microsecond
for 20 ms of sound. (The standard library's ``audioop`` did this until Python 3.13 removed it; the
tests hold us to its results where it still exists.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import Pcm

_ULAW_BIAS = 33  # Added to 14-bit magnitudes, so that each segment starts at a power of two.
_ULAW_MAX = 8158  # Largest 14-bit magnitude with a code (decision value 8159 of table 2a).
_ALAW_TOGGLE = 0x55  # Even bits travel inverted, which keeps idle lines busy with transitions.


def ulaw_decode(payload: bytes) -> Pcm:
    """Mu-law bytes to int16, shape (len(payload),)."""
    return _ULAW_DECODE.take(np.frombuffer(payload, np.uint8))


def ulaw_encode(pcm: Pcm) -> bytes:
    """int16, shape (samples,), to mu-law, one byte a sample. What is too loud is clipped."""
    return _ULAW_ENCODE.take(pcm.view(np.uint16)).tobytes()


def alaw_decode(payload: bytes) -> Pcm:
    """A-law bytes to int16, shape (len(payload),)."""
    return _ALAW_DECODE.take(np.frombuffer(payload, np.uint8))


def alaw_encode(pcm: Pcm) -> bytes:
    """int16, shape (samples,), to A-law, one byte a sample."""
    return _ALAW_ENCODE.take(pcm.view(np.uint16)).tobytes()


def _ulaw_decode_table() -> Pcm:
    # Mu-law sends all bits inverted; a set sign bit (of the inverted byte) is negative.
    code = ~np.arange(256, dtype=np.uint8)
    segment, step = (code >> 4 & 7).astype(np.int32), (code & 15).astype(np.int32)
    magnitude = ((2 * step + _ULAW_BIAS) << segment) - _ULAW_BIAS
    return _shift_to_int16(np.where(code & 0x80, -magnitude, magnitude), 2)


def _ulaw_encode_table() -> NDArray[np.uint8]:
    value = _every_int16() >> 2
    magnitude = np.minimum(np.abs(value), _ULAW_MAX) + _ULAW_BIAS
    segment = _bit_length(magnitude) - 6  # Segment 0 holds the biased magnitudes 33 to 63.
    code = segment << 4 | magnitude >> segment + 1 & 15
    table: NDArray[np.uint8] = (~(code | np.where(value < 0, 0x80, 0)) & 0xFF).astype(np.uint8)
    return table


def _alaw_decode_table() -> Pcm:
    code = np.arange(256) ^ _ALAW_TOGGLE
    segment, step = code >> 4 & 7, code & 15
    # The lowest two segments share one step width; from there it doubles.
    magnitude = np.where(segment == 0, 2 * step + 1, (2 * step + 33) << np.maximum(segment - 1, 0))
    return _shift_to_int16(np.where(code & 0x80, magnitude, -magnitude), 3)


def _alaw_encode_table() -> NDArray[np.uint8]:
    value = _every_int16() >> 3
    # A-law has no zero: -1 is the mirror of 0, so negatives are complemented, not negated.
    magnitude = np.where(value < 0, ~value, value)
    segment = np.maximum(_bit_length(magnitude) - 5, 0)
    code = segment << 4 | magnitude >> np.maximum(segment, 1) & 15
    table: NDArray[np.uint8] = (code | np.where(value < 0, 0, 0x80)).astype(np.uint8)
    return table ^ np.uint8(_ALAW_TOGGLE)


def _every_int16() -> NDArray[np.int32]:
    """All int16 values at the index that their bits have as uint16, shape (65536,)."""
    return np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)


def _bit_length(values: NDArray[np.int32]) -> NDArray[np.int32]:
    """Position of the leading one bit, from 1; 0 for 0. Values must not be negative."""
    return np.frexp(values.astype(np.float64))[1].astype(np.int32)


def _shift_to_int16(values: NDArray[np.int32], bits: int) -> Pcm:
    return (values << bits).astype(np.int16)


_ULAW_DECODE = _ulaw_decode_table()
_ULAW_ENCODE = _ulaw_encode_table()
_ALAW_DECODE = _alaw_decode_table()
_ALAW_ENCODE = _alaw_encode_table()
