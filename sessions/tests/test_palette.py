"""The command palette: what it finds, for whom, with how few queries."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from flowpilot.testing.fixtures import make_person
from sessions.tests.factories import make_chat


@pytest.fixture
def results(htmx):
    return lambda typed: htmx.get(reverse("palette-results"), {"q": typed}).content.decode()


@pytest.fixture
def outlook(account, technician):
    with account_scope(account.id):
        return make_chat(title="Outlook password loop", owner=technician, ticket_id=48213)


def test_words_find_sessions_scripts_and_actions(results, outlook):
    shown = results("outlook")

    assert "Continue <b>Outlook</b> password loop" in shown
    assert "Start a session about “outlook”" in shown
    assert "Reset Office modern sign-in" in shown
    assert "New ticket from text" in results("paste")


def test_a_number_finds_the_sessions_of_that_ticket(results, outlook):
    assert outlook.get_absolute_url() in results("48213")


def test_an_angle_finds_actions_only(results, outlook):
    shown = results("> script")

    assert "Build a <b>script</b>" in shown
    assert "pal-h-sessions" not in shown
    assert "pal-h-tickets" not in shown


def test_a_hash_asks_for_tickets_only(results, outlook):
    shown = results("# outlook")

    assert 'hx-get="/palette/tickets?q=outlook"' in shown
    assert "pal-h-sessions" not in shown


def test_nothing_typed_shows_the_open_sessions_of_the_person(results, outlook, account):
    with account_scope(account.id):
        make_chat(title="A colleague’s")

    shown = results("")
    assert "Outlook password loop" in shown
    assert "A colleague’s" not in shown


def test_what_was_typed_is_escaped(results):
    assert "<script>" not in results("<script>alert(1)</script>")


def test_another_account_finds_nothing_of_it(client, stranger, outlook):
    client.force_login(stranger)

    shown = client.get(reverse("palette-results"), {"q": "password loop"}, headers={"HX-Request": "true"})
    assert outlook.title not in shown.content.decode()


@pytest.mark.parametrize(("role", "is_found"), [("engineer", False), ("admin", True)])
def test_only_who_may_is_offered_the_settings_of_the_account(client, account, role, is_found):
    client.force_login(make_person(account, "someone@summit-it.example", role=role))

    shown = client.get(reverse("palette-results"), {"q": "> people"}, headers={"HX-Request": "true"})
    assert (reverse("accounts:people") in shown.content.decode()) is is_found


def test_a_search_costs_few_queries_however_much_it_finds(results, account, technician, outlook):
    results("outlook")
    with CaptureQueriesContext(connection) as few:
        results("outlook")
    with account_scope(account.id):
        for number in range(20):
            make_chat(title=f"Outlook {number}", owner=technician)
    with CaptureQueriesContext(connection) as many:
        results("outlook")

    assert len(many) <= len(few) <= 15  # eleven are the sign-in’s and the scope’s


def test_tickets_come_from_connectwise(htmx, connected):
    shown = htmx.get(reverse("palette-tickets"), {"q": "outlook"}).content.decode()

    assert "#48213 <b>Outlook</b> keeps asking for a password" in shown
    assert reverse("sessions:start-from-ticket", args=[48213]) in shown


def test_tickets_say_when_connectwise_is_down(htmx, connected, sandbox):
    sandbox.fail_next("503html", times=6)

    assert "pal-h-tickets" in htmx.get(reverse("palette-tickets"), {"q": "nobody asked this"}).content.decode()


def test_without_script_the_palette_is_a_page(browse, outlook):
    shown = browse.get(reverse("palette"), {"q": "password loop"}).content.decode()

    assert "<h1>Search or run</h1>" in shown
    assert outlook.get_absolute_url() in shown
