"""The figures of the dashboard: this week beside the one before, and the tickets that run out of time."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from flowpilot.accounts.scope import account_scope
from sessions import queries
from sessions.models import ChatSession
from sessions.tests.factories import make_chat


@pytest.fixture
def tiles(account, technician):
    """Return the figures by their labels."""

    def read():
        with account_scope(account.id):
            return {tile.label: (tile.value, tile.detail, tile.tone) for tile in queries.tiles(technician)}

    return read


@pytest.fixture
def resolved(account):
    """Keep a session that was resolved so many days ago, after so many minutes."""

    def keep(days, minutes):
        ended = timezone.now() - timedelta(days=days)
        with account_scope(account.id):
            chat = make_chat(status="resolved", resolved_at=ended)
            ChatSession.objects.filter(pk=chat.pk).update(created_at=ended - timedelta(minutes=minutes))

    return keep


def test_an_account_without_sessions_has_honest_tiles(tiles):
    assert tiles()["Resolved in 7 days"] == ("0", "nothing yet", "")
    assert tiles()["Median time to resolve"][0] == "–"
    assert tiles()["Open sessions"] == ("0", "of the team", "")


def test_a_week_is_told_beside_the_one_before(tiles, resolved):
    for days, minutes in ((1, 20), (2, 30), (3, 40), (9, 50)):
        resolved(days, minutes)

    assert tiles()["Resolved in 7 days"] == ("3", "2 more than the week before", "green")
    assert tiles()["Median time to resolve"] == ("30 min", "20 min faster", "green")


def test_a_slower_week_is_not_praised(tiles, resolved):
    for days, minutes in ((1, 60), (9, 50), (10, 50)):
        resolved(days, minutes)

    assert tiles()["Resolved in 7 days"] == ("1", "1 fewer than the week before", "")
    assert tiles()["Median time to resolve"] == ("60 min", "10 min slower", "")


def test_tickets_that_run_out_of_time_are_told_once_the_queue_was_seen(tiles, htmx, connected):
    assert "SLA at risk" not in tiles()

    htmx.get(reverse("psa:my-queue"))

    assert int(tiles()["SLA at risk"][0]) > 0
    assert tiles()["SLA at risk"][2] in {"amber", "red"}
