"""How finished an utterance sounds, sans-I/O: by its words, and by what was heard behind them.

Two voters. :func:`ending_of` names the kind of ending that a transcript has, by closed lists of
words and phrases: the cases that hurt are few and regular, an article, a filler, half a telephone
number. What the transcriber heard (:mod:`pipeline.asr.closing`) knows the rest, and costs nothing.
``docs/turns.md`` has the figures, and those of the models that lost.
"""

from __future__ import annotations

import math
import re
from enum import Enum, auto

from pipeline.endpointing import finish_words as listed
from pipeline.endpointing.dictated import Dictation, dictation_of


class Ending(Enum):
    """What kind of ending a transcript has."""

    NOTHING = auto()
    """No word was understood: no opinion."""

    OPEN_WORD = auto()
    """A word that another must follow: "the", "and", "um"."""

    OPEN_PHRASE = auto()
    """Words that announce something: "my number is", "I'd like to", "let me see"."""

    CORRECTING = auto()
    """The caller takes something back and has yet to say what holds: "no, wait"."""

    DICTATING = auto()
    """In the middle of a number, an address or a spelled word."""

    LOCAL_NUMBER = auto()
    """Seven digits of a telephone number, which has seven or ten."""

    SUBORDINATE = auto()
    """A clause that waits for its main clause: "if it is after five"."""

    TRAILING = auto()
    """None of the above, but written with a comma, a dash or dots behind it."""

    PARTICLE = auto()
    """A word that may stand before a place or end a verb: "come in", "in ..."."""

    FRAGMENT = auto()
    """One or two words that are no answer we know: "the blue"."""

    STATEMENT = auto()
    """None of the others: a plain clause."""

    DICTATED = auto()
    """A whole telephone number or e-mail address."""

    CLOSING = auto()
    """A clause ending in words that close one: "instead", "at three", "works for me"."""

    QUESTION = auto()
    """A question with its verb."""

    ANSWER = auto()
    """A short answer, whole: "yes please", "not interested"."""


_BY_WORDS = {
    Ending.NOTHING: 0.5,
    Ending.OPEN_WORD: 0.02,
    Ending.OPEN_PHRASE: 0.02,
    Ending.CORRECTING: 0.02,
    Ending.DICTATING: 0.02,
    Ending.LOCAL_NUMBER: 0.3,
    Ending.SUBORDINATE: 0.08,
    Ending.TRAILING: 0.1,
    Ending.PARTICLE: 0.25,
    Ending.FRAGMENT: 0.3,
    Ending.STATEMENT: 0.5,
    Ending.QUESTION: 0.7,
    Ending.CLOSING: 0.75,
    Ending.DICTATED: 0.95,
    Ending.ANSWER: 0.95,
}
"""How likely the caller is done, by the words alone; set by hand. What the sound adds is fitted."""

_WORDS_DECIDE = frozenset(
    {
        Ending.NOTHING,
        Ending.OPEN_WORD,
        Ending.OPEN_PHRASE,
        Ending.CORRECTING,
        Ending.DICTATING,
        Ending.LOCAL_NUMBER,
    }
)
"""Where the sound is not asked: a group of digits is spoken as if it were the last."""

_WORDS_WEIGHT = 0.5
"""Of the words' log-odds beside those of the sound: logistic regression on the tune half of
``bench/speech/finish.tsv``. With it, a threshold of 0.7 lets 2 to 3 % of the pauses inside
sentences pass for ends, and knows 19 ends of 20."""

_SHORT, _ANSWER_SOUND = 4, 0.5
"""Up to so many words, an answer that we know is judged by them, and the sound counts little: in so
short a sound the transcriber hears the beginning of a sentence, and is wrong about "goodbye"."""

_LEAST_BY_SOUND = 0.12
"""However open it sounds, only words make it certain that something is missing: "five" is a whole
answer and sounds like the beginning of one, and should not be kept waiting longest."""


def sounds_finished(text: str, closing: float | None = None) -> float:
    """Probability, 0 to 1, that the caller is done.

    Args:
        text: what the transcriber made of the utterance so far; case and punctuation may be any.
        closing: the transcriber's probability that the utterance is over, by what it heard
            (:mod:`pipeline.asr.closing`). None where it tells none; the words then judge alone,
            and only what is surely open or surely an answer can be told.
    """
    kind = ending_of(text)
    by_words = _BY_WORDS[kind]
    if closing is None or kind in _WORDS_DECIDE:
        return by_words
    odds = _log_odds(closing) + _WORDS_WEIGHT * _log_odds(by_words)
    if kind is Ending.ANSWER and _is_short(text):
        odds = _log_odds(by_words) + _ANSWER_SOUND * _log_odds(closing)
    return max(_LEAST_BY_SOUND, 1.0 / (1.0 + math.exp(-odds)))


def _is_short(text: str) -> bool:
    """Whether it is one sentence of a few words."""
    one = len(_SENTENCE_END.split(text.strip())) == 1
    return one and len(_WORD.findall(text.lower())) <= _SHORT


def ending_of(text: str) -> Ending:
    """The kind of ending that a transcript has."""
    plain = text.replace("\u2019", "'").lower().strip()
    # Of several sentences only the last one can be unfinished.
    sentence = _SENTENCE_END.split(plain.rstrip(_MARKS))[-1]
    words = _WORD.findall(sentence)
    if not words:
        return Ending.NOTHING
    said = " ".join(words)
    trails = plain.endswith(_TRAILING_MARKS)
    if not trails and (said in listed.ANSWERS or listed.ANSWER.fullmatch(said)):
        return Ending.ANSWER
    if listed.CORRECTION.search(said):
        return Ending.CORRECTING
    dictation = _OF_DICTATION.get(dictation_of(plain))
    return dictation or _of_clause(plain, sentence, words, said)


_OF_DICTATION = {
    Dictation.OPEN: Ending.DICTATING,
    Dictation.LOCAL: Ending.LOCAL_NUMBER,
    Dictation.WHOLE: Ending.DICTATED,
}


def _of_clause(plain: str, sentence: str, words: list[str], said: str) -> Ending:
    """Of words that are no dictation; ``sentence`` is the last one of the text ``plain``."""
    asks = bool(listed.ASKS.match(said))
    if listed.OPEN_PHRASE.search(said):
        return Ending.OPEN_PHRASE
    if listed.ELLIPSIS.search(said) or (asks and listed.STRANDED.search(said)):
        return Ending.CLOSING
    if words[-1] in listed.OPEN_WORDS or words[-1] in listed.PREPOSITIONS:
        return Ending.OPEN_WORD
    if listed.SUBORDINATE.match(said) and "," not in sentence:
        return Ending.SUBORDINATE
    return _of_whole_clause(plain, words, said, asks)


def _of_whole_clause(plain: str, words: list[str], said: str, asks: bool) -> Ending:
    """Of a clause that has nothing open in it that we know."""
    if plain.endswith(_TRAILING_MARKS):
        return Ending.TRAILING
    if words[-1] in listed.PARTICLES:
        return Ending.PARTICLE
    if asks and len(words) > 2:
        return Ending.QUESTION
    if listed.CLOSING.search(said):
        return Ending.CLOSING
    return Ending.FRAGMENT if len(words) < 3 else Ending.STATEMENT


def _log_odds(probability: float) -> float:
    """Kept off certainty, so that neither side can outvote the other whatever it says."""
    probability = min(max(probability, 0.001), 0.999)
    return math.log(probability / (1.0 - probability))


_WORD = re.compile(r"[a-z0-9]+(?:['@._:+-][a-z0-9]+)*")
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_MARKS = " .?!,;:-\u2013\u2014\u2026\"'"
_TRAILING_MARKS = (",", "...", "\u2026", "-", "\u2013", "\u2014", ":", ";")
