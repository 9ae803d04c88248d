import pytest

from flowpilot.accounts.preferences import set_setting
from flowpilot.accounts.scope import account_scope
from flowpilot.providers.ai import ledger
from flowpilot.providers.ai.base import Usage
from flowpilot.providers.ai.pricing import Cost


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
