from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from flowpilot.accounts.preferences import set_setting
from flowpilot.accounts.scope import account_scope
from flowpilot.providers.ai import ledger
from flowpilot.providers.ai.base import Usage
from flowpilot.providers.ai.ledger import BudgetUsed
from flowpilot.providers.ai.pricing import Cost, cost_of, most_it_can_cost
from flowpilot.providers.ai.registry import read_budget
from flowpilot.providers.models import AiBudget, AiCall

SONNET, HAIKU = "claude-sonnet-5-5", "claude-haiku-5-5"


def open_call(reserve=100, limit=1000, **fields):
    return ledger.open_call(
        **{"service": "chat", "provider": "anthropic", "model": SONNET, "reserve": reserve, "limit": limit, **fields}
    )


def settle(call, cost=60, **fields):
    ledger.settle(call.id, **{"usage": Usage(), "cost": Cost(cost, 5), "outcome": "done", **fields})


@pytest.fixture
def month(scope):
    """This month's row, read anew at each call."""
    return lambda: AiBudget.objects.get()


def test_a_call_sets_its_money_aside(month):
    open_call(reserve=100)

    assert (month().reserved_micros, month().spent_micros) == (100, 0)


def test_a_settled_call_has_spent_what_it_cost(month):
    settle(open_call(reserve=100), cost=60)

    assert (month().reserved_micros, month().spent_micros) == (0, 60)


def test_settling_twice_bills_once(month):
    call = open_call()
    settle(call)
    settle(call)

    assert (month().reserved_micros, month().spent_micros) == (0, 60)


def test_a_budget_that_does_not_carry_the_call_refuses_it(scope):
    open_call(reserve=950, limit=1000)

    with pytest.raises(BudgetUsed):
        open_call(reserve=51, limit=1000)


def test_without_a_limit_every_call_goes(scope):
    assert open_call(reserve=10**12, limit=None)


@pytest.mark.django_db(transaction=True)
def test_a_hundred_at_once_on_a_budget_for_ten_start_ten(account):
    def start(_):
        try:
            with account_scope(account.id):
                open_call(reserve=100, limit=1000)
            return True
        except BudgetUsed:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        started = list(pool.map(start, range(100)))

    assert sum(started) == 10


def age(call, minutes):
    AiCall.objects.filter(pk=call.pk).update(created_at=timezone.now() - timedelta(minutes=minutes))


def test_a_call_whose_process_vanished_gives_its_money_back(month):
    lost = open_call(reserve=1000)
    age(lost, minutes=11)

    assert open_call(reserve=1000)
    lost.refresh_from_db()
    assert (lost.outcome, month().reserved_micros) == ("lost", 1000)


def test_a_call_under_way_keeps_its_money(scope):
    age(open_call(reserve=1000), minutes=9)

    with pytest.raises(BudgetUsed):
        open_call(reserve=1)


def test_a_lost_call_that_comes_back_is_billed_but_frees_nothing_again(month):
    late = open_call(reserve=1000)
    age(late, minutes=11)
    open_call(reserve=1000)
    settle(late, cost=60)

    assert (month().reserved_micros, month().spent_micros) == (1000, 60)


def test_the_budget_is_the_accounts_setting(account, scope):
    set_setting(account, "ai.budget.monthly_usd", 20)
    settle(open_call(), cost=17_000_000)

    budget = read_budget()
    assert (budget.limit, budget.spent) == (20_000_000, 17_000_000)
    assert (budget.is_nearly_used, budget.is_used) == (True, False)


def test_a_budget_is_used_up_once_it_carries_no_other_answer(account, scope):
    set_setting(account, "ai.budget.monthly_usd", 20)
    dearest = read_budget().next_answer
    settle(open_call(), cost=20_000_000 - dearest)
    assert not read_budget().is_used
    settle(open_call(limit=None), cost=1)

    assert read_budget().is_used
    with pytest.raises(BudgetUsed):
        open_call(reserve=dearest, limit=20_000_000)


def test_a_call_that_was_cached_costs_less_and_says_what_was_saved():
    usage = Usage(input_tokens=100, output_tokens=50, cache_read_input_tokens=10_000)

    assert cost_of(SONNET, usage) == Cost(micros=200 + 1000 + 500, saved_micros=19_000)


def test_writing_to_the_cache_costs_more_than_reading_plainly():
    five_minutes, an_hour = (
        Usage(cache_creation_input_tokens=1000),
        Usage(cache_creation_input_tokens=1000, cache_creation_1h_input_tokens=1000),
    )

    assert [cost_of(SONNET, each).micros for each in (five_minutes, an_hour)] == [2500, 4000]


def test_a_long_prompt_costs_its_higher_price():
    assert cost_of(HAIKU, Usage(input_tokens=100_001)).micros == round(100_001 * 0.1 * 5)


def test_a_model_without_a_price_costs_as_much_as_the_dearest():
    usage = Usage(input_tokens=1000)

    assert cost_of("unheard-of", usage) == cost_of("claude-opus-5-5", usage)


def test_what_is_set_aside_is_no_less_than_the_bill():
    bill = cost_of(SONNET, Usage(cache_creation_input_tokens=1000, output_tokens=800)).micros

    assert most_it_can_cost(SONNET, characters=3000, max_tokens=800) >= bill
