"""Settings: one TOML file to one frozen, validated value. An unknown key is an error.

Few dials, each with its unit in its name. What is not here is derived, or has one right value.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from pipeline.config_timing import BudgetSettings, Section, TurnSettings
from pipeline.errors import SettingsError


class ServerSettings(Section):
    """Where we listen, and how many calls we take."""

    host: str = "127.0.0.1"
    """Address of both doors. Beyond loopback, ``[twilio]`` must name an auth token."""

    media_port: Annotated[int, Field(ge=0, le=65535)] = 8765
    """Media websockets; 0 picks a free one."""

    control_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Pages, health, metrics and the call API; 0 picks a free one."""

    max_calls: Annotated[int, Field(ge=1)] = 8
    """Calls at once; one more is refused at the door, before it costs the others anything."""

    max_call_s: Annotated[float, Field(gt=0)] = 1800.0
    """A call that lasts longer is ended."""

    drain_s: Annotated[float, Field(ge=0)] = 120.0
    """After SIGTERM: how long live calls may go on before they are ended."""

    record_dir: Path | None = None
    """Folder for recordings, caller left and agent right; absent means that none are kept."""

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach us."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


class TwilioSettings(Section):
    """What lets us trust that Twilio is calling. Required beyond loopback."""

    auth_token_env: str | None = None
    """Name of the environment variable that holds the account's auth token."""

    public_host: str | None = None
    """Host name, with port if it has one, under which Twilio reaches us; signatures cover it."""

    @property
    def auth_token(self) -> str | None:
        """The token itself; never logged."""
        return os.environ.get(self.auth_token_env) if self.auth_token_env else None


class AgentSettings(Section):
    """Who is speaking, for whom, about what."""

    name: str = "Alex"
    company: str = "Northwind Coffee"
    pitch: str = "fresh coffee and machines for offices, delivered every week"
    """What is sold, as the end of the sentence "we do ..."."""

    greeting: str = "Hi, this is Alex, the AI assistant from Northwind Coffee. How are you today?"
    """Said when the call is answered; synthesised once, at start."""

    apology: str = "Sorry, I missed that. Could you say it again?"
    """Said when an engine failed and nothing was said yet."""

    checking: Annotated[tuple[str, ...], Field(min_length=1)] = (
        "Let me check that.",
        "One second, let me look.",
    )
    """Said in turn while a tool is at work and the answer is late."""

    thinking: Annotated[tuple[str, ...], Field(min_length=1)] = (
        "Let me think.",
        "Good question, one second.",
    )
    """Said while the answer to a question is late."""

    waiting: Annotated[tuple[str, ...], Field(min_length=1)] = (
        "One moment, please.",
        "Just a moment.",
    )
    """Said while any other answer is late, and once more when it is very late."""

    instructions: str = ""
    """More lines for the system prompt."""

    examples: tuple[tuple[str, str], ...] = (
        ("Who is this?", "This is {name}, the AI assistant of {company}."),
        ("What do you do?", "We do {pitch}."),
        ("Are you a robot?", "Yes, I am an AI, calling for {company}."),
        ("How much is it?", "That depends on your office; a colleague can tell you more."),
        ("I am not interested.", "No problem, thank you for your time."),
        ("Please hold the line.", "Sure, I will wait."),
        ("She is not here right now.", "When would be a good time to call her?"),
        ("I did not get that.", "We bring fresh coffee to offices every week."),
        ("I am busy.", "No problem, when may I call you back?"),
    )
    """Callers' lines and how to answer them, shown to the model before each call. A small model
    learns more from these than from any instruction. ``{name}``, ``{company}`` and ``{pitch}`` are
    filled in."""

    certain: tuple[tuple[str, str], ...] = (
        (
            # "Is that a coffee machine?" is a question about the goods.
            r"\b(are you|is this|is it|am i (talking|speaking) (to|with))\b.{0,24}"
            r"\b(robot|bot|ai|a\.i|human|real person|recording|automated)\b"
            r"|\bare you (a |an |just a )?(machine|computer)\b",
            "Yes, I am an AI assistant, speaking for {company}.",
        ),
    )
    """Regular expressions on the caller's words, and answers that no model may get wrong: the
    first that fits is said, and the model is not asked. Placeholders as in ``examples``."""

    timezone: str = "America/Chicago"
    """IANA zone of contacts whose own is unknown."""

    @model_validator(mode="after")
    def _patterns_and_placeholders_fit(self) -> AgentSettings:
        for pattern, _ in self.certain:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(
                    f"certain: {pattern!r} is no regular expression: {error}"
                ) from error
        for _, answer in (*self.certain, *self.examples):
            try:
                self.filled(answer)
            except (KeyError, IndexError, ValueError) as error:
                raise ValueError(
                    f"{answer!r} has a placeholder other than name, company and pitch"
                ) from error
        return self

    def filled(self, text: str) -> str:
        """``text`` with its placeholders filled in."""
        return text.format(name=self.name, company=self.company, pitch=self.pitch)


class AsrSettings(Section):
    """The transcriber."""

    model: str = "whisper-base"
    """A name from ``parley models list``, a folder of a CTranslate2 Whisper model, or a Hugging
    Face repository (``Systran/faster-whisper-small.en``)."""

    device: Literal["cpu", "cuda"] = "cpu"
    compute_type: str = "int8"
    threads: Annotated[int, Field(ge=1)] = 1
    """CPU threads of one transcription. More help the encoder and hinder the decoder."""

    workers: Annotated[int, Field(ge=1)] = 1
    """Transcriptions at once."""

    pad_s: Annotated[float, Field(ge=0, le=30)] | None = None
    """Silence put behind the speech. Absent: what was measured as safe for the model."""

    timeout_s: Annotated[float, Field(gt=0)] = 6.0


class LlmSettings(Section):
    """The language model."""

    url: str | None = None
    """Base address of an OpenAI-compatible server (``http://gpu0:8000/v1``). Absent: a vLLM of our
    own is started beside the server and stopped with it."""

    model: str = "smollm2-135m-instruct"
    """With ``url``: the served model's name. Without: a name from ``parley models list``, a folder
    or a Hugging Face repository."""

    port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Port of our own vLLM; 0 picks a free one."""

    max_model_len: Annotated[int, Field(ge=256)] = 2048
    max_tokens: Annotated[int, Field(ge=8)] = 80
    """Longest reply, in tokens."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    tools: Literal["cued", "chosen"] = "cued"
    """Who decides that a tool is called. ``cued``: patterns on the caller's words, and the model
    only fills in the arguments; right for small models that were not tuned for tools. ``chosen``:
    the model, which then sees all tools in its prompt."""

    api_key_env: str | None = None
    """Name of the environment variable that holds the server's key, if it wants one."""

    timeout_s: Annotated[float, Field(gt=0)] = 8.0


class TtsSettings(Section):
    """The voice."""

    voice: str = "en_US-joe-medium"
    """A name from ``parley models list``, or the path of a Piper ``.onnx`` file with its ``.json``
    beside it."""

    threads: Annotated[int, Field(ge=1)] = 2
    """CPU threads of one synthesis."""

    workers: Annotated[int, Field(ge=1)] = 1
    """Syntheses at once."""

    speed: Annotated[float, Field(ge=0.5, le=2.0)] = 1.0
    timeout_s: Annotated[float, Field(gt=0)] = 6.0


class DatabaseSettings(Section):
    """PostgreSQL."""

    url: str | None = None
    """``postgresql://user:password@host/name``. Absent: one of our own is started beside the
    server and stopped with it."""

    data_dir: Path | None = None
    """Folder of our own PostgreSQL. Absent: beside the weights, in the user's cache."""

    pool_size: Annotated[int, Field(ge=1)] = 8
    statement_timeout_s: Annotated[float, Field(gt=0)] = 2.0


class Settings(Section):
    """All of them. ``configs/local.toml`` is the annotated example."""

    engines: Literal["real", "fake"] = "real"
    """``fake`` plays canned results with delays: no weights, for tests and media benchmarks."""

    server: ServerSettings = ServerSettings()
    twilio: TwilioSettings = TwilioSettings()
    agent: AgentSettings = AgentSettings()
    asr: AsrSettings = AsrSettings()
    llm: LlmSettings = LlmSettings()
    tts: TtsSettings = TtsSettings()
    database: DatabaseSettings = DatabaseSettings()
    turns: TurnSettings = TurnSettings()
    budget: BudgetSettings = BudgetSettings()

    @model_validator(mode="after")
    def _guarded_beyond_loopback(self) -> Settings:
        if not self.server.is_local and not self.twilio.auth_token:
            name = self.twilio.auth_token_env
            raise ValueError(
                f"server.host is {self.server.host}, which others can reach, so calls must be "
                "authenticated: set twilio.auth_token_env to the name of an environment variable "
                "that holds your Twilio auth token"
                + (f" (it names {name}, which is not set)" if name else "")
            )
        return self


def load_settings(path: Path) -> Settings:
    """Read and check a TOML file.

    Raises:
        SettingsError: the file is missing or is no TOML, a key is unknown, or a value is out of
            bounds. It names the first such field and the remedy.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            str(path), f"cannot be read ({error.strerror})", "Try configs/local.toml"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(str(path), f"is not TOML: {error}", "Mend that line") from error
    return parse_settings(raw)


def parse_settings(raw: dict[str, object]) -> Settings:
    """Check what a TOML file held.

    Raises:
        SettingsError: as :func:`load_settings`.
    """
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "settings"
        if first["type"] == "extra_forbidden":
            raise SettingsError(
                field, "is not a setting", "Remove it, or see configs/local.toml for the names"
            ) from error
        problem = first["msg"].removeprefix("Value error, ")
        raise SettingsError(field, problem, "See configs/local.toml") from error
