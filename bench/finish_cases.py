"""Utterances that are over and utterances that are not: whole prompts, and the same cut at pauses.

``finish.tsv`` names them: a recording, where it is cut, and what was said up to there. A pause is a
dip of the level between two words of one sentence, at least 14 dB deep; ``quiet_ms`` says how long
it is quiet there. Behind each cut comes what the judge would have on a call when it is asked:
100 ms of line noise, all of it through mu-law.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bench.audible import line_noise
from bench.corpus import SPEECH, read_sound
from pipeline.audio import LINE_RATE, Pcm
from telephony.g711 import ulaw_decode, ulaw_encode

CASES = SPEECH / "finish.tsv"

_FOLDERS = {
    "asterisk-core-sounds-en-wav": "usr/share/asterisk/sounds/en_US_f_Allison",
    "pocketsphinx-testdata": "usr/share/pocketsphinx/test/data",
}
"""Debian package to the folder of its recordings."""

BEHIND_S = 0.1
"""Silence behind the last word when the judge is asked."""

_FADE_SAMPLES = 40
"""A cut falls to nothing within 5 ms, so that it makes no click."""

Kind = Literal["end", "pause", "open"]
Half = Literal["tune", "held-out", "harness"]


@dataclass(frozen=True, slots=True)
class Case:
    """One utterance and the truth about it."""

    name: str
    pcm: Pcm
    """int16 (samples,) at 8 kHz, the silence included."""

    kind: Kind
    """``end``: a whole sentence. ``pause``: cut inside one. ``open``: recorded as the first part
    of a sentence ("you are currently caller number"), so its melody hangs by itself."""

    half: Half
    """Which half of the prompts it belongs to, by their last words; ``harness``: the clips of the
    latency harness, never used to fit anything."""

    said: str
    quiet_ms: int | None
    """How long it is quiet at the cut; None at a recording's own end."""


def finish_cases(root: Path = Path("/")) -> list[Case]:
    """Every case whose recording is there; ``root`` is where the Debian packages are unpacked.

    The clips in the repository always are. Raises ``SettingsError`` where one is no sound.
    """
    return list(_cases(root))


def _cases(root: Path) -> Iterator[Case]:
    path, sound = Path(), np.zeros(0, np.int16)
    with CASES.open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))
    for index, row in enumerate(rows):
        here = _path_of(row["source"], root)
        if not here.is_file():
            continue
        if here != path:
            path, sound = here, read_sound(here)
        yield Case(
            f"{path.stem}@{row['cut_s']}",
            as_asked(sound[: round(float(row["cut_s"]) * LINE_RATE)], seed=index),
            row["kind"],  # type: ignore[arg-type]
            row["half"],  # type: ignore[arg-type]
            row["said"],
            int(row["quiet_ms"]) if row["quiet_ms"] else None,
        )


def as_asked(spoken: Pcm, seed: int) -> Pcm:
    """What the judge hears of speech int16 (samples,): faded, with hiss under and behind it."""
    behind = round(BEHIND_S * LINE_RATE)
    sound = np.pad(spoken.astype(np.float64), (0, behind))
    fade = min(_FADE_SAMPLES, len(spoken))
    sound[len(spoken) - fade : len(spoken)] *= np.linspace(1.0, 0.0, fade)
    sound += line_noise(-65.0, len(sound) / LINE_RATE, seed)
    return ulaw_decode(ulaw_encode(np.clip(np.rint(sound), -32768, 32767).astype(np.int16)))


def _path_of(source: str, root: Path) -> Path:
    package, _, name = source.partition(": ")
    return SPEECH / name if package == "bench/speech" else root / _FOLDERS[package] / name
