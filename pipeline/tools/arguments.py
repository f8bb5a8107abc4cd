"""Whether the arguments that a model wrote fit a tool's schema, and if not, which one is off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema import (  # type: ignore[import-untyped]
    Draft202012Validator,
    SchemaError,
    ValidationError,
)

_LONGEST = 200
"""Characters of a complaint: it may quote the whole value, and goes into the model's prompt."""


class Arguments:
    """The checker of one tool's arguments object."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """
        Raises:
            ValueError: the schema itself is none, which is a mistake in the tool.
        """
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            raise ValueError(f"no JSON schema: {error.message}") from error
        self._names = ", ".join(schema.get("properties", {})) or "none"
        self._validator = Draft202012Validator(dict(schema))

    def problem(self, arguments: Mapping[str, Any]) -> tuple[str, str] | None:
        """The argument that is off and what is wrong with it, in words for the model; or None."""
        for name, value in arguments.items():
            if _holds_nul(name) or _holds_nul(value):
                return name, f"argument {name} holds a NUL character"
        error = next(iter(self._validator.iter_errors(dict(arguments))), None)
        return self._named(error) if error is not None else None

    def _named(self, error: ValidationError) -> tuple[str, str]:
        match error.validator:
            case "required":
                missing = next(name for name in error.validator_value if name not in error.instance)
                return missing, f"argument {missing} is missing"
            case "additionalProperties":
                known = error.schema.get("properties", {})
                unknown = next(name for name in error.instance if name not in known)
                return unknown, f"there is no argument {unknown}; there are {self._names}"
        name = str(error.absolute_path[0]) if error.absolute_path else self._names
        return name, f"argument {name}: {error.message[:_LONGEST]}"


def _holds_nul(value: Any) -> bool:
    """PostgreSQL keeps any text but this one character."""
    match value:
        case str():
            return "\0" in value
        case Mapping():
            return any(_holds_nul(key) or _holds_nul(item) for key, item in value.items())
        case list() | tuple():
            return any(map(_holds_nul, value))
    return False
