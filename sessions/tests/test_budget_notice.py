from uuid import uuid4

import pytest
from django.urls import reverse

from flowpilot.accounts.preferences import set_setting
from flowpilot.accounts.scope import account_scope
from flowpilot.providers.ai import ledger
from flowpilot.providers.ai.base import Usage
from flowpilot.providers.ai.pricing import Cost
from flowpilot.testing.fixtures import make_person
from sessions.services.turns import ask


@pytest.fixture
def spend(account):
    """Spend this much of a budget of ten dollars."""

    def run(dollars):
        with account_scope(account.id):
            set_setting(account, "ai.budget.monthly_usd", 10)
            how = {"service": "chat", "provider": "anthropic", "model": "claude-sonnet-5-5"}
            call = ledger.open_call(**how, reserve=0, limit=None)
            cost = Cost(round(dollars * 1_000_000), 0)
            ledger.settle(call.id, usage=Usage(), cost=cost, outcome="done")

    return run


@pytest.mark.parametrize(
    ("dollars", "said"),
    [(8.5, "85 % of this month’s AI budget is used"), (10.2, "This month’s AI budget is used up")],
)
def test_a_session_says_when_the_ai_budget_runs_out(spend, browse, chat, dollars, said):
    spend(dollars)

    assert said in browse.get(chat.get_absolute_url()).content.decode()


def test_below_four_fifths_nothing_is_said(spend, browse, chat):
    spend(7.9)

    assert "AI budget" not in browse.get(chat.get_absolute_url()).content.decode()


def test_a_session_whose_budget_is_used_up_says_what_still_works_and_looks_again(spend, browse, chat):
    spend(10.2)
    html = browse.get(chat.get_absolute_url()).content.decode()

    assert "Tasks, facts, fixes and notes work as before" in html
    assert f'hx-get="{reverse("sessions:budget", args=[chat.id])}" hx-trigger="every 60s"' in html
    assert "Raise it" not in html


def test_an_admin_is_shown_where_to_raise_it(spend, client, account, chat):
    spend(10.2)
    client.force_login(make_person(account, "admin@summit-it.example", role="admin"))

    assert "Raise it" in client.get(chat.get_absolute_url()).content.decode()


def test_the_notice_goes_by_itself_when_the_budget_is_raised(spend, htmx, account, chat):
    spend(10.2)
    with account_scope(account.id):
        set_setting(account, "ai.budget.monthly_usd", 100)
    html = htmx.get(reverse("sessions:budget", args=[chat.id])).content.decode()

    assert html.strip() == '<div id="budget" hidden></div>'


def test_the_panels_bring_the_notice_to_a_page_that_is_open(spend, htmx, chat):
    spend(10.2)
    html = htmx.post(reverse("sessions:add-fact", args=[chat.id]), {"text": "Two users"}).content.decode()

    assert 'hx-target="#budget"' in html
    assert "AI budget is used up" in html


@pytest.mark.django_db(transaction=True)
def test_rules_answer_while_it_is_used_up_and_the_ai_once_it_is_raised(
    ai, spend, answer, account, chat, technician, in_scope
):
    how = {"chat_id": chat.id, "by": technician}
    spend(10.2)
    turn = in_scope(ask, text="Outlook asks for a password", client_key=uuid4(), **how)
    answer(turn)
    assert (turn.provider, ai.requests) == ("guided", [])
    assert "budget" in turn.fallback

    in_scope(set_setting, account, "ai.budget.monthly_usd", 100)
    ai.answer("Look at the profile.", to="It still asks")
    turn = in_scope(ask, text="It still asks", client_key=uuid4(), **how)
    answer(turn)
    assert (turn.provider, turn.answer) == ("anthropic", "Look at the profile.")
