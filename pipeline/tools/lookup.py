"""``lookup_contact``: what is on file of the caller, and of nobody else.

The record is the one that belongs to the call's own number. A phone number, address or firm in the
arguments can only confirm it; whatever else is named, the answer is the same whether it is on file
or not, so that nothing can be found out by asking.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline.tools.crm import Contact, Crm
from pipeline.tools.identity import spoken_email, spoken_phone
from pipeline.tools.tool import Outcome, Tool, ToolContext
from pipeline.turn import ToolResult, ToolSpec

_DEADLINE_S = 1.0

_CUE = re.compile(
    r"\bwho (?:have you got|do you have|have you) down\b"
    r"|\bam i (?:in (?:there|your\b)|on (?:file|your\b))"
    r"|\b(?:have you got|do you have|have you|what'?s|what is|what do you have for) "
    r"(?:down )?(?:for )?my (?:\w+ )?(?:number|phone|e-?mail|address|details|name|record|title)\b"
    r"|\bwhat (?:have you got|do you have|do you know|have you) (?:\w+ )?(?:on|for|about) me\b"
    r"|\b(?:what|which) (?:number|e-?mail|address|details|name) (?:have you got|do you have)\b"
    r"|\blook (?:me|us) up\b",
    re.IGNORECASE,
)

_MINE = re.compile(r"\b(?:my|our|me|mine|us|i)\b", re.IGNORECASE)

_EXAMPLES: tuple[tuple[str, dict[str, str]], ...] = (
    ("What do you have on file for Acme Tools?", {"company": "Acme Tools"}),
    ("Am I in there under three one two five?", {"phone": "three one two five"}),
    ("Which e-mail do you have for me?", {}),
    ("Who have you got down?", {}),
)

_SPEC = ToolSpec(
    "lookup_contact",
    "Read what we have on file of the caller. Give what they named, in their words.",
    {
        "type": "object",
        "properties": {
            "phone": {"type": "string", "maxLength": 24},
            "email": {"type": "string", "maxLength": 48},
            "company": {"type": "string", "maxLength": 32},
        },
        "additionalProperties": False,
    },
)


def lookup_tool(crm: Crm) -> Tool:
    """The tool, reading through ``crm``."""

    async def run(context: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
        contact = context.contact
        if contact is None:
            return Outcome({"found": False, "reason": "I have nothing on file for this number"})
        # Read again: the record may have changed since the call began.
        contact = await crm.contact_for(contact.phone) or contact
        resolved = _resolve(contact, arguments)
        if not _is_own(contact, resolved):
            return Outcome({"found": False, "reason": "I can only read your own record"}, resolved)
        facts = {name: value for name, value in contact.facts().items() if value}
        return Outcome({"found": True, **facts}, resolved)

    return Tool(
        _SPEC,
        writes=False,
        deadline_s=_DEADLINE_S,
        run=run,
        cue=_CUE,
        examples=_EXAMPLES,
        speak=_speak,
    )


def _resolve(contact: Contact, arguments: Mapping[str, str]) -> dict[str, str]:
    """The arguments in canonical form; "my number" and the like name the caller's own."""
    own = contact.facts()
    resolved = {}
    for name, said in arguments.items():
        value: str | None = said.strip()
        if name == "phone":
            value = spoken_phone(said, contact.phone)
        elif name == "email":
            value = spoken_email(said)
        if not value or _MINE.search(said):
            value = own[name]
        resolved[name] = value
    return resolved


def _is_own(contact: Contact, resolved: Mapping[str, str]) -> bool:
    own = contact.facts()
    return all(own[name].casefold() == value.casefold() for name, value in resolved.items())


def _speak(result: ToolResult) -> str:
    told = result.result
    if "argument" in told:  # the model's mistake, of which the caller need not hear
        return "What would you like me to look up?"
    if "error" in told:
        return f"Sorry, {told['error']}."
    if not told["found"]:
        return f"Sorry, {told['reason']}."
    who = told.get("name", "you, without a name")
    if "title" in told:
        who += f", {told['title']}"
    if "company" in told:
        who += f" at {told['company']}"
    sentence = f"I have {who}"
    if "email" in told:
        sentence += f", with the e-mail {told['email']}"
    return sentence + "."
