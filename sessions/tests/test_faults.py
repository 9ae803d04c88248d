"""Whatever the AI does wrong, a session keeps the technician's words, shows nothing twice, and says what happened."""

from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync

from flowpilot.accounts.scope import account_scope
from flowpilot.providers.ai.breaker import breaker
from sessions import answering
from sessions.services.turns import ask

SAID = "Maria cannot open her mail since the MFA rollout."
WORDS = [f"word{number} " for number in range(40)]
FAULTS = {
    "a wrong key": lambda ai: ai.fail(401, times=9),
    "a bad request": lambda ai: ai.fail(400, "messages: too odd", times=9),
    "too much": lambda ai: ai.fail(413, times=9),
    "an hour's wait": lambda ai: ai.fail(429, retry_after=3600, times=9),
    "a broken service": lambda ai: ai.fail(503, times=9),
    "a proxy's page": lambda ai: ai.fail_raw(502, b"<html>Bad Gateway</html>", times=9),
    "an error after some words": lambda ai: ai.break_off("error", after=7),
    "a dropped socket": lambda ai: ai.break_off("drop", after=7),
    "an end before its time": lambda ai: ai.break_off("end", after=7),
    "an answer that is declined": lambda ai: ai.answer("", stop_reason="refusal"),
    "an answer that is cut": lambda ai: ai.answer("word0 word1", stop_reason="max_tokens"),
}


@pytest.fixture(params=["claude", "gemini"])
def ai_server(request, settings):
    """Each AI in turn answers the sessions, word by word."""
    server = request.getfixturevalue(request.param)
    name = {"claude": "ANTHROPIC", "gemini": "GEMINI"}[request.param]
    setattr(settings, f"{name}_API_KEY", server.api_key)
    setattr(settings, f"{name}_BASE_URL", server.base_url)
    server.reset()
    breaker.reset()
    usual, server.script = server.script, lambda body: "".join(WORDS)
    yield server
    server.script = usual
    server.reset()
    breaker.reset()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_leaves_a_session_whole(ai_server, account, chat, technician, name):
    FAULTS[name](ai_server)
    with account_scope(account.id):
        turn = ask(chat_id=chat.id, text=SAID, by=technician, client_key=uuid4())

    assert async_to_sync(answering.answer)(account.id, turn.id) is True

    with account_scope(account.id):
        turn.refresh_from_db()
    assert turn.text == SAID
    assert turn.status in {"done", "failed"}
    assert (turn.error or turn.fallback).endswith(".")
    assert "<" not in turn.error + turn.fallback
    assert all(turn.answer.count(word) <= 1 for word in WORDS)
