from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from flowpilot.accounts.caching import Shelf
from psa import known

OUTLOOK, SWITCH = 48213, 48201
SEARCH = "GET /v4_6_release/apis/3.0/service/tickets"


def ask(client, name="queue", **query):
    return client.get(reverse(f"psa:{name}"), query).content.decode()


def numbers(html):
    return {int(part.split('"')[0]) for part in html.split('id="ticket-row-')[1:]}


def priority_of(sandbox, number):
    return sandbox.store.tables.tickets[number]["priority"]["id"]


def test_priority_narrows_the_queue(htmx, connected, sandbox):
    shown = numbers(ask(htmx, priority=4))

    assert SWITCH in shown
    assert {priority_of(sandbox, number) for number in shown} == {4}


def test_company_narrows_the_queue(htmx, connected, sandbox):
    shown = numbers(ask(htmx, company=301))

    assert OUTLOOK in shown
    assert {sandbox.store.tables.tickets[number]["company"]["id"] for number in shown} == {301}


def test_several_statuses_are_all_shown(htmx, connected, sandbox):
    shown = numbers(ask(htmx, status=["New", "Scheduled"]))

    assert {sandbox.store.tables.tickets[number]["status"]["name"] for number in shown} == {"New", "Scheduled"}


def test_unassigned_has_nobody_on_it(htmx, connected, sandbox):
    shown = numbers(ask(htmx, who="none"))

    assert shown
    assert not any(sandbox.store.tables.tickets[number].get("owner") for number in shown)


def test_a_member_has_what_they_own_or_share(htmx, connected):
    shown = numbers(ask(htmx, who="@sokafor"))

    assert OUTLOOK in shown  # shared with the owner
    assert SWITCH not in shown


@pytest.mark.parametrize(("order", "first"), [("newest", max), ("oldest", min)])
def test_order_puts_the_right_one_first(htmx, connected, sandbox, order, first):
    open_ones = [number for number, each in sandbox.store.tables.tickets.items() if not each["closedFlag"]]

    assert f'id="ticket-row-{first(open_ones)}"' in ask(htmx, sort=order)


def test_members_are_found_by_typing(htmx, connected):
    shown = ask(htmx, "find-members", find="oka")

    assert "S. Okafor" in shown
    assert "J. Ortiz" not in shown


def test_members_that_do_not_exist_are_said_to_be_so(htmx, connected):
    assert "No member is called that" in ask(htmx, "find-members", find="zzz")


def test_filters_are_kept_between_visits(browse, htmx, connected):
    htmx.get(reverse("psa:tickets"), {"board": 2, "sort": "due"})
    del htmx.defaults["HTTP_HX_REQUEST"]

    reply = browse.get(reverse("psa:tickets"))

    assert reply["Location"] == f"{reverse('psa:tickets')}?board=2&sort=due"


def test_clearing_the_filters_forgets_them(browse, connected):
    browse.get(reverse("psa:tickets"), {"board": 2})
    browse.get(reverse("psa:tickets"), {"sort": "priority"})

    assert browse.get(reverse("psa:tickets")).status_code == 200


def test_filters_are_kept_for_each_person_alone(browse, connected, stranger):
    browse.get(reverse("psa:tickets"), {"board": 2})
    browse.force_login(stranger)

    assert browse.get(reverse("psa:tickets")).status_code == 200


def test_count_counts_all_pages(htmx, connected, sandbox):
    open_ones = [each for each in sandbox.store.tables.tickets.values() if not each["closedFlag"]]

    assert f"{len(open_ones)} open" in ask(htmx, "count")


def test_count_that_cannot_be_had_leaves_no_hole(htmx, connected, sandbox):
    sandbox.fail_next("503html", times=5)

    assert ask(htmx, "count") == ""


def test_nothing_found_names_the_filter_to_drop(htmx, connected):
    assert "Without the company" in ask(htmx, q="whole site offline", company=301)
    assert "1 without the company" in ask(htmx, "wider", q="whole site offline", company=301)


def test_nothing_found_says_when_one_filter_alone_does_not_help(htmx, connected):
    assert "Dropping one filter alone" in ask(htmx, "wider", q="zzzz", company=99_999)


def test_labels_follow_the_choice(htmx, connected):
    ask(htmx, "filters")

    shown = ask(htmx, "tickets", who="@sokafor", board=2, priority=4, status=["New", "Scheduled"])

    assert '<b id="l-who" data-on>S. Okafor</b>' in shown
    assert '<b id="l-board" data-on>Network</b>' in shown
    assert '<b id="l-status" data-on>2 chosen</b>' in shown
    assert "Priority 1 - Critical" in shown


def test_queue_of_a_connectwise_that_is_down_is_the_last_one_seen(htmx, connected, sandbox):
    ask(htmx)
    sandbox.fail_next("503html", times=5, match=SEARCH)

    shown = ask(htmx)

    assert "You see tickets from" in shown
    assert f'id="ticket-row-{OUTLOOK}"' in shown


def test_queue_of_a_connectwise_that_is_slow_does_not_wait(htmx, connected, sandbox):
    ask(htmx)
    sandbox.app.latency = 4.0
    began = timezone.now()

    shown = ask(htmx)

    assert "You see tickets from" in shown
    assert (timezone.now() - began).total_seconds() < 3


def test_what_is_known_for_ten_minutes_is_shown_and_asked_for_again(htmx, connected, sandbox):
    ask(htmx, "filters")
    kept = known.peek(connected.id, "psa:boards")
    old = known.Known(kept.value[:1], kept.at - timedelta(seconds=known.FRESH_SECONDS + 1))
    Shelf(connected.id).set("psa:boards", old, seconds=100)

    first = known.recall(connected.id, "psa:boards", lambda: kept.value)
    known.begin(connected.id, "psa:boards", lambda: kept.value).result()

    assert first == old.value
    assert known.peek(connected.id, "psa:boards").value == kept.value


def test_boards_that_may_not_be_listed_are_those_of_the_tickets(htmx, connected, sandbox):
    ask(htmx)
    sandbox.fail_next("403", times=2, match="/service/boards")
    sandbox.fail_next("403", times=2, match="/service/info/boards")

    shown = ask(htmx, "filters")

    assert "won’t let FlowPilot read boards" in shown
    assert "Service desk" in shown
