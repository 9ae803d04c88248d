import json
from io import StringIO

import pytest
from django.core.management import call_command

from flowpilot.bench import ai_cost


@pytest.fixture(scope="module")
def figures():
    out = StringIO()
    call_command("bench", "ai-cost", "--json", stdout=out)
    return json.loads(out.getvalue())


def test_a_chat_costs_a_fifth_of_what_it_would_without_a_cache(figures):
    assert figures["ratio"] <= 0.206


def test_the_plain_layout_costs_what_it_is_known_to(figures):
    assert 0.26 <= figures["ratio_first_block_and_history"] <= 0.27


def test_every_token_of_the_chat_is_read_or_written_and_none_is_paid_in_full(figures):
    assert figures["tokens_at_full_price"] == 0


def test_a_technician_who_stays_away_between_answers_pays_less_than_half():
    assert ai_cost.run(turns=20, seconds_between=600)["ratio"] < 0.5
