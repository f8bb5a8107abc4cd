"""The lists behind ``finish.py``: how English phone talk ends, and how it does not. Pure.

All patterns see one sentence: its words in lower case, joined by single spaces, without marks. In
the lists a line break or a bar parts two phrases.
"""

from __future__ import annotations

import re


def _any_of(phrases: str) -> str:
    """The phrases as one alternative of a pattern."""
    return "(?:" + "|".join(part.strip() for part in phrases.replace("\n", "|").split("|")) + ")"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# -- Ends that are none -----------------------------------------------------------------------

PREPOSITIONS = _words(
    """of from with into at by between during without about to than per via until till against
    toward towards onto for upon across within among like as"""
)
"""Something must follow, but in questions ("who is it from")."""

PARTICLES = _words("in on off over through under around along down up out")
"""Prepositions that a verb may end with: "start over", "come in"."""

OPEN_WORDS = _words(
    """a an the my your our their his its every each these those some any no another other
    and or but because 'cause cause so if when while although though whether unless that which who
    whose where why how what nor plus since except including concerning regarding
    i we he she they i'm we're you're they're he's she's it's that's there's what's who's where's
    i've we've you've they've i'd we'd he'd she'd they'd you'd i'll we'll he'll she'll they'll
    you'll is are was were am be been being have has had does did will would can could should may
    might must shall isn't aren't wasn't can't couldn't won't wouldn't don't didn't doesn't haven't
    hasn't um uh er erm uhm hmm mm ah very really quite currently basically actually just only also
    even still almost maybe perhaps usually probably exactly approximately enter need want wanna
    gonna trying called named mister mr mrs ms doctor dr followed using"""
)
"""Another word must follow, whatever the rest: determiners, conjunctions, subjects, auxiliaries,
fillers, adverbs that stand before what they belong to, verbs that need an object."""

OPEN_PHRASE = re.compile(
    r"\b"
    + _any_of(
        r"""(?:my|the|his|her|our|your) (?:\w+ ){0,3}is(?: it's)?
        i(?:'d| would)(?: \w+ly)? (?:like|love|prefer)(?: to)?(?: \w+ly)?
        i want(?:ed)?(?: you)?(?: to(?: ask| know| say| tell you)?)?
        (?:i'm|i am|we're|we are|i was)(?: just| actually| really)? (?:calling|looking|wondering)
        (?:i'm|i am|we're|we are|i was)(?: just| actually| really)? (?:trying|thinking|hoping)
        (?:what|all|one thing|the thing|something) (?:i|we) (?:wanted|want|need|meant)(?: to \w+)?
        (?:can|could|would|will|do|did|have|should) (?:you|i|we|they)(?: please| just| also)?
        (?<!where )(?<!how )(?<!who )are (?:you|we|they)
        (?:tell|give|send|show|bring|get) (?:me|us)(?: the| a| an)?
        (?:do|did) you(?: happen to)? (?:know|have)
        (?:i|we) (?:think|guess|mean|believe|suppose|hope|said|heard|thought)(?: that)?
        let me(?: just)?(?: see| think| check| look| ask| find)?|let's(?: see| say)?
        hold on(?: a (?:second|minute|moment))?|wait|hang on|it depends|depending
        (?:just )?(?:one|a|wait a|give me a|hang on a) (?:second|minute|moment|sec)
        you know(?: what)?|kind of|sort of|a bit of|a lot of|one of|the (?:first|next|last|same)
        it's (?:like|just|about)|so|well|the reason(?: (?:why|that))?(?: i'm| i am)?(?: calling)?
        please (?:enter|dial|press|say)"""
    )
    + r"$"
)
"""Announces what has yet to be said."""

CORRECTION = re.compile(
    r"(?:^|\s)"
    + _any_of(
        r"""no wait|wait no|no no|or rather|i meant?|scratch that|make that|not that|actually no
        no actually|no sorry|(?<!i'm )(?<!i am )sorry|correction|let me start over|no not"""
    )
    + r"$"
)

SUBORDINATE = re.compile(
    r"(?:(?:and|so|but|well|okay|um|uh) )*"
    r"(?:if|whenever|unless|although|even though|as soon as|as long as|once|while|when|after|before"
    r"|until) (?:i|you|we|they|he|she|it|the|my|your|our|that|this|there|someone|somebody|anyone)\b"
    r"(?!.*\b(?:please|then)\b)"
    r"|to \w+(?: \w+){0,7}$"
    r"|at the (?:tone|sound|beep|end|beginning)(?: of \w+(?: \w+)?)?$"
)
"""Begins with a clause that another must follow, and has no comma behind which that one began."""

# -- Ends that are ----------------------------------------------------------------------------

ANSWERS = _words(
    """yes yeah yep yup no nope nah sure okay ok right correct exactly absolutely definitely
    certainly thanks goodbye bye hello hi nothing none never anytime whatever either both
    perfect great fine good cool wonderful agreed alright cheers"""
)
"""Alone they are a whole answer."""

ANSWER = re.compile(
    r"(?:(?:oh|well|yes|yeah|no|nope|sure|okay|ok|great|perfect|right|alright|all right|good"
    r"|um|uh) )*"
    + _any_of(
        r"""yes|yeah|no|sure|okay|ok|right|great|perfect|please do|thanks(?: a lot)?
        thank you(?: so much| very much)?|no thanks?(?: you)?|no problem|of course|go ahead
        that's (?:it|all|right|fine|correct|great|good|perfect|everything|okay|not it)
        (?:that|it|this) (?:is|was|will be) (?:it|all|right|fine|correct|great|good|everything)
        sounds (?:good|great|fine|perfect)|works for me|not (?:really|yet|interested|now|today)
        not (?:at all|sure|necessarily)|i'm (?:not )?(?:sure|fine|good|interested|here|ready|done)
        i am (?:not )?interested|i (?:do|don't|did|didn't|can't|won't|haven't)
        i (?:don't )?(?:think|guess|hope|believe) (?:so|not)|i don't (?:know|care|mind|remember)
        it (?:is|was|does|did|isn't|wasn't|doesn't|didn't)|(?:we|they) (?:do|don't|did|didn't)
        good ?bye|bye bye|have a (?:good|great|nice) (?:day|one|evening|weekend)|you too
        (?:any|no) questions?|never mind|forget it|nothing else|no more|go on|stop|help
        (?:speak|talk) to (?:a|an) (?:human|person|agent|operator)"""
    )
    + r"(?: (?:please|thanks|thank you|sir|ma'am|then|actually))?"
)

ASKS = re.compile(
    r"(?:(?:and|so|okay|but|well|yes|yeah|hi|hello|um|uh|sorry|excuse me|oh) )*"
    r"(?:what|when|where|who|why|how|which|whose|what's|where's|who's|how's|when's|is|are|do|does"
    r"|did|can|could|would|will|should|may|have|has|was|were|am|isn't|aren't|don't|doesn't|can't"
    r"|couldn't|won't)\b"
)
"""Begins as a question does."""

STRANDED = re.compile(
    r"^(?:.* )?(?:what|who|which|where|whose)\b.* (?:to|for|from|about|with|at|in|on|like)$"
)
"""A question may end in its preposition: "who is this from", "what is it about"."""

ELLIPSIS = re.compile(
    r"^(?:yes|yeah|no|sure|of course|oh|well|okay)\b.* (?:i|we|you|he|she|it|they|that|there)"
    r" (?:is|are|was|were|am|do|does|did|will|would|can|could|have|has|should|don't|can't|isn't)$"
)
"""An answer may end in its verb: "yes it is", "no we haven't"."""

CLOSING = re.compile(
    r"\b"
    + _any_of(
        r"""please|thanks|thank you|goodbye|bye|instead|anymore|anyway|again|though|too|as well
        either|today|tomorrow|tonight|yesterday|this (?:morning|afternoon|evening|week|weekend)
        next (?:week|month|year)|(?:in the )?(?:morning|afternoon|evening)|o'?clock|noon|midnight
        a\.?m|p\.?m|at \d+(?::\d\d)?|at (?:one|two|three|four|five|six|seven|eight|nine|ten|eleven)
        at (?:twelve|half past \w+)|works(?: for me| fine| great)?|is (?:fine|good|great|okay|all)
        would be (?:great|good|fine|perfect|nice)|sounds good|for me|right|correct|okay|isn't it
        aren't you|don't you|is it|now|already|yet|so far|else|ago|soon|later|immediately
        nobody|somebody|anybody|nothing|everything|anything|something|me|us|them|him
        myself|yourself|himself|herself|ourselves|themselves|mine|yours
        (?:mon|tues|wednes|thurs|fri|satur|sun)day"""
    )
    + r"$"
)
"""Words behind which the same sentence seldom goes on."""
