"""Linking a session to a ticket, to another one, and to none again."""

import pytest
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict, NotFound
from sessions.models import ChatSession
from sessions.services import tickets

OUTLOOK, VPN = 48213, 48209


def link(account, chat, ticket_id=OUTLOOK):
    return tickets.link_ticket(account_id=account.id, chat_id=chat.id, ticket_id=ticket_id)


def facts(account, chat):
    with account_scope(account.id):
        return [fact.text for fact in chat.facts.filter(deleted_at=None)]


def test_link_brings_the_tickets_facts_in_and_moves_the_version(connected, chat):
    linked = link(connected, chat)

    assert (linked.ticket_id, linked.ticket_company) == (OUTLOOK, "Contoso")
    assert linked.state_version == chat.state_version + 1
    assert "Client: Contoso" in facts(connected, chat)


def test_link_to_another_ticket_takes_the_first_ones_facts_out(connected, chat):
    link(connected, chat)
    link(connected, chat, VPN)

    known = facts(connected, chat)
    assert "Client: Fabrikam" in known
    assert "Client: Contoso" not in known


def test_link_twice_to_the_same_ticket_changes_nothing(connected, chat):
    first, second = link(connected, chat), link(connected, chat)

    assert first.state_version == second.state_version


def test_link_to_a_ticket_that_is_not_there_leaves_the_session_as_it_was(connected, chat):
    with pytest.raises(NotFound):
        link(connected, chat, 99_999)

    with account_scope(connected.id):
        assert ChatSession.objects.get(pk=chat.pk).ticket_id is None


def test_unlink_takes_the_ticket_and_its_facts_away(connected, chat):
    link(connected, chat)
    with account_scope(connected.id):
        unlinked = tickets.unlink_ticket(chat_id=chat.id)

    assert unlinked.ticket_id is None
    assert facts(connected, chat) == []


def test_unlink_without_a_ticket_is_refused(connected, chat):
    with account_scope(connected.id), pytest.raises(Conflict):
        tickets.unlink_ticket(chat_id=chat.id)


def test_a_closed_session_keeps_its_ticket(connected, chat):
    with account_scope(connected.id):
        ChatSession.objects.filter(pk=chat.pk).update(status="resolved")

    with pytest.raises(Conflict):
        link(connected, chat)


def test_picker_offers_my_tickets_and_finds_by_typing(htmx, connected, chat):
    url = reverse("sessions:find-tickets", args=[chat.id])

    assert "Outlook keeps asking" in htmx.get(url).content.decode()
    assert "VPN drops every 8 hours" in htmx.get(url, {"ticket": "vpn drops"}).content.decode()


def test_picker_leads_back_to_the_session(htmx, connected, chat):
    reply = htmx.post(reverse("sessions:link-ticket", args=[chat.id]), {"ticket": f"#{OUTLOOK}"})

    assert reply["HX-Redirect"] == chat.get_absolute_url()


def test_session_without_a_ticket_offers_to_link_one(browse, chat):
    assert reverse("sessions:pick-ticket", args=[chat.id]) in browse.get(chat.get_absolute_url()).content.decode()
