"""What the input of a 20-turn chat costs, against the same chat without a cache.

The chat goes through the SDK, over HTTP, to a stand-in that counts by the documented rules of the prompt cache: written tokens at 1.25 times the
price (twice for an hour), read ones at a tenth. `ratio` is FlowPilot's layout, as `sessions.copilot` builds it; `ratio_first_block_and_history` is the plain
one, with the facts as they stand after the prompt, and breakpoints on the prompt and the last message of the history.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flowpilot.providers.ai.anthropic import EPHEMERAL, AnthropicProvider
from flowpilot.providers.ai.base import ChatState, FactState, Message, SystemBlock, Usage
from flowpilot.testing.messages_server import MessagesServer
from flowpilot.testing.scripted_server import Reply
from sessions import copilot
from sessions.models import Turn

WRITE, WRITE_1H, READ, CHEAP_READ = 1.25, 2.0, 0.1, 0.05
MODEL = "claude-haiku-5-5"
PROMPT, FACTS, SAID, ANSWERED = 3_000, 600, 150, 350  # tokens
CHANGES = (6, 12)  # the turns before which the facts change
_FACT_LINES = 10
_BEGAN = datetime(2026, 11, 25, 9, tzinfo=UTC)


class _Plain(AnthropicProvider):
    """Sends what the plain layout sends; `is_cached` tells with or without its breakpoints."""

    is_cached = True

    def _body(self, system_prompt, messages, model, max_tokens, *, is_chat=False, schema=None) -> dict[str, Any]:
        body = super()._body(system_prompt, messages, model, max_tokens)
        for block in (body["system"][0], *(part for message in body["messages"] for part in message["content"])):
            block.pop("cache_control", None)
        if self.is_cached:
            body["system"][0]["cache_control"] = EPHEMERAL
        if self.is_cached and len(messages) > 1:
            body["messages"][-2]["content"][-1]["cache_control"] = EPHEMERAL
        return body


def add_arguments(parser) -> None:
    """Take the length of the chat and the time between its messages."""
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--seconds-between", type=float, default=60.0)


def run(*, turns: int = 20, seconds_between: float = 60.0, **_: Any) -> dict[str, Any]:
    """Return the price of each layout as a share of no caching."""
    script = Reply("a" * (ANSWERED * 4), pieces=["a" * (ANSWERED * 4)])
    with MessagesServer(lambda _body: script, clock=lambda: 0.0) as server:
        ours, plain = (kind(server.api_key, server.base_url) for kind in (AnthropicProvider, _Plain))
        uncached = _Plain(server.api_key, server.base_url)
        uncached.is_cached = False
        chats = {
            "ours": (ours, list(_our_requests(turns, seconds_between))),
            "plain": (plain, list(_plain_requests(turns))),
            "uncached": (uncached, list(_plain_requests(turns))),
        }
        usages = {name: asyncio.run(_ask(server, *chat, seconds_between)) for name, chat in chats.items()}
    base = _price(usages["uncached"], READ)
    return {
        "ratio": round(_price(usages["ours"], READ) / base, 3),
        "ratio_first_block_and_history": round(_price(usages["plain"], READ) / base, 3),
        "ratio_at_half_the_read_price": round(_price(usages["ours"], CHEAP_READ) / base, 3),
        "turns": turns,
        "tokens_uncached": round(base),
        "tokens_read": sum(usage.cache_read_input_tokens for usage in usages["ours"]),
        "tokens_written": sum(usage.cache_creation_input_tokens for usage in usages["ours"]),
        "tokens_at_full_price": sum(usage.input_tokens for usage in usages["ours"]),
    }


async def _ask(
    server, provider, requests: Sequence[tuple[list[SystemBlock], list[Message]]], between: float
) -> list[Usage]:
    server.reset()
    usages = []
    for system, messages in requests:
        stream = provider.generate_text_stream(system_prompt=system, messages=messages, model=MODEL, max_tokens=1000)
        *_, completion = [piece async for piece in stream]
        usages.append(completion.usage)
        server.pass_time(between)
    return usages


def _our_requests(turns: int, between: float) -> Iterator[tuple[list[SystemBlock], list[Message]]]:
    """Yield each turn's request as the session's code builds it, with a prompt of the agreed length."""
    earlier: list[Turn] = []
    for number in range(1, turns + 1):
        state = _state(number)
        told = [turn.briefing for turn in copilot.history(earlier)]
        asked_at = _BEGAN + number * timedelta(seconds=between)
        turn = Turn(
            number=number, text=_said(number), briefing=copilot.build_briefing(state, told), created_at=asked_at
        )
        request = copilot.build_request(problem=state.problem, turns=earlier, turn=turn, state=state)
        yield [SystemBlock(_text("p", PROMPT), block.cache_control) for block in request.system], request.messages
        turn.raw_answer = "a" * (ANSWERED * 4)
        earlier.append(turn)


def _plain_requests(turns: int) -> Iterator[tuple[list[SystemBlock], list[Message]]]:
    """Yield each turn's request with the facts as they stand in the system prompt, before the history."""
    messages: list[Message] = []
    for number in range(1, turns + 1):
        messages.append(Message("user", _said(number)))
        facts = SystemBlock(copilot.build_briefing(_state(number)))
        yield [SystemBlock(_text("p", PROMPT)), facts], list(messages)
        messages.append(Message("assistant", "a" * (ANSWERED * 4)))


def _state(number: int) -> ChatState:
    """Return what is known at a turn: facts that fill their part with its tokens, and change before the turns of CHANGES."""
    version = sum(number >= change for change in CHANGES)
    empty = ChatState("", facts=tuple(FactState(str(line), f"{version}", "hand") for line in range(_FACT_LINES)))
    room = FACTS * 4 - len(copilot.build_briefing(empty))
    filled = (f"{version}" + "f" * (room // _FACT_LINES + (line < room % _FACT_LINES)) for line in range(_FACT_LINES))
    return ChatState("", facts=tuple(FactState(str(line), text, "hand") for line, text in enumerate(filled)))


def _said(number: int) -> str:
    return _text(f"{number} ", SAID)


def _text(start: str, tokens: int) -> str:
    return start + "u" * (tokens * 4 - len(start))


def _price(usages: Sequence[Usage], read: float) -> float:
    """Return what the input of some calls costs, in tokens at full price."""
    return sum(
        usage.input_tokens
        + WRITE * usage.cache_creation_input_tokens
        + (WRITE_1H - WRITE) * usage.cache_creation_1h_input_tokens
        + read * usage.cache_read_input_tokens
        for usage in usages
    )
