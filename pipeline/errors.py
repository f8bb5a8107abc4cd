"""What can go wrong, by whose fault it is.

::

    ParleyError
    +-- SettingsError     the user's: a setting is wrong; names the field and the remedy
    +-- WeightsError      the machine's: a weight file is missing or not what it should be
    +-- EngineFailed      a model's or its server's: costs a turn, never the call
    +-- ToolFailed        a tool's or its database's: told to the model, never the call
    +-- LineError         the peer's: it broke the line's protocol; ends that call alone

Anything else that escapes is a bug of ours and ends the call in which it happened.
"""

from __future__ import annotations


class ParleyError(Exception):
    """Base of all errors that we raise on purpose; never raised itself."""


class SettingsError(ParleyError):
    """A setting is missing, unknown or out of bounds."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(field, problem, remedy)
        self.field = field
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}. {self.remedy}"


class WeightsError(ParleyError):
    """A weight file is missing, or its sha256 is not the pinned one."""

    def __init__(self, name: str, problem: str, remedy: str) -> None:
        super().__init__(name, problem, remedy)
        self.name = name
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.name}: {self.problem}. {self.remedy}"


class EngineFailed(ParleyError):
    """A model, or the server that runs it, could not answer in time or at all."""

    def __init__(self, engine: str, problem: str) -> None:
        super().__init__(engine, problem)
        self.engine = engine
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.engine} {self.problem}"


class ToolFailed(ParleyError):
    """A tool could not do its work; ``told`` is what the model may say of it."""

    def __init__(self, tool: str, told: str) -> None:
        super().__init__(tool, told)
        self.tool = tool
        self.told = told

    def __str__(self) -> str:
        return f"{self.tool}: {self.told}"


class LineError(ParleyError):
    """The other end of the line broke its protocol."""
