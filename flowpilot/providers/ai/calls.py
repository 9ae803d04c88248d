"""The door to AI: every service asks here, and nobody else speaks to a provider.

Here the provider is chosen, money is set aside and settled, likely secrets are masked, a provider that keeps failing is left alone, and
another takes its place before the first word was shown. No transaction is open while a provider is awaited.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.conf import settings

from flowpilot.accounts.caching import keep, recall
from flowpilot.accounts.scope import run_in_scope
from flowpilot.errors import Invalid, Unavailable, UserError
from flowpilot.providers.ai import ledger
from flowpilot.providers.ai.anthropic import AnthropicProvider
from flowpilot.providers.ai.base import AIProvider, ChatState, Completion, Message, SystemBlock, Unreadable, Usage
from flowpilot.providers.ai.breaker import breaker
from flowpilot.providers.ai.chat import chat_call_cached
from flowpilot.providers.ai.pricing import cost_of, most_it_can_cost, what_arrived
from flowpilot.providers.ai.registry import Candidate, make_plan
from flowpilot.providers.ai.untrusted import mask_secrets
from flowpilot.providers.models import AiCall

log = logging.getLogger("flowpilot.ai")
_MCP_OFF = 600  # seconds that a chat goes on without the connector after it failed
_WHOLE = {"end_turn", "stop_sequence"}
_BY_RULES = "Fixed rules answered this. Your next message asks the AI again."


class NoAI(Unavailable):
    """No AI answers this account now: no key is set, the budget is used up, or the providers are left alone for a while."""


@dataclass
class _Ask:
    """What a service wants to know, and whom it has asked."""

    account_id: UUID
    service: str
    system_prompt: str | list[SystemBlock]
    messages: list[Message]
    chat_id: UUID | None
    tried: set[str] = field(default_factory=set)
    trouble: UserError | None = None
    first_choice: str = ""

    @property
    def characters(self) -> int:
        system = (
            self.system_prompt if isinstance(self.system_prompt, str) else "".join(b.text for b in self.system_prompt)
        )
        return len(system) + sum(len(message.text) for message in self.messages)


@dataclass
class _Call:
    """One call under way."""

    ask: _Ask
    candidate: Candidate
    id: UUID
    has_mcp: bool
    started: float = field(default_factory=time.monotonic)
    first_ms: int | None = None
    characters: int = 0

    def saw(self, text: str) -> None:
        if self.first_ms is None:
            self.first_ms = self.elapsed_ms
        self.characters += len(text)

    @property
    def elapsed_ms(self) -> int:
        return round((time.monotonic() - self.started) * 1000)

    @property
    def how(self) -> dict[str, Any]:
        """How the provider is asked."""
        ask = self.ask
        return {
            "system_prompt": ask.system_prompt,
            "messages": ask.messages,
            "model": self.candidate.model,
            "max_tokens": self.candidate.max_tokens,
        }


async def generate_json(
    *,
    account_id: UUID,
    service: str,
    system_prompt: str | list[SystemBlock],
    messages: Sequence[Message],
    schema: dict[str, Any],
    chat_id: UUID | None = None,
) -> dict[str, Any]:
    """Return an object that fits a JSON schema. Raises NoAI, Unavailable, Refused or Invalid, in words for people."""
    ask = _ask(account_id, service, system_prompt, messages, chat_id)
    while call := await _begin(ask):
        async with _settled(call) as outcome:
            value, outcome.completion = await call.candidate.provider.generate_json(**call.how, schema=schema)
        if outcome.completion:
            return value
    raise ask.trouble or NoAI("No AI is set up.")


async def generate_text_stream(
    *,
    account_id: UUID,
    service: str,
    system_prompt: str | list[SystemBlock],
    messages: Sequence[Message],
    chat_id: UUID | None = None,
    state: ChatState | None = None,
    last_resort: AIProvider | None = None,
) -> AsyncGenerator[str | Completion]:
    """Yield an answer's text in pieces, then one Completion.

    `last_resort` answers where no AI can. Once a piece was yielded nobody else takes over: what arrived stands, and the error is raised
    (Interrupted). Raises NoAI, Unavailable, Refused or Invalid.
    """
    ask = _ask(account_id, service, system_prompt, messages, chat_id)
    while call := await _begin(ask):
        async with _settled(call) as outcome, aclosing(_stream(call, state)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Completion):
                    outcome.completion = replace(piece, fallback=_why_not_first(ask, call.candidate))
                else:
                    call.saw(piece)
                    yield piece
        if outcome.completion:
            yield outcome.completion
            return
    if last_resort is None:
        raise ask.trouble or NoAI("No AI is set up.")
    async for piece in last_resort.generate_text_stream(
        system_prompt="", messages=messages, model=last_resort.name, max_tokens=0, state=state
    ):
        yield replace(piece, fallback=_why_rules(ask)) if isinstance(piece, Completion) else piece


async def is_on(account_id: UUID, service: str) -> bool:
    """Return whether an AI would be asked for a service now: there is a key, its provider answers, the budget carries it."""

    def look() -> bool:
        plan = make_plan(service)
        open_now = any(not breaker.is_open(each.circuit) for each in plan.candidates)
        if not open_now or plan.limit is None:
            return open_now
        first = plan.candidates[0]
        least = most_it_can_cost(first.model, 0, first.max_tokens)
        return not ledger.read_month(plan.limit, least).is_used

    return await run_in_scope(account_id, look)


def _stream(call: _Call, state: ChatState | None) -> AsyncGenerator[str | Completion]:
    """Return the answer's stream. Only Claude's chat knows tools."""
    provider = call.candidate.provider
    if call.ask.service != "chat" or not isinstance(provider, AnthropicProvider):
        return provider.generate_text_stream(**call.how, state=state)

    async def leave_mcp_out() -> None:
        await run_in_scope(call.ask.account_id, keep, _mcp_key(call.ask), True, seconds=_MCP_OFF)

    url = settings.MCP_MICROSOFT_LEARN_URL if call.has_mcp else ""
    return chat_call_cached(provider, **call.how, mcp_url=url, on_mcp_failure=leave_mcp_out)


def _mcp_key(ask: _Ask) -> str:
    return f"mcp_off:{ask.chat_id}"


def _ask(account_id, service, system_prompt, messages, chat_id) -> _Ask:
    masked = [
        replace(message, text=mask_secrets(message.text)) if message.role == "user" else message for message in messages
    ]
    return _Ask(account_id, service, system_prompt, masked, chat_id)


async def _begin(ask: _Ask) -> _Call | None:
    """Return a call of the next provider that may be asked, its money set aside; None where there is none, and `trouble` says why."""
    return await run_in_scope(ask.account_id, _reserve, ask)


def _reserve(ask: _Ask) -> _Call | None:
    plan = make_plan(ask.service)
    ask.first_choice = plan.candidates[0].name if plan.candidates else ""
    for candidate in plan.candidates:
        if candidate.circuit in ask.tried:
            continue
        ask.tried.add(candidate.circuit)
        if not breaker.allows(candidate.circuit):
            ask.trouble = ask.trouble or NoAI(f"{candidate.name} cannot be reached at the moment.")
            continue
        has_mcp = candidate.has_mcp and recall(_mcp_key(ask)) is None
        try:
            row = ledger.open_call(
                service=ask.service,
                provider=candidate.provider.name,
                model=candidate.model,
                reserve=most_it_can_cost(candidate.model, ask.characters, candidate.max_tokens),
                limit=plan.limit,
                chat_id=ask.chat_id,
                is_fallback=len(ask.tried) > 1,
                has_mcp=has_mcp,
            )
        except ledger.BudgetUsed as error:
            ask.trouble = NoAI(error.message)
            return None
        return _Call(ask, candidate, row.id, has_mcp)
    return None


@dataclass
class _Outcome:
    completion: Completion | None = None


@asynccontextmanager
async def _settled(call: _Call) -> AsyncIterator[_Outcome]:
    """Settle a call however it ends. What another provider can make good, because nothing was shown yet, is kept as the ask's trouble."""
    outcome, circuit = _Outcome(), call.candidate.circuit
    how, error_kind = AiCall.Outcome.CANCELLED, ""  # unless it gets to its end, be it a good or a bad one
    try:
        yield outcome
        breaker.succeeded(circuit)
        is_whole = outcome.completion is not None and outcome.completion.stop_reason in _WHOLE
        how = AiCall.Outcome.DONE if is_whole else AiCall.Outcome.CUT
    except UserError as error:
        how, error_kind = AiCall.Outcome.FAILED, type(error).__name__
        if isinstance(error, Unavailable) and not isinstance(error, Unreadable):
            breaker.failed(circuit)
        if call.first_ms is not None or isinstance(error, Invalid):
            raise
        log.warning("ai.passed_over service=%s provider=%s", call.ask.service, call.candidate.provider.name)
        call.ask.trouble = error
    finally:
        await asyncio.shield(_settle(call, outcome, how, error_kind))


async def _settle(call: _Call, outcome: _Outcome, how: str, error: str) -> None:
    completion = outcome.completion
    if completion:
        usage = completion.usage
    else:  # it ended without telling; where nothing arrived, nothing is billed
        usage = what_arrived(call.ask.characters, call.characters) if call.first_ms is not None else Usage()
    await run_in_scope(
        call.ask.account_id,
        ledger.settle,
        call.id,
        usage=usage,
        cost=cost_of(call.candidate.model, usage),
        outcome=how,
        error=error,
        first_ms=call.first_ms,
        total_ms=call.elapsed_ms,
    )


def _why_not_first(ask: _Ask, candidate: Candidate) -> str:
    return (
        ""
        if ask.trouble is None
        else f"{ask.first_choice} did not answer, so {candidate.name} did. {ask.trouble.message}"
    )


def _why_rules(ask: _Ask) -> str:
    return "" if ask.trouble is None else f"{ask.trouble.message} {_BY_RULES}"
