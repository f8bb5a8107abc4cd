"""What the caller has heard, sans-I/O: from played marks first, from the clock for the rest.

Audio is sent ahead of the caller's ear, so what was sent is not what was heard. A mark that the
carrier returns proves that everything before it was played. Between marks the clock decides: the
carrier plays what it has without pause, so the end of its buffer is known to the sample, late only
by the way there, and that delay is learnt from the marks.
"""

from __future__ import annotations

from dataclasses import dataclass

_LETTERS_PER_S = 14.0
"""Pace of unhurried English speech, letters and spaces counted; 150 to 160 words a minute."""

_MOST_DELAY_S = 1.0
"""A mark later than this was delayed by something other than the way."""


_AS_GOOD_AS = 0.9
"""A clause heard this far is not said again."""


@dataclass(slots=True)
class _Clause:
    text: str
    # Clock reading at which its first sample leaves the carrier's buffer, delay not counted.
    starts: float
    # The same for its last sample so far.
    ends: float
    # Name of the mark behind it; empty until it is sent whole.
    mark: str = ""
    played: bool = False


class Playout:
    """The outgoing side of one call. ``now`` is a clock reading in seconds throughout."""

    def __init__(self) -> None:
        # The current reply's clauses, in order; emptied when a new reply begins.
        self._clauses: list[_Clause] = []
        # Clock reading at which the carrier's buffer runs dry.
        self._dry_at = 0.0
        # Seconds from our sending to the caller's hearing, as learnt from marks.
        self._delay = 0.0
        self._marks = 0

    def begin_reply(self) -> None:
        """Forget the last reply's clauses. Sound still queued keeps its place in time."""
        self._clauses.clear()

    def begin_clause(self, text: str, now: float) -> None:
        """The next samples sent say ``text``."""
        starts = max(now, self._dry_at)
        self._clauses.append(_Clause(text, starts, starts))

    def sent(self, duration: float, now: float) -> None:
        """``duration`` seconds of the current clause's sound were handed to the line."""
        starts = max(now, self._dry_at)
        self._dry_at = starts + duration
        self._clauses[-1].ends = self._dry_at

    def end_clause(self) -> str:
        """The clause was sent whole. Returns the name of the mark to send behind it."""
        self._marks += 1
        name = f"c{self._marks}"
        self._clauses[-1].mark = name
        return name

    def played(self, mark: str, now: float) -> None:
        """The line says that everything up to this mark was played. Unknown names are ignored."""
        for index, clause in enumerate(self._clauses):
            if clause.mark == mark:
                for earlier in self._clauses[: index + 1]:
                    earlier.played = True
                self._delay = min(max(now - clause.ends, 0.0), _MOST_DELAY_S)
                return

    def lead(self, now: float) -> float:
        """Seconds of sound that wait between us and the caller's ear."""
        return max(0.0, self._dry_at - now)

    def is_heard(self, now: float) -> bool:
        """Whether the caller is hearing the agent now."""
        return now < self._dry_at + self._delay

    def heard(self, now: float) -> str:
        """The reply's text as far as it was heard, cut at a word."""
        parts = (self._heard_of(clause, now) for clause in self._clauses)
        return " ".join(part for part in parts if part)

    def heard_whole(self, now: float) -> list[str]:
        """The texts of the reply's clauses that were heard to their end, or as good as.

        Ask before :meth:`cleared`.
        """
        return [clause.text for clause in self._clauses if self._share(clause, now) >= _AS_GOOD_AS]

    def was_heard_whole(self, now: float) -> bool:
        """Whether nothing of what was begun is left unheard."""
        return all(
            clause.played or (clause.mark != "" and now >= clause.ends + self._delay)
            for clause in self._clauses
        )

    def cleared(self, now: float) -> None:
        """The carrier's buffer was dropped: what had not sounded by ``now`` never will."""
        for clause in self._clauses:
            if not clause.played and clause.ends + self._delay > now:
                text = self._heard_of(clause, now)
                clause.text, clause.played = text, True
        self._dry_at = min(self._dry_at, now)

    def _heard_of(self, clause: _Clause, now: float) -> str:
        if clause.played:
            return clause.text
        # A share of the sound is a share of the letters, near enough.
        return _words_within(clause.text, self._share(clause, now))

    def _share(self, clause: _Clause, now: float) -> float:
        """How much of a clause was heard, 0 to 1."""
        if clause.played:
            return 1.0
        since = now - self._delay - clause.starts
        length = clause.ends - clause.starts
        if since <= 0 or length <= 0:
            return 0.0
        if not clause.mark:
            # Still being sent: its whole length is not known yet, only what is usual.
            return min(since, length) * _LETTERS_PER_S / len(clause.text)
        return min(1.0, since / length)


def _words_within(text: str, share: float) -> str:
    """The leading words of ``text`` that lie within ``share`` (0 to 1) of its letters.

    A word counts when more than half of it was said.
    """
    limit = share * len(text)
    words: list[str] = []
    position = 0
    for word in text.split():
        start = text.index(word, position)
        if start + len(word) / 2 > limit:
            break
        words.append(word)
        position = start + len(word)
    return " ".join(words)
