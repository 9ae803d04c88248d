"""A note written on a ticket's page: through the outbox, and into the session behind it."""

from uuid import uuid4

import pytest
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Invalid
from psa.models import PsaPost
from sessions.models import ChatSession, SessionFact
from sessions.services import tickets
from sessions.tests.factories import make_chat

OUTLOOK = 48213


def add(account, by, *, key=None, text="Called, webmail is fine.", is_internal=True):
    return tickets.add_ticket_note(
        account_id=account.id,
        ticket_id=OUTLOOK,
        text=text,
        is_internal=is_internal,
        by=by,
        client_key=key or uuid4(),
    )


def test_a_note_is_put_into_the_outbox(connected, technician):
    add(connected, technician)

    with account_scope(connected.id):
        post = PsaPost.objects.get()
        assert (post.ticket_id, post.payload["shown_in"], post.payload["member_id"]) == (OUTLOOK, ["internal"], 151)


def test_a_note_for_the_customer_is_shown_in_the_discussion(connected, technician):
    add(connected, technician, is_internal=False)

    with account_scope(connected.id):
        assert PsaPost.objects.get().payload["shown_in"] == ["discussion"]


def test_a_note_makes_its_session_on_the_spot(connected, technician):
    chat = add(connected, technician)

    with account_scope(connected.id):
        assert (chat.ticket_id, chat.owner) == (OUTLOOK, technician)
        assert chat.facts.filter(source_ref__startswith="post:").get().text == "Called, webmail is fine."


def test_a_note_goes_into_the_open_session_on_the_ticket(connected, technician):
    with account_scope(connected.id):
        linked = make_chat(owner=technician, ticket_id=OUTLOOK)

    chat = add(connected, technician)

    assert chat.id == linked.id
    assert chat.state_version == linked.state_version + 1


def test_the_same_key_twice_is_one_note(connected, technician):
    key = uuid4()
    add(connected, technician, key=key)
    add(connected, technician, key=key)

    with account_scope(connected.id):
        assert PsaPost.objects.count() == 1
        assert SessionFact.objects.filter(source_ref__startswith="post:").count() == 1
        assert ChatSession.objects.count() == 1


def test_a_note_waits_where_connectwise_is_down(connected, technician, sandbox):
    sandbox.fail_next("503html", times=50)

    chat = add(connected, technician)

    assert chat.title == f"Ticket #{OUTLOOK}"
    with account_scope(connected.id):
        assert PsaPost.objects.get().state == "pending"


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 20_001])
def test_a_note_that_is_none_is_refused(connected, technician, text):
    with pytest.raises(Invalid):
        add(connected, technician, text=text)

    with account_scope(connected.id):
        assert not ChatSession.objects.exists()


def test_the_reply_shows_the_note_on_its_way(htmx, connected):
    url = reverse("sessions:add-ticket-note", args=[OUTLOOK])
    reply = htmx.post(url, {"text": "Called.", "is_internal": "1", "client_key": uuid4()}).content.decode()

    assert "Being sent" in reply
    assert 'id="notes"' in reply
    assert 'hx-target="#linked"' in reply


def test_linked_sessions_are_shown_on_the_ticket(htmx, connected, technician):
    with account_scope(connected.id):
        make_chat(owner=technician, title="Outlook loop", ticket_id=OUTLOOK)

    assert "Outlook loop" in htmx.get(reverse("sessions:linked", args=[OUTLOOK])).content.decode()
