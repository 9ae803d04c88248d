import pytest

from flowpilot.bench import decisions


@pytest.mark.django_db(transaction=True)
def test_what_happens_at_once_is_taken_or_refused_and_nothing_is_lost():
    figures = decisions.measure(rounds=6, parallel=8, seed=7)

    assert {name: figures[name] for name in ("two_active", "lost", "unexpected", "stale_panels")} == {
        "two_active": 0,
        "lost": 0,
        "unexpected": 0,
        "stale_panels": 0,
    }
    assert figures["taken"] + figures["conflicts"] == 48
