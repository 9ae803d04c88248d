from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict

from flowpilot.providers.connectwise.models import Ref, TicketData
from psa.filters import Filters
from psa.rows import Row, Sla

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes", "sla"),
    [
        (-18, Sla("18m", "red", is_over=True)),
        (-1500, Sla("1d 1h", "red", is_over=True)),
        (34, Sla("34m", "amber", is_close=True)),
        (119, Sla("1h 59m", "amber")),
        (120, Sla("2h 00m")),
        (1560, Sla("1d 2h")),
    ],
)
def test_sla_is_amber_below_two_hours_and_red_when_over(minutes, sla):
    ticket = TicketData(1, "x", due_at=NOW + timedelta(minutes=minutes))

    assert Sla.of(ticket, NOW) == sla


def test_sla_of_a_closed_ticket_no_longer_runs():
    assert Sla.of(TicketData(1, "x", due_at=NOW, is_closed=True), NOW) == Sla()


def test_people_are_the_owner_and_the_others_once():
    ticket = TicketData(1, "x", owner=Ref(151, "J. Ortiz", "JOrtiz"), resources=("jortiz", "sokafor"))

    assert Row.of(ticket).people == ["J. Ortiz", "sokafor"]
    assert Row.of(ticket, {"sokafor": "S. Okafor"}).people == ["J. Ortiz", "S. Okafor"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?q=a+%26+b&who=mine&status=%3EClosed&status=New&board=2&priority=4&company=301&sort=due&page=3",
        "?who=%40jortiz",
    ],
)
def test_filters_survive_the_address(query):
    assert Filters.from_query(QueryDict(query.removeprefix("?"))).query == query
