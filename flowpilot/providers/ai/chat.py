"""The chat with Claude: its append-only layout, and Microsoft Learn as a tool. The only caller of the beta endpoint.

The connector's tools stand first in the cached prefix, so dropping them costs a whole rewrite: a chat whose connector failed goes on
without it for some minutes, instead of flapping.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from flowpilot.errors import Unavailable, UserError
from flowpilot.providers.ai.anthropic import EPHEMERAL, AnthropicProvider, build_anthropic_messages
from flowpilot.providers.ai.base import Completion, Interrupted, Message, SystemBlock, Usage

log = logging.getLogger("flowpilot.ai")
MCP_BETA = "mcp-client-2025-11-20"
_SERVER = "microsoft-learn"
_MOST_ROUNDS = 8  # how often a paused answer is continued


@dataclass
class _Round:
    """What the parts of one answer add up to."""

    parts: list[str] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    tools: list[str] = field(default_factory=list)
    sources: dict = field(default_factory=dict)

    def add(self, completion: Completion) -> None:
        self.parts.append(completion.text)
        self.usage += completion.usage
        self.tools += completion.tools
        for source in completion.sources:
            self.sources.setdefault(source.url, source)

    def whole(self, last: Completion) -> Completion:
        return replace(
            last,
            text="".join(self.parts),
            usage=self.usage,
            tools=tuple(self.tools),
            sources=tuple(self.sources.values()),
        )


def build_anthropic_chat_messages(
    history: Sequence[Message],
    new_message: str,
    images: tuple[tuple[str, bytes], ...] = (),
    format_reminder: str = "",
    *,
    cache_control: dict[str, Any] | None = EPHEMERAL,
) -> list[dict[str, Any]]:
    """Return a chat as the API takes it: the history byte for byte, then the new message, whose own text carries the breakpoint.

    The next turn finds that text unchanged in its history, so the prefix grows and is never rewritten. The reminder is a later block: it
    is sent, never kept. Raises Invalid for an empty message.
    """
    messages = [*history, Message("user", new_message, images)]
    return build_anthropic_messages(messages, format_reminder, cache_control=cache_control)


async def chat_call_cached(
    provider: AnthropicProvider,
    *,
    system_prompt: str | list[SystemBlock],
    messages: Sequence[Message],
    model: str,
    max_tokens: int,
    mcp_url: str = "",
    on_mcp_failure: Callable[[], Awaitable[None]] | None = None,
) -> AsyncGenerator[str | Completion]:
    """Yield a chat's answer in pieces, then one Completion; with `mcp_url`, Claude may look things up there.

    Where the connector fails before anything was shown, the same is asked once more without it, silently but for `mcp.fallback` and
    `on_mcp_failure`. An answer that pauses is continued. Raises as the provider does.
    """
    plain = provider.build_chat_body(system_prompt, messages, model, max_tokens)
    shown = False
    if mcp_url:
        try:
            async with aclosing(_answer(provider.retrying_only_when_busy(), with_mcp(plain, mcp_url))) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Completion):
                        _report(piece.tools, available=True, fallback=False)
                    shown = True
                    yield piece
            return
        except UserError as error:
            if shown or not _is_of_mcp(provider, error):
                raise
            log.warning("mcp.fallback error=%s message=%s", type(error.__cause__).__name__, _said(provider, error))
        if on_mcp_failure:
            await on_mcp_failure()
    async with aclosing(_answer(provider, plain)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Completion):
                _report((), available=False, fallback=bool(mcp_url))
            yield piece


def with_mcp(body: dict[str, Any], url: str) -> dict[str, Any]:
    """Return a request that may use the server: exactly one toolset for each server, in the connector's beta."""
    return {
        **body,
        "betas": [MCP_BETA],
        "mcp_servers": [{"type": "url", "url": url, "name": _SERVER}],
        "tools": [{"type": "mcp_toolset", "mcp_server_name": _SERVER}],
    }


async def _answer(provider: AnthropicProvider, body: dict[str, Any]) -> AsyncGenerator[str | Completion]:
    """Yield an answer, continuing it while it pauses: what came is sent back unchanged, with the same tools, and no new words."""
    so_far, is_begun = _Round(), False
    for left in reversed(range(_MOST_ROUNDS)):
        last: Completion | None = None
        try:
            async with aclosing(provider.stream(body)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Completion):
                        last = piece
                    else:
                        is_begun = True
                        yield piece
        except Unavailable as error:
            if is_begun and not isinstance(error, Interrupted):  # the words of an earlier round stand on the page
                raise Interrupted(
                    "The AI's answer broke off. What arrived is kept; try again.", reason="paused"
                ) from error
            raise
        assert last is not None
        so_far.add(last)
        if last.stop_reason != "pause_turn":
            yield so_far.whole(last)
            return
        if not left:
            yield so_far.whole(replace(last, stop_reason="max_tokens"))
        body = {**body, "messages": [*body["messages"], {"role": "assistant", "content": list(last.content)}]}


def _is_of_mcp(provider: AnthropicProvider, error: UserError) -> bool:
    """Whether the connector may be what failed. Anything else would fail again without it, and double the load."""
    failure = provider.failure_of(error)
    if failure is None:
        return False
    if failure.status == 400:
        return "mcp" in failure.said.lower()
    return failure.status == 0 or (failure.status >= 500 and failure.status != 529)


def _said(provider: AnthropicProvider, error: UserError) -> str:
    failure = provider.failure_of(error)
    return (failure.said or failure.reason)[:200] if failure else ""


def _report(tools: Sequence[str], *, available: bool, fallback: bool) -> None:
    log.info(
        "mcp.turn mcp_available=%s mcp_invoked=%s tools=%s fallback=%s",
        str(available).lower(),
        str(bool(tools)).lower(),
        ",".join(sorted(set(tools))) or "-",
        str(fallback).lower(),
    )
