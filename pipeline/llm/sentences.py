"""A reply's text to speakable clauses as it streams, sans-I/O.

The first clause decides how long the caller waits, so it is cut at the first place where a speaker
might breathe; later ones at sentence ends, where the voice sounds best. A clause is cut only when
the character after its punctuation is known: "3.5", "Mr. Smith" and "jane.doe@acme.com" stay whole.
Waiting for that character costs a token's time; a short first sentence of plain words does not.
"""

from __future__ import annotations

import re

_FIRST_CLAUSE_LETTERS = 12
"""A first clause is at least this long: shorter ones save nothing and sound clipped."""

_LONG_FIRST_LETTERS = 20
"""A first clause that is longer and has no punctuation yet is cut before a joining word: each
letter more is a hundredth of a second that the caller waits."""

_HURRIED_LETTERS = 6
"""The least that is worth a breath when time has run out."""

_CLAUSE_LETTERS = 60
"""Later clauses are cut at commas only when they are at least this long."""

_LONGEST_FIRST = 70
_LONGEST_CLAUSE = 200
"""A clause without any punctuation is cut at a space here, so that a reply cannot grow unheard."""

_SENTENCE_END = re.compile(r"""[.!?…]+["')\]]*(?=\s)|\n+""")
_PAUSE = re.compile(r"""[,;:\u2014\u2013]["')\]]*(?=\s)|\s-(?=\s)""")

_JOINT = re.compile(
    r"\s(?=(?:and|but|or|so|because|that|which|who|when|if|to|with|for|from|about|in|on|at|by|as)\s)"
)

_PLAIN_WORDS = 5

_BEFORE_ADDRESSES = frozenset(
    {"to", "at", "is", "from", "on", "via", "email", "mail", "write", "visit", "site", "website"}
)

_PLAIN_SENTENCE = re.compile(r"\s*[A-Z][A-Za-z', ]*(?:[!?]|(?<=[A-Za-z]{4})\.)")

_ABBREVIATIONS = frozenset(
    {"mr", "mrs", "ms", "dr", "st", "jr", "sr", "inc", "ltd", "co", "corp", "vs", "dept"}
    | {"approx", "est", "e.g", "i.e", "a.m", "p.m", "u.s"}
)
"""Words that a full stop does not end. "No." is not among them: on the phone it is an answer."""


class ClauseCutter:
    """Cuts one reply. Feed every piece in order, then finish once."""

    def __init__(self) -> None:
        self._text = ""
        self._cut_any = False

    def feed(self, piece: str, hurried: bool = False) -> list[str]:
        """The clauses that ``piece`` completes, trimmed; often none.

        ``hurried``: the caller has waited long enough, so the first clause is whatever whole words
        are there.
        """
        self._text += piece
        clauses: list[str] = []
        while (end := self._cut_at(hurried)) is not None:
            clause, self._text = self._text[:end].strip(), self._text[end:]
            if is_speakable(clause):
                clauses.append(clause)
                self._cut_any = True
        return clauses

    def finish(self) -> list[str]:
        """The rest, when the model stops."""
        clause, self._text = self._text.strip(), ""
        return [clause] if is_speakable(clause) else []

    def _cut_at(self, hurried: bool) -> int | None:
        """Where the next clause ends, or None while that is not known."""
        pauses_count_from = _CLAUSE_LETTERS if self._cut_any else _FIRST_CLAUSE_LETTERS
        ends = [match.end() for match in _SENTENCE_END.finditer(self._text) if _is_end(match)]
        ends += [
            match.end() for match in _PAUSE.finditer(self._text) if match.end() >= pauses_count_from
        ]
        if not self._cut_any:
            joints = _JOINT.finditer(self._text, _LONG_FIRST_LETTERS)
            ends += [match.end() for match in joints][:1]
        if ends:
            return min(ends)
        if not self._cut_any and _is_plain_sentence(self._text):
            return len(self._text)
        if hurried and not self._cut_any:
            space = self._text.rfind(" ")
            return space if space >= _HURRIED_LETTERS else None
        longest = _LONGEST_CLAUSE if self._cut_any else _LONGEST_FIRST
        if len(self._text) > longest:
            space = self._text.rfind(" ", 0, longest)
            return space if space > 0 else longest
        return None


def is_speakable(text: str) -> bool:
    """Whether there is anything in it to say: a letter or a digit."""
    return any(char.isalnum() for char in text)


def _is_plain_sentence(text: str) -> bool:
    """Whether it is a short sentence of nothing but words, the last no abbreviation, and none
    that an address might follow: "Write to jane" may go on with ".doe@acme.com"."""
    if not _PLAIN_SENTENCE.fullmatch(text):
        return False
    words = text.lower().rstrip(".!?").split()
    if len(words) > _PLAIN_WORDS:
        return False
    # Only a full stop can stand in an abbreviation or an address.
    return not text.endswith(".") or (
        words[-1] not in _ABBREVIATIONS and _BEFORE_ADDRESSES.isdisjoint(words)
    )


def _is_end(match: re.Match[str]) -> bool:
    """Whether the punctuation ends a sentence and not an abbreviation or an initial."""
    if match.group()[0] != ".":
        return True
    before = match.string[: match.start()].split()
    word = before[-1].lower().strip("(\"'") if before else ""
    return word not in _ABBREVIATIONS and not (len(word) == 1 and word.isalpha() and word != "i")
