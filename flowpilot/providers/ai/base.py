"""What every AI provider takes and gives. Pure: no SDK, no Django."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, Literal

from flowpilot.errors import Unavailable


class Interrupted(Unavailable):
    """An answer broke off after its first words; what arrived is kept by whoever asked.

    `reason` is for logs: the provider's own word (`overloaded_error`), or `dropped`, `ended_early`, `idle`, `too_slow`, `unreadable`.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class Unreadable(Unavailable):
    """An answer arrived whole, and is not what was asked for: the provider is there all the same."""


@dataclass(frozen=True)
class SystemBlock:
    """A block of the system prompt. `cache_control` is sent verbatim."""

    text: str
    cache_control: dict[str, Any] | None = None


@dataclass(frozen=True)
class Message:
    """One message of the history. An image is its media type and its bytes."""

    role: Literal["user", "assistant"]
    text: str
    images: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True)
class Usage:
    """Tokens of one call, as the provider counted them. `input_tokens` is what followed the cache; the hour's are part of the created."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_creation_1h_input_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Source:
    """An article that an answer drew on."""

    title: str
    url: str


@dataclass(frozen=True)
class Completion:
    """A finished answer; a stream yields it last. `stop_reason` other than `end_turn`: `refusal`, `max_tokens` and the like.

    `fallback` says in words why another than the first choice answered; `content` is what a paused answer is continued with.
    """

    text: str
    provider: str
    model: str
    usage: Usage = field(default_factory=Usage)
    stop_reason: str = "end_turn"
    sources: tuple[Source, ...] = ()
    tools: tuple[str, ...] = ()
    content: tuple[dict[str, Any], ...] = ()
    fallback: str = ""


@dataclass(frozen=True)
class TaskState:
    """A task lane item; `state` is open, answered, done or skipped, `kind` is action or the kind of its answer."""

    text: str
    kind: str
    state: str
    answer: str
    item_id: str


@dataclass(frozen=True)
class FactState:
    """A fact of the session."""

    id: str
    text: str
    source: str


@dataclass(frozen=True)
class FixState:
    """A suggested fix; `outcome` is none, verifying, success, partial, failed, waiting or dismissed."""

    id: str
    title: str
    outcome: str
    is_active: bool
    reason: str


@dataclass(frozen=True)
class ChatState:
    """What a session knows as data, for engines that read it as data rather than prose. `said`: oldest first."""

    problem: str
    facts: tuple[FactState, ...] = ()
    tasks: tuple[TaskState, ...] = ()
    fixes: tuple[FixState, ...] = ()
    said: tuple[str, ...] = ()


class AIProvider(ABC):
    """An engine that answers. Failures are Refused, Invalid, Unavailable or, after the first words, Interrupted."""

    name: str

    @abstractmethod
    def generate_text_stream(
        self,
        *,
        system_prompt: str | list[SystemBlock],
        messages: Sequence[Message],
        model: str,
        max_tokens: int,
        state: ChatState | None = None,
    ) -> AsyncGenerator[str | Completion]:
        """Yield the answer's text in pieces, then one Completion."""

    @abstractmethod
    async def generate_text(
        self,
        *,
        system_prompt: str | list[SystemBlock],
        messages: Sequence[Message],
        model: str,
        max_tokens: int,
        state: ChatState | None = None,
    ) -> Completion:
        """Return the whole answer."""

    @abstractmethod
    async def generate_json(
        self,
        *,
        system_prompt: str | list[SystemBlock],
        messages: Sequence[Message],
        model: str,
        max_tokens: int,
        schema: dict[str, Any],
    ) -> tuple[dict[str, Any], Completion]:
        """Return an object that fits a JSON schema, and the answer it came in."""
