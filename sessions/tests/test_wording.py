"""Notes in a model's words, asked over HTTP of a server that speaks the Messages API."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from flowpilot.errors import UserError
from sessions import queries
from sessions.models import ChatSession, NoteDraft
from sessions.services import notes
from sessions.services.facts import add_fact
from sessions.services.wording import word_notes
from sessions.tests.factories import make_fact, make_fix


@pytest.fixture
def ask(account, ticket_chat):
    """Have the note worded; return whether the model was asked."""
    return lambda: word_notes(account_id=account.id, chat_id=ticket_chat.id, service="resolution_note")


@pytest.fixture
def read(account, ticket_chat):
    """A document as it stands."""

    def reading(kind="resolution"):
        with account_scope(account.id):
            return queries.reading(ChatSession.objects.get(pk=ticket_chat.id), kind)

    return reading


@pytest.fixture
def fact(account, ticket_chat):
    with account_scope(account.id):
        return make_fact(ticket_chat, "Webmail opens for this user")


@pytest.fixture
def worked(account, ticket_chat):
    with account_scope(account.id):
        return make_fix(ticket_chat, outcome="success")


def says(**sections):
    """A model's answer: {key: [(text, sources)]}."""
    return json.dumps(
        {
            "sections": [
                {"key": key, "sentences": [{"text": text, "sources": sources} for text, sources in told]}
                for key, told in sections.items()
            ]
        }
    )


def told(reading, key):
    [section] = [each for each in reading.document.sections if each.key == key]
    return [(each.text, each.is_supported) for each in section.sentences]


def test_a_worded_sentence_keeps_what_it_rests_on(ai, ask, read, fact):
    ai.answer(says(confirmed=[("Webmail was opened without a prompt.", ["F1"])]))

    assert ask()
    [sentence] = [each for each in read().document.sentences if "Webmail" in each.text]
    assert (sentence.text, sentence.sources) == ("Webmail was opened without a prompt.", (f"fact:{fact.id}",))
    assert read().is_worded


@pytest.mark.parametrize("sources", [[], ["F9"], ["session"], ["fact:made-up"]])
def test_what_rests_on_nothing_is_marked_and_left_out(ai, ask, read, fact, sources):
    ai.answer(says(confirmed=[("The firewall was changed on Monday.", sources)]))
    ask()

    assert told(read(), "confirmed") == [("The firewall was changed on Monday.", False)]
    assert "firewall" not in read().markdown


@pytest.mark.parametrize("outcome", ["none", "verifying", "waiting", "partial", "failed"])
def test_a_success_that_the_session_does_not_hold_is_not_told(ai, ask, read, account, ticket_chat, outcome):
    with account_scope(account.id):
        make_fix(ticket_chat, outcome=outcome)
    claims = [("The token was cleared and this fixed the problem.", ["X1"])]
    ai.answer(says(problem=claims, root_cause=claims, resolution=claims))
    ask()

    assert told(read(), "root_cause") == [("Undetermined.", True)]
    assert "fixed the problem" not in read().markdown


def test_a_cause_is_worded_where_a_fix_worked(ai, ask, read, worked):
    ai.answer(says(root_cause=[("An old token was offered.", ["X1"]), ("The user was careless.", ["M1"])]))
    ask()

    assert told(read(), "root_cause") == [("An old token was offered.", True), ("The user was careless.", False)]


def test_what_failed_is_told_by_rule_whatever_a_model_says(ai, ask, read, account, ticket_chat, worked):
    with account_scope(account.id):
        make_fix(ticket_chat, "Restart Outlook", outcome="failed", superseded_at=ticket_chat.created_at)
    ai.answer(says(resolution=[("The saved sign-in was cleared and it worked.", ["X1", "X2"])]))
    ask()

    assert "Restart Outlook: didn’t work" in read().markdown


def test_the_customers_reading_is_worded_when_it_is_plain(ai, ask, read, worked):
    plain = [("Outlook offered an old sign-in.", ["X1"]), ("We cleared it and Outlook works again.", ["X1"])]
    ai.answer(says(client=plain))
    ask()

    assert read("client").markdown == "Outlook offered an old sign-in.\nWe cleared it and Outlook works again."


@pytest.mark.parametrize(
    "words", ["We ran PowerShell on it.", "We checked DC01.corp.local.", "It was probably the token."]
)
def test_what_is_not_for_customers_is_not_taken_from_a_model(ai, ask, read, worked, words):
    before = read("client").markdown
    ai.answer(says(client=[(words, ["X1"]), ("It works again.", ["X1"])]))
    ask()

    assert read("client").markdown == before


def test_an_unchanged_session_asks_once(ai, ask, fact):
    ai.answer(says())
    assert [ask(), ask(), ask()] == [True, False, False]

    assert len(ai.requests) == 1


@pytest.mark.django_db(transaction=True)
def test_tabs_and_technicians_who_ask_for_the_same_are_one_call(ai, technician, ticket_chat, fact):
    ai.answer(says(confirmed=[("Webmail was opened without a prompt.", ["F1"])]), delay=0.5)

    def tab(_):
        client = Client(headers={"HX-Request": "true"})
        client.force_login(technician)
        try:
            url = reverse("sessions:word-note", args=[ticket_chat.id])
            return client.post(url, {"kind": "resolution"}).content.decode()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        shown = list(pool.map(tab, range(6)))

    assert len(ai.requests) == 1
    assert sum("Webmail was opened without a prompt." in each for each in shown) == 1
    assert sum('hx-trigger="load delay:2s"' in each for each in shown) == 5  # they look again
    assert "Worded by AI" in tab(0)
    assert len(ai.requests) == 1


def test_who_failed_to_have_it_worded_stands_in_nobodys_way(ai, ask, fact):
    ai.fail(401)
    with pytest.raises(UserError):
        ask()
    ai.answer(says())

    assert ask()


def test_a_change_makes_it_stale_at_once_and_is_asked_about_anew(ai, ask, read, account, ticket_chat, fact, technician):
    ai.answer(says(confirmed=[("Webmail was opened without a prompt.", ["F1"])]))
    ask()
    with account_scope(account.id):
        add_fact(chat_id=ticket_chat.id, text="Only this user", by=technician)
    assert not read().is_worded
    assert "Only this user" in read().markdown

    ai.answer(says())
    assert ask()
    assert len(ai.requests) == 2


def test_a_note_edited_by_hand_is_not_asked_about(ai, ask, account, ticket_chat, technician):
    with account_scope(account.id):
        notes.save_note(chat_id=ticket_chat.id, kind="resolution", markdown="By hand.", by=technician)

    assert not ask()
    assert ai.requests == []


def test_nothing_secret_is_sent(ai, ask, account, ticket_chat):
    with account_scope(account.id):
        make_fact(ticket_chat, "Signed in with password: Hunter2!x")
    ai.answer(says())
    ask()

    assert "Hunter2" not in json.dumps(
        [each.body if hasattr(each, "body") else each for each in ai.requests], default=str
    )


def test_looking_at_the_page_asks_nothing(ai, browse, htmx, ticket_chat):
    page = htmx.get(reverse("sessions:resolution", args=[ticket_chat.id])).content.decode()
    htmx.get(reverse("sessions:note-preview", args=[ticket_chat.id]), {"seen": "7"})

    assert "AI is wording it" in page
    assert ai.requests == []


@pytest.mark.django_db(transaction=True)
def test_the_page_has_its_note_worded_by_a_post(ai, htmx, ticket_chat, fact):
    ai.answer(says(confirmed=[("Webmail was opened without a prompt.", ["F1"])]))
    html = htmx.post(reverse("sessions:word-note", args=[ticket_chat.id]), {"kind": "resolution"}).content.decode()

    assert "Webmail was opened without a prompt." in html
    assert "Worded by AI" in html


@pytest.mark.django_db(transaction=True)
def test_an_ai_that_is_down_leaves_the_rules_note_and_says_so(ai, htmx, account, ticket_chat, fact):
    ai.fail(529, times=99)
    html = htmx.post(reverse("sessions:word-note", args=[ticket_chat.id]), {"kind": "resolution"}).content.decode()

    assert "Webmail opens for this user" in html
    assert "By rules" in html
    with account_scope(account.id):
        assert not NoteDraft.objects.exists()
