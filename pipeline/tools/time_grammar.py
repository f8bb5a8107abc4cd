"""The grammar of spoken times: words in, parts of a time out. It knows no clock and no calendar.

One table of rules. At each place in the text the longest rule that matches wins; a word that no
rule knows comes out as :class:`Unknown`, so that nothing is ever skipped in silence. What the parts
mean together, and whether they name one instant, is decided in ``when.py``.

Own rules instead of a library, because of what was measured on the 292 phrases of
``tests/data/when.tsv``: dateparser 1.5 was right on 98, silently wrong on 72, and held the event
loop for 0.12 s on its first call. These rules take under 0.1 ms for a phrase.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pipeline.tools.number_words import level
from pipeline.tools.time_parts import (
    After,
    Clock,
    Correction,
    DayPart,
    DaysAhead,
    Exact,
    Loose,
    MonthDay,
    Open,
    Part,
    Parts,
    SameTime,
    Unknown,
    Week,
    Weekday,
    Zone,
)

# -- Words ------------------------------------------------------------------------------------

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
_ZONES = {
    "e": "America/New_York",
    "c": "America/Chicago",
    "m": "America/Denver",
    "p": "America/Los_Angeles",
}

_WD = (
    r"(mon(?:day)?|tue(?:s(?:day)?)?|wed(?:s|nesday)?|thu(?:r(?:s(?:day)?)?)?"
    r"|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
)
_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_TH = r"(?:st|nd|rd|th)"
_MARK = r"(?: ?(am|pm|a m|p m))?"
_COUNT = r"(an?|\d{1,3})"
_IN = r"(?<!the )(?<!at )(?:in )?(?:about |around |roughly |exactly |like |just |another )*"
_HENCE = r"(?: time| from now)?"
_FILLERS = (
    r"a|about|again|all|also|an|and|anyway|approximately|around|at|available|back|be|best"
    r"|better|bit|but|buzz|call|can|could|definitely|do|er|erm|exactly|fine|for|free|get|give"
    r"|go|good|great|hey|how|i|i'd|i'll|i'm|if|is|ish|it|just|know|let|let's|lets|like|local"
    r"|maybe|me|meet|meeting|my|o|oclock|of|oh|ok|okay|on|perfect|perhaps|phone|please"
    r"|possible|precisely|probably|reach|right|ring|roughly|say|schedule|sharp|should|so|speak"
    r"|sure|talk|thank|thanks|that|that'd|that'll|that's|the|them|then|there|there's|think"
    r"|this|time|to|today's|try|uh|uhm|um|us|want|we|we'd|we'll|well|what|what's|works|would"
    r"|yeah|yep|yes|you|you'd|you'll"
)


def _weekday(name: str) -> int:
    return _WEEKDAYS.index(name[:3])


def _month(name: str) -> int:
    return _MONTHS.index(name[:3]) + 1


def _count(word: str) -> int:
    return int(word) if word.isdigit() else 1


def _clock(hour: str, minute: str | int = 0, mark: str | None = None) -> Part:
    """A clock time as said, or :class:`Unknown` when no clock shows it."""
    number, minutes = int(hour), int(minute)
    mark = (mark or "").replace(" ", "")
    if minutes > 59 or number > 23 or (mark and not 1 <= number <= 12):
        return Unknown(f"{hour}:{minute} {mark}".rstrip(" :0"))
    if mark == "am" and number == 12:
        return Open("12 am")  # half the world means noon by it
    if mark == "am":
        return Clock(number, minutes, "am")
    if mark == "pm":
        return Clock(number, minutes, "pm")
    if number > 12 or number == 0:
        return Clock(number, minutes, "24")
    return Clock(number, minutes, "zero" if hour.startswith("0") else "")


def _two_numbers(first: str, second: str, mark: str | None) -> Part:
    """Hour and minute, unless they may be two hours in a row: "ten, eleven"."""
    if int(second) == int(first) + 1:
        return Open(f"{first} {second}")
    return _clock(first, second, mark)


def _beside(minutes: str, side: str, hour: str, mark: str | None) -> Part:
    """Minutes to or past an hour."""
    words = f"{minutes} {side} {hour}"
    bare = minutes.isdigit()
    count = int(minutes) if bare else 30 if minutes == "half" else 15
    number = 12 if hour in ("noon", "midday") else int(hour)
    if not 1 <= number <= 12 or not 0 < count < 60:
        return Unknown(words)
    if side in ("past", "after"):
        return _clock(str(number), count, mark)
    # "Five to six" is 5:55 or an hour's range. "Ten to four" can hardly be a range.
    if count == 30 or (bare and 0 < number - count <= 2):
        return Open(words)
    earlier = 12 if number == 1 else number - 1
    if mark is not None and number == 12:
        mark = "am" if mark.startswith("p") else "pm"  # a quarter to 12 pm is 11:45 am
    return _clock(str(earlier), 60 - count, mark)


def _hours(hours: str, more: str | None = None) -> Part:
    """Hours, and what is said behind "and"."""
    whole = 60 * (float(hours) if hours[0].isdigit() else 1)
    if more is None:
        return After(whole)
    if more in ("a half", "a quarter"):
        return After(whole + (30 if more == "a half" else 15))
    return After(whole + int(more.split(maxsplit=1)[0]))


def _slashed(first: str, second: str, year: str | None) -> Part:
    """3/14: which is the month is plain only when one of them cannot be."""
    one, two = int(first), int(second)
    full_year = None if year is None else int(year) + (2000 if len(year) == 2 else 0)
    if one > 12 >= two:
        return MonthDay(one, two, full_year)
    if two > 12 >= one or one == two:
        return MonthDay(two, one, full_year)
    return Open(f"{first}/{second}")


def _written(date: str, clock: str | None, offset: str | None) -> Parts:
    """An ISO date, with or without a clock and an offset."""
    if clock and offset:
        return (Exact(f"{date}T{clock}{offset}"),)
    year, month, day = (int(number) for number in date.split("-"))
    found = MonthDay(day, month, year)
    if clock is None:
        return (found,)
    return (found, Clock(int(clock[:2]), int(clock[3:5]), "24"))


# -- Rules ------------------------------------------------------------------------------------

_Build = Callable[..., Part | Parts]
_TODAY = DaysAhead(0)

_RULES: tuple[tuple[str, _Build], ...] = (
    # Clocks. Groups that did not take part arrive as None.
    (r"(\d{1,2})[:.](\d\d)(?::\d\d)?" + _MARK, _clock),
    (r"(\d{1,2}) (?:oclock)" + _MARK, lambda h, m: _clock(h, 0, m)),
    (r"(\d{1,2}) ?(am|pm|a m|p m)", lambda h, m: _clock(h, 0, m)),
    (r"(\d{1,2}) ([1-5]\d)" + _MARK, _two_numbers),
    (r"(\d{1,2}) 0 ([1-9])" + _MARK, _clock),
    (r"0 (\d)(?: ([0-5]\d))?" + _MARK, lambda h, m, k: _clock("0" + h, m or 0, k)),
    (r"(?:(?<=at )|(?<=around )|(?<=about ))(\d{1,2})([0-5]\d)" + _MARK, _clock),
    (r"(\d{1,2})([0-5]\d) ?(am|pm)", _clock),
    (r"(\d{1,2})([0-5]\d) hours", lambda h, m: _clock(h.zfill(2), m)),
    (r"(1[0-9]|2[0-3]) hundred", lambda h: Clock(int(h), 0, "24")),
    (r"(\d{1,2}) hundred hours", lambda h: _clock(h.zfill(2))),
    (r"(?<=at )(1[3-9]|2[0-3])", _clock),
    (r"(\d|1[0-2])", _clock),
    (r"half (?:past )?(\d|1[0-2])" + _MARK, lambda h, m: _clock(h, 30, m)),
    (
        r"((?:a )?quarter|half|[12]?[05])(?: minutes?)? (past|after|to|of|till|til|before) "
        r"(\d{1,2}|noon|midday)(?: oclock)?" + _MARK,
        _beside,
    ),
    (
        r"(\d{1,2}) minutes? (past|after|to|of|till|til|before) (\d{1,2})" + _MARK,
        _beside,
    ),
    (r"(?:12 )?(?:noon|midday|noonish)", lambda: Clock(12, 0, "24")),
    (r"1st thing", lambda: Clock(9, 0, "24")),
    (r"(?:at )?(?:the )?(?:same|this) time", SameTime),
    # Parts of the day.
    (r"(?:in the )?(morning|afternoon|evening)", DayPart),
    (r"(?:at )?(night)", DayPart),
    (r"(?:late(?:r)? )?this (morning|afternoon|evening)", lambda p: (_TODAY, DayPart(p))),
    (r"tonight", lambda: (_TODAY, DayPart("evening"))),
    # Days.
    (r"(?:later )?today", lambda: _TODAY),
    (r"(?:tomorrow|tomorow|tommorow|tommorrow|tmrw)", lambda: DaysAhead(1)),
    (r"(?:the )?day after tomorrow", lambda: DaysAhead(2)),
    (r"yesterday|the day before yesterday", lambda: DaysAhead(-1)),
    (r"in " + _COUNT + r" day'?s?(?: time)?", lambda n: DaysAhead(_count(n))),
    (_COUNT + r" day'?s? (?:time|from now|from today)", lambda n: DaysAhead(_count(n))),
    (r"in " + _COUNT + r" week'?s?(?: time)?", lambda n: DaysAhead(7 * _count(n))),
    (_COUNT + r" week'?s? (?:time|from now)", lambda n: DaysAhead(7 * _count(n))),
    (r"(?:in )?a fortnight(?:'?s time| from now)?", lambda: DaysAhead(14)),
    (_COUNT + r" weeks? (?:from )?today", lambda n: DaysAhead(7 * _count(n))),
    (_COUNT + r" weeks? (?:from )?tomorrow", lambda n: DaysAhead(7 * _count(n) + 1)),
    (r"today week", lambda: DaysAhead(7)),
    (r"tomorrow week", lambda: DaysAhead(8)),
    (r"(?:same|this) time next week", lambda: (SameTime(), DaysAhead(7))),
    (_WD, lambda d: Weekday(_weekday(d))),
    (r"(?:this )?coming " + _WD, lambda d: Weekday(_weekday(d))),
    (r"this " + _WD, lambda d: Weekday(_weekday(d), "this")),
    (r"next " + _WD, lambda d: Weekday(_weekday(d), "next")),
    (_WD + r" (?:of |in |the )?next week", lambda d: Weekday(_weekday(d), "next")),
    (r"next week (?:on )?(?:the )?" + _WD, lambda d: Weekday(_weekday(d), "next")),
    (_COUNT + r" weeks? (?:from |on )" + _WD, lambda n, d: Weekday(_weekday(d), weeks=_count(n))),
    (_WD + r" week", lambda d: Weekday(_weekday(d), weeks=1)),
    (r"this week", lambda: Week(0)),
    (r"next week", lambda: Week(1)),
    # "First" and "second" alone are too often something else ("just a second").
    (r"(?:the |(?<=day )|(?<=on ))(\d{1,2})" + _TH, lambda d: MonthDay(int(d))),
    (r"([4-9]|[1-3]\d)" + _TH, lambda d: MonthDay(int(d))),
    (
        r"(?:the )?(\d{1,2})" + _TH + r" (?:of )?(the|this|next) month",
        lambda d, w: MonthDay(int(d), months_ahead=int(w == "next")),
    ),
    (
        r"(?:the )?(\d{1,2})" + _TH + r"?(?: of)? " + _MONTH + r"(?: (20\d\d))?",
        lambda d, m, y: MonthDay(int(d), _month(m), int(y) if y else None),
    ),
    (
        _MONTH + r" (?:the )?(\d{1,2})" + _TH + r"?(?: (20\d\d))?",
        lambda m, d, y: MonthDay(int(d), _month(m), int(y) if y else None),
    ),
    (r"(\d{1,2})/(\d{1,2})(?:/(\d{4}|\d\d))?", _slashed),
    (r"(\d{4}-\d\d-\d\d)(?:[t ](\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(z|[+-]\d\d:?\d\d)?)?", _written),
    # So long from now.
    (_IN + r"(\d{1,3}) min(?:ute)?'?s?" + _HENCE, lambda n: After(int(n))),
    (_IN + r"(?:half an|a half|half) hour'?s?" + _HENCE, lambda: After(30)),
    (_IN + r"a quarter of an hour'?s?" + _HENCE, lambda: After(15)),
    (_IN + r"(?:3|a) quarters of an hour'?s?" + _HENCE, lambda: After(45)),
    (_IN + r"(an?|\d{1,2}(?:\.\d)?) (?:hour|hr)'?s?" + _HENCE, _hours),
    (
        _IN
        + r"(an?|\d{1,2}) (?:hours?|hrs?) and (a half|a quarter|\d{1,2} min(?:ute)?s?)"
        + _HENCE,
        _hours,
    ),
    (_IN + r"(\d{1,2}) and (a half) hours'?" + _HENCE, _hours),
    (_IN + r"a couple(?: of)? hours'?" + _HENCE, lambda: After(120)),
    # Other clocks. European and Australian "central" or "eastern" is refused in when.py.
    (
        r"(eastern|central|mountain|pacific)(?: standard| daylight)?(?: time)?",
        lambda z: Zone(_ZONES[z[0]]),
    ),
    (r"([ecmp])[sd]t", lambda z: Zone(_ZONES[z])),
    (r"gmt|utc", lambda: Zone("UTC")),
    # A changed mind.
    (
        r"(?:no wait|wait no|no sorry|sorry no|oh sorry|sorry|actually|no actually|i mean|i meant"
        r"|(?:no )?make (?:that|it)|(?:or )?rather|scratch that|correction|no|wait|hang on)",
        Correction,
    ),
    # What goes with a time, and what leaves it open.
    (
        r"later|soon|some ?time|any ?time|whenever|early|late|(?:around |over |at )?lunch ?time"
        r"|around lunch|in a (?:little )?(?:bit|while)",
        Loose,
    ),
    (r"(in (?:\d{1,2}|a (?:minute|moment|sec|2nd)))", Open),
    (r"(for (?:an?|\d+|half an|a couple of|a few) (?:min|hour|hr|day|week)\w*)", Open),
    (r"((?:this|that|which|some|any|no|good|right|best) 1)", Open),
    (r"(\d{1,2} (?:to|of))", Open),  # broken off: "ten to"
    (r"within|every|under", lambda: Open("within")),
    (r"(?:wait |hang on )?(?:just )?a (?:2nd|sec|minute|moment)|i am", tuple),
    (r"(or|either|between|from|until|till?|by|before|after|since|not|than|midnight)", Open),
    (r"(the \d{1,2})", Open),
    (r"or so|if possible|on the dot|of course|(?:in )?my time|local time", tuple),
    (_FILLERS, tuple),
)  # fmt: skip

_COMPILED = tuple(
    (re.compile(rf"(?:{pattern})(?![\w/']|[:.]\d)"), build) for pattern, build in _RULES
)

LONGEST_SENTENCE = 300
"""Characters from the end of what a caller said; the last value counts."""

_WORD = re.compile(r"(\S+)")


def read(span: str) -> Parts:
    """The parts of a time in ``span``, in the order in which they were said."""
    return tuple(part for parts, _ in _scan(level(span)) for part in parts)


def time_words(sentence: str) -> str:
    """The stretch of a sentence that speaks of a time; empty when there is none, or are several.

    "I'm with a client, call me tomorrow at three" gives ``call me tomorrow at 3``.
    """
    stretches: list[list[str]] = [[]]
    timed = [False]
    for parts, words in _scan(level(sentence[-LONGEST_SENTENCE:])):
        if any(isinstance(part, Unknown) for part in parts):
            stretches.append([])
            timed.append(False)
            continue
        stretches[-1].append(words)
        timed[-1] = timed[-1] or any(not isinstance(part, Correction | Open) for part in parts)
    found = [" ".join(words) for words, is_timed in zip(stretches, timed, strict=True) if is_timed]
    return found[0] if len(found) == 1 else ""


def is_spoken_in(span: str, sentence: str) -> bool:
    """Whether every word of ``span`` that matters to a time is among those of ``sentence``."""
    heard = set(level(sentence).split())
    words = (word for parts, words in _scan(level(span)) if parts for word in words.split())
    return all(word in heard for word in words)


def _scan(text: str) -> Iterator[tuple[Parts, str]]:
    """Each recognised stretch of levelled text: its parts, none for a filler, and its words."""
    at = 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        best: re.Match[str] | None = None
        best_build: _Build = tuple
        for pattern, build in _COMPILED:
            match = pattern.match(text, at)
            if match and (best is None or match.end() > best.end()):
                best, best_build = match, build
        if best is None:
            best, best_build = _WORD.match(text, at), Unknown
            assert best is not None, "only a space is no word, and spaces are skipped"
        built = best_build(*best.groups())
        yield built if isinstance(built, tuple) else (built,), best.group()
        at = best.end()
