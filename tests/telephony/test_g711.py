"""G.711 against its published values, against itself, and against the old standard library."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest

from telephony.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode

EVERY_BYTE = bytes(range(256))
EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)


def int16(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int16)


def test_ulaw_known_values() -> None:
    # Ends of the scale, both zeros, and the ends of segments 1 and 7 (G.711 table 2).
    assert ulaw_decode(b"\x00\x80\x7f\xff\xef\x8f").tolist() == [-32124, 32124, 0, 0, 132, 16764]
    assert ulaw_encode(int16(0, -4, 32767, -32768, 132, 16764)) == b"\xff\x7e\x80\x00\xef\x8f"


def test_alaw_known_values() -> None:
    assert alaw_decode(b"\xd5\x55\xaa\x2a").tolist() == [8, -8, 32256, -32256]
    assert alaw_encode(int16(0, -1, 32767, -32768)) == b"\xd5\x55\xaa\x2a"


def test_ulaw_codes_survive_a_round_trip() -> None:
    # 0x7f is negative zero, which int16 does not have.
    assert ulaw_encode(ulaw_decode(EVERY_BYTE)) == EVERY_BYTE.replace(b"\x7f", b"\xff")


def test_alaw_codes_survive_a_round_trip() -> None:
    assert alaw_encode(alaw_decode(EVERY_BYTE)) == EVERY_BYTE


@pytest.mark.parametrize(
    ("encode", "decode", "loudest"),
    [(ulaw_encode, ulaw_decode, 32124), (alaw_encode, alaw_decode, 32256)],
)
def test_every_sample_comes_back_within_half_a_step(encode, decode, loudest) -> None:
    back = decode(encode(EVERY_SAMPLE)).astype(int)
    wanted = np.clip(EVERY_SAMPLE.astype(int), -loudest, loudest)
    # A step is a sixteenth of its segment: an error of at most 1/32 of the value, and 8 near zero.
    # Samples below the laws' own 14 and 13 bits may cost 4 and 8 more.
    assert np.all(np.abs(back - wanted) <= np.abs(wanted) / 32 + 16)


def test_louder_input_never_decodes_quieter() -> None:
    for encode, decode in ((ulaw_encode, ulaw_decode), (alaw_encode, alaw_decode)):
        assert np.all(np.diff(decode(encode(EVERY_SAMPLE)).astype(int)) >= 0)


def test_nothing_in_is_nothing_out() -> None:
    assert ulaw_encode(ulaw_decode(b"")) == b""
    assert alaw_encode(alaw_decode(b"")) == b""


def test_strided_input_is_encoded_in_order() -> None:
    assert ulaw_encode(EVERY_SAMPLE[::257]) == ulaw_encode(EVERY_SAMPLE[::257].copy())


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="audioop left the standard library")
def test_all_tables_agree_with_audioop() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import audioop  # only old Pythons have it
    raw = EVERY_SAMPLE.tobytes()
    assert ulaw_encode(EVERY_SAMPLE) == audioop.lin2ulaw(raw, 2)
    assert alaw_encode(EVERY_SAMPLE) == audioop.lin2alaw(raw, 2)
    assert ulaw_decode(EVERY_BYTE).tobytes() == audioop.ulaw2lin(EVERY_BYTE, 2)
    assert alaw_decode(EVERY_BYTE).tobytes() == audioop.alaw2lin(EVERY_BYTE, 2)
