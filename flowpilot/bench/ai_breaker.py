"""How soon an answer starts while a provider is left alone, beside the same provider answering. In a database of its own."""

import time
from statistics import median
from uuid import uuid4

from asgiref.sync import async_to_sync

from flowpilot.accounts.models import Account
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.services import open_account
from flowpilot.flows.starter import load_starter_flows
from flowpilot.providers.ai import calls
from flowpilot.providers.ai.base import Message
from flowpilot.providers.ai.breaker import FAILURES, breaker
from flowpilot.providers.ai.guided import GuidedProvider
from flowpilot.providers.ai.registry import seal_credential
from flowpilot.providers.models import AiCredential
from flowpilot.testing.messages_server import MessagesServer
from flowpilot.testing.scratch import scratch_database

_ASKED = [Message("user", "Outlook keeps asking for a password.")]


def add_arguments(parser):
    parser.add_argument("--answers", type=int, default=50)


def run(*, answers: int, **options) -> dict:
    """Return median and slowest milliseconds to the first piece: `open` with the circuit open, `closed` with the provider answering."""
    with scratch_database(), MessagesServer() as server:
        account = _open(server)
        try:
            closed = [_first_ms(account) for _ in range(answers)]
            server.fail(500, times=10_000)
            for _ in range(FAILURES):
                _first_ms(account)
            asked = len(server.requests)
            opened = [_first_ms(account) for _ in range(answers)]
            return {
                "closed_p50_ms": round(median(closed), 1),
                "open_p50_ms": round(median(opened), 1),
                "open_max_ms": round(max(opened), 1),
                "asked_while_open": len(server.requests) - asked,
            }
        finally:
            breaker.reset()


def _open(server: MessagesServer) -> Account:
    """Return an account whose AI is the server."""
    account = open_account(name="Benchmark", account_id=uuid4())
    with account_scope(account.id):
        credential = AiCredential(provider="anthropic", base_url=server.base_url)
        seal_credential(credential, server.api_key)
        credential.save()
    return account


def _first_ms(account: Account) -> float:
    async def first() -> float:
        began = time.perf_counter()
        stream = calls.generate_text_stream(
            account_id=account.id,
            service="chat",
            system_prompt="Be brief.",
            messages=_ASKED,
            last_resort=GuidedProvider(load_starter_flows()),
        )
        async for _ in stream:
            took = (time.perf_counter() - began) * 1000
            await stream.aclose()
            return took
        raise AssertionError("No answer came.")

    return async_to_sync(first)()
