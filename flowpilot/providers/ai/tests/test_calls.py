import asyncio
import logging
from contextlib import aclosing
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync

from flowpilot.accounts.preferences import set_setting
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Refused, Unavailable
from flowpilot.flows.starter import load_starter_flows
from flowpilot.providers.ai import calls
from flowpilot.providers.ai.base import Completion, Interrupted, Message
from flowpilot.providers.ai.breaker import breaker
from flowpilot.providers.ai.guided import GuidedProvider
from flowpilot.providers.ai.registry import SERVICES, make_plan, seal_credential
from flowpilot.providers.models import AiBudget, AiCall, AiCredential

HELLO = [Message("user", "Outlook asks for a password.")]
SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}},
    "required": ["title"],
    "additionalProperties": False,
}
GUIDED = GuidedProvider(load_starter_flows())


@pytest.fixture(autouse=True)
def _closed():
    breaker.reset()


@pytest.fixture
def ai(server, settings):
    """The account's AI is the server on loopback."""
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = server.api_key, server.base_url
    return server


@pytest.fixture
def ask(account):
    """Everything a chat's answer brings: its text and its Completion."""

    async def run(**how):
        text, last = [], None
        how = {"service": "chat", "system_prompt": "Be brief.", "messages": HELLO, **how}
        async for piece in calls.generate_text_stream(account_id=account.id, **how):
            if isinstance(piece, Completion):
                last = piece
            else:
                text.append(piece)
        return "".join(text), last

    return async_to_sync(run)


@pytest.fixture
def fill(account):
    """Have a form filled in."""

    def run(service="ticket_parse"):
        how = {"service": service, "system_prompt": "Fill it in.", "messages": HELLO, "schema": SCHEMA}
        return async_to_sync(calls.generate_json)(account_id=account.id, **how)

    return run


@pytest.fixture
def noted(account):
    """The calls as they were noted, oldest first."""

    def read():
        with account_scope(account.id):
            return list(AiCall.objects.order_by("created_at"))

    return read


def test_a_chats_answer_comes_in_pieces_and_is_noted(ai, ask, noted):
    chat_id = uuid4()
    ai.answer("It is the token.")

    text, last = ask(chat_id=chat_id)

    (call,) = noted()
    assert (text, last.fallback) == ("It is the token.", "")
    assert (call.outcome, call.provider, call.model, call.chat_id) == (
        "done",
        "anthropic",
        "claude-sonnet-5-5",
        chat_id,
    )
    assert call.output_tokens > 0
    assert call.cost_micros > 0
    assert call.first_ms <= call.total_ms


def test_a_form_is_filled_by_the_services_own_tier(ai, fill, noted):
    ai.answer('{"title": "Token"}')

    assert fill() == {"title": "Token"}
    assert noted()[0].model == "claude-haiku-5-5"


def test_an_accounts_tier_goes_before_the_default(ai, account, fill, noted):
    with account_scope(account.id):
        set_setting(account, "ai.tiers.ticket_parse", "deep")
    ai.answer('{"title": "Token"}')
    fill()

    assert noted()[0].model == "claude-opus-5-5"


def test_an_accounts_own_key_goes_before_the_environments(ai, account, ask, settings):
    settings.ANTHROPIC_API_KEY = "sk-ant-of-the-environment"
    with account_scope(account.id):
        own = AiCredential(provider="anthropic", base_url=ai.base_url)
        seal_credential(own, ai.api_key)
        own.save()

    assert ask()[1].provider == "anthropic"


def test_gemini_answers_where_only_it_has_a_key(gemini_server, ask, noted, settings):
    settings.GEMINI_API_KEY, settings.GEMINI_BASE_URL = gemini_server.api_key, gemini_server.base_url

    assert ask()[1].provider == "gemini"
    assert noted()[0].model == settings.AI_MODELS["gemini"]["standard"]


def test_the_other_provider_answers_where_the_first_cannot_and_says_so(ai, gemini_server, ask, noted, settings):
    settings.GEMINI_API_KEY, settings.GEMINI_BASE_URL = gemini_server.api_key, gemini_server.base_url
    ai.fail(529, times=3)

    text, last = ask(last_resort=GUIDED)

    assert text
    assert (
        last.fallback == "Claude did not answer, so Gemini did. The AI is overloaded right now. Try again in a minute."
    )
    assert [(call.provider, call.outcome, call.is_fallback) for call in noted()] == [
        ("anthropic", "failed", False),
        ("gemini", "done", True),
    ]


def test_an_account_may_put_gemini_first(ai, gemini_server, account, ask, settings):
    settings.GEMINI_API_KEY, settings.GEMINI_BASE_URL = gemini_server.api_key, gemini_server.base_url
    with account_scope(account.id):
        set_setting(account, "ai.provider", "gemini")

    assert ask()[1].provider == "gemini"
    assert ai.requests == []


def test_a_key_never_stands_in_the_table(account, sql):
    with account_scope(account.id):
        own = AiCredential(provider="anthropic")
        seal_credential(own, "sk-ant-very-secret-key")
        own.save()

        assert "very-secret" not in sql("SELECT row_to_json(c)::text FROM ai_credentials c")


def test_without_a_key_nobody_is_asked(fill):
    with pytest.raises(calls.NoAI):
        fill()


def test_an_account_that_chose_rules_asks_nobody(ai, account, fill):
    with account_scope(account.id):
        set_setting(account, "ai.provider", "guided")

    with pytest.raises(calls.NoAI):
        fill()
    assert ai.requests == []


def test_what_a_person_typed_leaves_masked(ai, ask):
    ask(messages=[Message("user", "The password is Sommer-2026!")])

    assert "Sommer" not in str(ai.requests[0].body)
    assert "[masked: password]" in str(ai.requests[0].body)


@pytest.mark.parametrize("status", [401, 402, 500, 529])
def test_rules_answer_where_the_ai_cannot_and_say_so(ai, ask, status):
    ai.fail(status, times=3)

    text, last = ask(last_resort=GUIDED)

    assert text
    assert last.provider == "guided"
    assert "Fixed rules answered this" in last.fallback


def test_rules_by_choice_need_no_excuse(ask):
    assert ask(last_resort=GUIDED)[1].fallback == ""


def test_what_has_begun_is_not_taken_over(ai, ask, noted):
    ai.break_off("drop", after=3)

    with pytest.raises(Interrupted):
        ask(last_resort=GUIDED)
    (call,) = noted()
    assert (call.outcome, call.error) == ("failed", "Interrupted")
    assert call.cost_micros > 0


def test_a_stopped_answer_is_settled(ai, account, noted):
    async def stop_after_one():
        stream = calls.generate_text_stream(
            account_id=account.id, service="chat", system_prompt="", messages=HELLO, last_resort=GUIDED
        )
        async with aclosing(stream) as pieces:
            async for _ in pieces:
                return

    async_to_sync(stop_after_one)()

    assert [call.outcome for call in noted()] == ["cancelled"]
    with account_scope(account.id):
        assert AiBudget.objects.get().reserved_micros == 0


def test_five_failures_open_the_circuit_and_rules_answer_at_once(ai, ask):
    ai.fail(500, times=100)
    for _ in range(5):
        ask(last_resort=GUIDED)
    before = len(ai.requests)

    text, last = ask(last_resort=GUIDED)

    assert len(ai.requests) == before
    assert text
    assert "cannot be reached at the moment" in last.fallback


def test_forms_that_cannot_be_read_leave_the_circuit_closed(ai, fill, ask):
    usual, ai.script = ai.script, lambda _body: "no JSON"
    for _ in range(5):
        with pytest.raises(Unavailable, match="cannot be read"):
            fill()
    ai.script = usual

    assert ask()[1].provider == "anthropic"


def test_is_on_follows_key_and_circuit(ai, account, ask):
    is_on = async_to_sync(calls.is_on)
    before = is_on(account.id, "chat")
    ai.fail(500, times=100)
    for _ in range(5):
        ask(last_resort=GUIDED)

    assert (before, is_on(account.id, "chat")) == (True, False)


@pytest.mark.parametrize(("dollars", "wanted"), [(0.0100, False), (0.0101, True)])
def test_is_on_follows_what_the_budget_carries(ai, account, settings, dollars, wanted):
    settings.AI_MAX_TOKENS = 1000  # of answer, at ten dollars a million, and a token of question
    settings.AI_BUDGET_MONTHLY_USD = dollars

    assert async_to_sync(calls.is_on)(account.id, "chat") == wanted


def test_a_hundred_turns_on_a_budget_for_ten_start_ten(ai, account, noted, settings):
    settings.AI_MAX_TOKENS = 1000
    each = 10_050  # a thousand tokens of answer at ten dollars a million, and the question
    settings.AI_BUDGET_MONTHLY_USD = 10 * each / 1_000_000
    ai.script, usual = (lambda _: "word " * 4000), ai.script

    seen, all_began = [], asyncio.Event()

    async def one():
        stream = calls.generate_text_stream(
            account_id=account.id, service="chat", system_prompt="", messages=HELLO, last_resort=GUIDED
        )
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                seen.append(piece)
                if len(seen) == 100:
                    all_began.set()
                await all_began.wait()
                return

    async def hundred():
        await asyncio.gather(*(one() for _ in range(100)))

    async_to_sync(hundred)()
    ai.script = usual

    assert len(noted()) == len(ai.requests) == 10


def test_a_budget_that_is_used_up_says_so(ai, ask, settings):
    settings.AI_BUDGET_MONTHLY_USD = 0.000001

    assert "budget is used up" in ask(last_resort=GUIDED)[1].fallback
    assert ai.requests == []


def test_a_failing_service_raises_the_last_trouble(ai, fill):
    ai.fail(403)

    with pytest.raises(Refused, match="not accepted for this model"):
        fill()


def test_telemetry_that_fails_breaks_no_answer(ai, ask, caplog):
    ai.answer("Fine.")
    logging.getLogger("flowpilot.ai").addFilter(broken := _Broken())
    try:
        assert ask()[0] == "Fine."
    finally:
        logging.getLogger("flowpilot.ai").removeFilter(broken)
    assert "telemetry.failed" in caplog.text


class _Broken(logging.Filter):
    def filter(self, record):
        if "anthropic.cache" in record.getMessage():
            raise RuntimeError
        return True


def test_every_service_has_a_model(account, settings, scope):
    settings.ANTHROPIC_API_KEY = "sk-ant-none"
    assert all(make_plan(service).candidates[0].model for service in SERVICES)
