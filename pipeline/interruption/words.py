"""Backchannels by their words, sans-I/O: what a listener says without wanting the floor.

The inventory is the one of conversation analysis: continuers ("mm-hm", "uh-huh"), acknowledgements
("yeah", "okay", "right"), assessments of a word ("great") and news receipts ("I see", "oh"); see
Schegloff, "Discourse as an interactional achievement" (1982), and Yngve (1970), who named them.
"""

from __future__ import annotations

import re

_HUM = r"(?:h*m+|m+h+m*|(?:m+|h+m+|u+h+|u+m+|a+h*|e+h+)(?:h+(?:u+h+|m+|a+h*|u+m+))+)"
"""Hums as Whisper spells them, hyphens removed: mm, hmm, mhm, mmhmm, uhhuh, ahhah. Not "uh": it
begins a sentence, and not "uh-uh": that is a no."""

_WORDS = (
    r"yeah|yea|yep|yup|yah|ya|yes|ok|okay|kay|mkay|right|alright|sure|great|good|nice|cool|fine|"
    r"perfect|exactly|absolutely|definitely|totally|indeed|true|correct|really|oh|ah|wow|huh|aha|"
    r"gotcha|understood|interesting|lovely|excellent|wonderful"
)

_PHRASES = (
    r"i see|i c|got it|i got it|i got you|got you|all right|of course|for sure|that'?s right|"
    r"that'?s (?:good|great|true|fine|nice|correct)|sounds good|i understand|i know|makes sense|"
    r"(?:uh|um|ah|m) (?:huh|hum|ha|h?m+)|that makes sense|"
    r"fair enough|no problem|very good|oh really|i hear you"
)

_SOFTENERS = r"and|so|very|then|well"
"""Words that a backchannel may hold but not consist of."""

_ONE = re.compile(rf"(?:{_PHRASES}|{_WORDS}|{_HUM}|{_SOFTENERS})(?:\s+|$)")
_SOFTENER = re.compile(rf"(?:{_SOFTENERS})")

_ASKED = frozenset({"", "really", "oh really", "yeah", "oh yeah", "right", "huh", "mm", "hmm"})
"""What may have a question mark and still be no question."""

_NOT_SAID = re.compile(r"\[[^\]]*\]|\([^)]*\)|\*[^*]*\*")
"""[cough], (music), *sigh*: how Whisper writes what is no word."""

_REPEATED = re.compile(r"(.)\1{2,}")
"""Hmmmm is hmm. This also keeps the patterns above from having many ways to match a long hum."""

MOST_WORDS = 6
"""More words than this want to be heard, whatever they are."""

FEW_WORDS = 3
"""A text of no more words must be surely heard, or be plain, to take the floor."""

SURE = 0.55
"""Confidence from which a transcript is taken at its word. Of 48 backchannels by voices that a
model hears badly, 9 became other words ("You at", "Go for it."), with 0.22 to 0.48."""

_PLAIN = re.compile(
    r"\b(?:no|nope|nah|stop|wait|hold|hang|hello|hey|what|who|why|how|when|where|which|excuse|"
    r"pardon|help|not|don't|can't|never|quiet)\b"
)
"""Words that want the floor however badly they were heard."""


def wants_floor(text: str, confidence: float) -> bool:
    """Whether the words of a short sound over the agent's speech are reason to fall silent.

    ``confidence`` is the transcript's mean probability of a token, 0 to 1. A hum makes a
    transcriber guess: a few words that it is not sure of count for nothing, unless they are plain
    ("no", "wait") or a question.
    """
    if is_backchannel(text):
        return False
    words = text.lower().replace("\u2019", "'")
    return (
        "?" in words
        or len(words.split()) > FEW_WORDS
        or confidence >= SURE
        or _PLAIN.search(words) is not None
    )


def is_backchannel(text: str) -> bool:
    """Whether a transcript is no more than a listener's "go on".

    For what is said while the agent is talking: as the answer to a question, "yeah" is a turn.
    Nothing at all is a backchannel too: a cough has no transcript. English; words of another
    language are taken for speech, which is the safe side.
    """
    words = _NOT_SAID.sub(" ", text.lower()).replace("\u2019", "'").replace("-", "")
    words = _REPEATED.sub(r"\1\1", re.sub(r"[^\w\s']", " ", words)).strip()
    if "?" in text and words not in _ASKED:
        return False
    if len(words.split()) > MOST_WORDS:
        return False
    while words:
        match = _ONE.match(words)
        if match is None:
            return False
        rest = words[match.end() :]
        if not rest and _SOFTENER.fullmatch(match.group().strip()):
            return False  # "yeah and": there is more to come
        words = rest
    return True
