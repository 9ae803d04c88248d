"""What every AI that is asked over HTTP shares: limits, attempts, streams, and JSON that is sent back once.

A provider says how its request looks (`_body`), how a stream is opened (`_open`), what one event brings (`_take`) and what its SDK's
errors mean (`_describe`).
"""

import asyncio
import copy
import json
import logging
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Self
from weakref import WeakKeyDictionary

from flowpilot.errors import Invalid, Refused, UserError
from flowpilot.providers.ai.base import AIProvider, ChatState, Completion, Message, SystemBlock, Unreadable, Usage
from flowpilot.providers.ai.blocks import Blocks
from flowpilot.providers.ai.failures import BrokeOff, Failure
from flowpilot.providers.ai.schema import find_mismatch

log = logging.getLogger("flowpilot.ai")
_FAREWELL = 0.05  # seconds for the end of a body whose answer is over; a body read to its end leaves its connection to the next call


@dataclass(frozen=True)
class Limits:
    """How long to wait, in seconds: for the first event (retries included), between two, for all; before the first retry and any at most."""

    first: float = 20.0
    idle: float = 30.0
    total: float = 180.0
    backoff: float = 0.5
    pause: float = 5.0
    retries: int = 2


@dataclass
class Answer:
    """What has arrived of an answer. `usage` holds the fields of Usage, and `is_over` is the provider's word that it is whole."""

    model: str
    parts: list[str] = field(default_factory=list)
    usage: dict[str, int] = field(default_factory=dict)
    stop_reason: str = ""
    is_over: bool = False
    blocks: Blocks = field(default_factory=Blocks)


class RemoteProvider[Client](AIProvider):
    """An AI behind an SDK. Its client is made on first use, one for each running loop."""

    def __init__(
        self, api_key: str, base_url: str | None = None, *, service: str = "chat", limits: Limits | None = None
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._service = service
        self._limits = limits or Limits()
        self._has_another_way = False
        # A client's connections live and die with their event loop; one that outlives it fails every second call.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Client] = WeakKeyDictionary()

    def with_service(self, service: str) -> Self:
        """Return the same provider under another service's name in the log; they share their connections."""
        other = copy.copy(self)
        other._service = service
        return other

    def retrying_only_when_busy(self) -> Self:
        """Return the same provider for a caller with another way: it asks again only where every way would be told to wait."""
        other = copy.copy(self)
        other._has_another_way = True
        return other

    def failure_of(self, error: UserError) -> Failure | None:
        """Return what was behind an error that this provider raised, or None where it was no call that failed."""
        cause = error.__cause__
        if isinstance(cause, BrokeOff):
            return Failure(cause.reason)
        return self._describe(cause) if isinstance(cause, self._errors()) else None

    def build_chat_body(
        self, system_prompt: str | list[SystemBlock], messages: Sequence[Message], model: str, max_tokens: int
    ) -> dict[str, Any]:
        """Return a chat's request: its history is cached up to and with the new message."""
        return self._body(system_prompt, messages, model, max_tokens, is_chat=True)

    def generate_text_stream(
        self,
        *,
        system_prompt: str | list[SystemBlock],
        messages: Sequence[Message],
        model: str,
        max_tokens: int,
        state: ChatState | None = None,
    ) -> AsyncGenerator[str | Completion]:
        """Yield the answer's text in pieces, then one Completion. The history is cached up to and with the new message."""
        return self.stream(self.build_chat_body(system_prompt, messages, model, max_tokens))

    async def generate_text(
        self,
        *,
        system_prompt: str | list[SystemBlock],
        messages: Sequence[Message],
        model: str,
        max_tokens: int,
        state: ChatState | None = None,
    ) -> Completion:
        """Return the whole answer. Only the system prompt is cached: the messages are not expected again."""
        return await self._whole(self._body(system_prompt, messages, model, max_tokens))

    async def generate_json(
        self,
        *,
        system_prompt: str | list[SystemBlock],
        messages: Sequence[Message],
        model: str,
        max_tokens: int,
        schema: dict[str, Any],
    ) -> tuple[dict[str, Any], Completion]:
        """Return an object that fits the schema; an answer that does not is sent back once with what is wrong."""
        asked = list(messages)
        completion = await self._whole(self._body(system_prompt, asked, model, max_tokens, schema=schema))
        value, mismatch = _read_json(completion, schema)
        if mismatch:
            log.warning("ai.json_mismatch service=%s model=%s", self._service, model)
            again = Message("user", f"That does not fit the schema: {mismatch}. Send the whole object again.")
            asked += [Message("assistant", completion.text), again]
            second = await self._whole(self._body(system_prompt, asked, model, max_tokens, schema=schema))
            completion = replace(second, usage=completion.usage + second.usage)
            value, mismatch = _read_json(completion, schema)
        if mismatch:
            raise Unreadable("The AI sent an answer that cannot be read. Try again.")
        return value, completion

    @abstractmethod
    def _body(
        self,
        system_prompt: str | list[SystemBlock],
        messages: Sequence[Message],
        model: str,
        max_tokens: int,
        *,
        is_chat: bool = False,
        schema: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the request; its `model` is the model's name."""

    @abstractmethod
    def _new_client(self) -> Client:
        """Make a client. Called in a thread, because it imports the SDK."""

    @abstractmethod
    def _open(self, client: Client, body: dict[str, Any]) -> AbstractAsyncContextManager[AsyncIterator[Any]]:
        """Ask, and hold the events of the answer."""

    @abstractmethod
    def _take(self, event: Any, answer: Answer) -> str:
        """Take in one event; return the text it brings. May raise BrokeOff."""

    @abstractmethod
    def _errors(self) -> tuple[type[Exception], ...]:
        """Return what the SDK raises, and BrokeOff."""

    @abstractmethod
    def _describe(self, error: Exception) -> Failure:
        """Return what one of the SDK's errors means."""

    def _report(self, completion: Completion) -> None:
        """Log what an answer took from the cache and what it wrote, from the final usage."""
        usage = completion.usage
        try:
            log.info(
                "%s.cache service=%s model=%s cache_read_input_tokens=%d cache_creation_input_tokens=%d input_tokens=%d output_tokens=%d",
                self.name,
                self._service,
                completion.model,
                usage.cache_read_input_tokens,
                usage.cache_creation_input_tokens,
                usage.input_tokens,
                usage.output_tokens,
            )
        except Exception:  # telemetry's one boundary: an answer that arrived is not lost to a log
            logging.getLogger("flowpilot.telemetry").exception("telemetry.failed")

    async def _whole(self, body: dict[str, Any]) -> Completion:
        """Read a stream to its end: an answer that is not streamed has no first byte to set a deadline for."""
        completion = None
        async for piece in self.stream(body, is_shown=False):
            if isinstance(piece, Completion):
                completion = piece
        assert completion is not None
        return completion

    async def stream(self, body: dict[str, Any], *, is_shown: bool = True) -> AsyncGenerator[str | Completion]:
        """Ask until an answer begins, read it, and say in our words what went wrong. An answer that nobody is shown may begin again."""
        client = await self._client()
        start = asyncio.get_running_loop().time()
        attempt = 0
        while True:
            answer = Answer(body["model"])
            try:
                async with aclosing(self._read(client, body, answer, start)) as pieces:
                    async for piece in pieces:
                        yield piece
                break
            except self._errors() as error:
                failure = Failure(error.reason) if isinstance(error, BrokeOff) else self._describe(error)
                is_begun = is_shown and bool(answer.parts)
                is_last = is_begun or attempt == self._limits.retries or (self._has_another_way and not failure.is_busy)
                pause = None if is_last else failure.pause(self._limits.backoff * 2**attempt)
                if pause is None or not self._has_time_for(pause, start):
                    raise failure.explain(is_begun=is_begun) from error
                log.info("ai.retry service=%s model=%s after=%.1f", self._service, body["model"], pause)
                await asyncio.sleep(pause)
                attempt += 1
        known = {name: answer.usage.get(name, 0) for name in Usage.__dataclass_fields__}
        stop_reason = answer.stop_reason or "end_turn"
        completion = Completion(
            "".join(answer.parts),
            self.name,
            answer.model,
            Usage(**known),
            stop_reason,
            sources=answer.blocks.sources(),
            tools=tuple(answer.blocks.tools),
            content=answer.blocks.content() if stop_reason == "pause_turn" else (),
        )
        self._report(completion)
        yield completion

    async def _read(self, client: Client, body: dict[str, Any], answer: Answer, start: float) -> AsyncGenerator[str]:
        """Yield one attempt's text. Raises BrokeOff where the answer does not reach its end."""
        import httpx2

        limits, clock = self._limits, asyncio.get_running_loop().time
        end = start + limits.total
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout_at(start + limits.first):
                    events = await stack.enter_async_context(self._open(client, body))
                    event = await anext(events, None)
                while event is not None:
                    if text := self._take_safely(event, answer):
                        answer.parts.append(text)
                        yield text
                    if answer.is_over:
                        await _read_out(events)
                        return
                    # The client's own read timeout is the idle limit, and costs nothing more.
                    async with asyncio.timeout_at(end) if clock() > end - limits.idle else nullcontext():
                        event = await anext(events, None)
            raise BrokeOff("ended_early")
        except TimeoutError:
            raise BrokeOff("too_slow") from None
        except httpx2.TransportError as error:
            raise BrokeOff("idle" if isinstance(error, httpx2.TimeoutException) else "dropped") from error

    def _take_safely(self, event: Any, answer: Answer) -> str:
        """PostgreSQL stores no NUL, so it must not get in here."""
        try:
            return self._take(event, answer).replace("\x00", "")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BrokeOff("unreadable") from error

    async def _client(self) -> Client:
        """Return the running loop's client, made in a thread: the first one imports the SDK."""
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            for other in [other for other in self._clients if other.is_closed()]:
                self._clients.pop(other, None)  # its connections hold on to it, so weakness alone would keep both
            client = self._clients.setdefault(loop, await asyncio.to_thread(self._new_client))
        return client

    def _has_time_for(self, pause: float, start: float) -> bool:
        return pause <= self._limits.pause and asyncio.get_running_loop().time() + pause < start + self._limits.first


async def _read_out(events: AsyncIterator[Any]) -> None:
    import httpx2

    with suppress(TimeoutError, httpx2.TransportError):
        async with asyncio.timeout(_FAREWELL):
            await anext(events, None)


def _read_json(completion: Completion, schema: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the object and what is wrong with it. A refusal or a cut makes any text a bad one, so they are asked first."""
    if completion.stop_reason == "refusal":
        raise Refused("The AI declined to answer this.")
    if completion.stop_reason == "max_tokens":
        raise Invalid("The AI's answer grew too long and was cut off. Ask for less at a time.")
    try:
        value = json.loads(completion.text)
    except ValueError:
        return {}, "it is not JSON"
    if not isinstance(value, dict):
        return {}, "it is not an object"
    return value, find_mismatch(value, schema)
