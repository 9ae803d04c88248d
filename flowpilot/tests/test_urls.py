"""Every URL, found through the resolver: closed to strangers and to nobody, silent on GET, deaf without a CSRF token."""

from dataclasses import replace
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from flowpilot.accounts.models import AccountExport, Invitation, StaffGrant
from flowpilot.accounts.scope import account_scope
from flowpilot.scripts.models import ScriptConversation, ScriptTemplate
from flowpilot.tests.access import OPEN_TO_NOBODY
from flowpilot.tests.conftest import OURS, THEIRS
from flowpilot.tests.rows import OWNED, fingerprint
from psa import services as psa
from psa.models import PsaConnection, PsaPost
from psa.queries import connectwise_of
from sessions.models import Attachment, ChatSession, DraftTemplate, ScriptGeneration, SessionFact, SuggestedFix, Turn


def _urls(patterns, namespace=""):
    """Yield every name that can be called, with the names of its arguments."""
    for each in patterns:
        if isinstance(each, URLPattern):
            yield f"{namespace}{each.name}", tuple(each.pattern.regex.groupindex)
        else:
            yield from _urls(each.url_patterns, f"{namespace}{each.namespace}:" if each.namespace else namespace)


EVERY = dict(_urls(get_resolver().url_patterns))
ADMIN = {
    name: arguments for name, arguments in EVERY.items() if name.startswith("admin:")
}  # test_admin_urls tries these
URLS = {name: arguments for name, arguments in EVERY.items() if name not in ADMIN}
KNOWN_ARGUMENTS = {
    "chat_id",
    "turn_id",
    "item_id",
    "fact_id",
    "fix_id",
    "post_id",
    "ticket_id",
    "template_id",
    "generation_id",
    "draft_id",
    "token",
    "conversation_id",
}
OF_A_CHAT = [name for name, arguments in URLS.items() if "chat_id" in arguments]
OF_A_PART = [name for name in OF_A_CHAT if len(URLS[name]) > 1]
OF_A_SCRIPT = [
    name
    for name, arguments in URLS.items()
    if {"template_id", "draft_id", "conversation_id"} & {*arguments} and "chat_id" not in arguments
]
OF_A_ROW = [*OF_A_CHAT, *OF_A_SCRIPT]
OF_THE_ACCOUNT = [name for name, arguments in URLS.items() if {"user_id", "invitation_id", "grant_id"} & {*arguments}]
WITH_A_TOKEN = {"accounts:join", "account_reset_password_from_key"}  # open to whoever holds the link
OF_THE_OPEN_ACCOUNT = {"ai:save-key", "ai:remove-key", "ai:test-key"}  # whatever is named, it is the account's own
FOR_ITS_OWNER = {"accounts:take-export"}  # tested with the exports: it takes a fresh proof first
OF_ONESELF = {
    "accounts:end-session",
    "mfa_edit_webauthn",
    "mfa_remove_webauthn",
}  # tested with the accounts, as are the above
KNOWN_ARGUMENTS |= {
    "attachment_id",
    "user_id",
    "invitation_id",
    "grant_id",
    "export_id",
    "token",
    "session_id",
    "uidb36",
    "key",
    "pk",
    "provider",
}
OF_A_ROW += OF_THE_ACCOUNT
OF_A_TICKET = [name for name, arguments in URLS.items() if arguments == ("ticket_id",)]

SIGNED = {"psa-callback"}  # by ConnectWise, and so without a CSRF token
NEEDS_ANOTHER_STATE = {"sessions:restore-fact"}  # a fact that was removed
ASKS_NOBODY = {"sessions:linked"}  # shows our own rows, so it never says that ConnectWise is not connected
STREAMS = {
    "sessions:stream-turn",
    "sessions:chat-events",
    "sessions:note-events",
}  # they end the test's transaction; tests of their own follow
BODY = {
    "member": "151",
    "text": "It hums.",
    "typed": "Yes",
    "answer": "Yes",
    "outcome": "success",
    "reason": "It works.",
    "kind": "resolution",
    "markdown": "Replaced the fan.",
    "seen_version": "0",
    "shown_in": "internal",
    "status": "1",
    "theme": "light",
    "role": "engineer",
    "email": "new@example.com",
    "number": "1",
    "title": "It hums",
    "decision": "accepted",
    "remind_in": "60",
}
WAYS = ({}, {"HX-Request": "true"})  # as a browser asks, and as htmx does


@pytest.fixture
def connected(served, ours):
    """The first account with a ConnectWise behind it. Returns the tenant."""
    sandbox, base_url = served
    sandbox.reset()
    with account_scope(ours.account.id):
        psa.connect(base_url=base_url, **sandbox.credentials)
    return ours


@pytest.fixture
def unconnected(theirs):
    """The second account without a ConnectWise. Returns the tenant."""
    with account_scope(theirs.account.id):
        PsaConnection.objects.all().delete()
    return theirs


def test_every_argument_of_a_url_is_known():
    assert {argument for arguments in URLS.values() for argument in arguments} == KNOWN_ARGUMENTS


def test_every_url_with_an_argument_is_tried_below():
    assert {name for name, arguments in URLS.items() if arguments} == {
        *OF_A_ROW,
        *OF_A_TICKET,
        *SIGNED,
        *WITH_A_TOKEN,
        *OF_ONESELF,
        *OF_THE_OPEN_ACCOUNT,
        *FOR_ITS_OWNER,
    }


@pytest.mark.parametrize("name", OF_A_ROW)
def test_a_stranger_does_not_find_it(name, ours, theirs):
    path = reverse(name, kwargs=_arguments(name, ours))

    _assert_not_found(_client(theirs), path)


@pytest.mark.parametrize("name", OF_A_PART)
def test_a_stranger_does_not_find_a_part_through_an_own_session(name, ours, theirs):
    mixed = replace(ours, rows={**ours.rows, ChatSession: theirs.rows[ChatSession]})
    path = reverse(name, kwargs={**_arguments(name, ours), "chat_id": mixed.rows[ChatSession].id})

    _assert_not_found(_client(theirs), path)


@pytest.mark.parametrize("name", sorted({*OF_A_ROW} - NEEDS_ANOTHER_STATE))
def test_its_own_person_finds_it(name, ours):
    path, client = reverse(name, kwargs=_arguments(name, ours)), _client(ours)

    found = {client.get(path).status_code, client.post(path, _body()).status_code}

    assert 404 not in found
    assert 500 not in found


@pytest.mark.parametrize("name", OF_A_ROW)
def test_a_stranger_changes_nothing(name, ours, theirs):
    path, before = reverse(name, kwargs=_arguments(name, ours)), fingerprint(ours)
    client = _client(theirs)

    for headers in WAYS:
        client.post(path, _body(), headers=headers)

    assert fingerprint(ours) == before


@pytest.mark.parametrize("headers", WAYS, ids=["plain", "htmx"])
@pytest.mark.parametrize("name", OF_A_TICKET)
def test_a_ticket_of_another_account_shows_nothing_to_the_unconnected(name, headers, connected, unconnected):
    ticket = _a_ticket(connected)
    path, client = reverse(name, args=[ticket.id]), _client(unconnected)
    _client(connected).get(path, headers=headers)  # fills what might be kept

    replies = [client.get(path, headers=headers, follow=True), client.post(path, _body(), headers=headers)]

    said = [reply for reply in replies if reply.status_code != 405]
    assert said
    assert name in ASKS_NOBODY or all("not connected to ConnectWise" in _text(reply) for reply in said)
    assert all(ticket.summary not in _text(reply) for reply in said)


def test_a_ticket_is_shown_to_its_own_account(connected):
    ticket = _a_ticket(connected)

    assert ticket.summary in _text(_client(connected).get(reverse("psa:ticket", args=[ticket.id])))


@pytest.mark.parametrize("name", [name for name, arguments in URLS.items() if not arguments])
def test_a_page_without_argument_shows_nothing_of_the_other(name, ours, theirs):
    reply = _client(theirs).get(reverse(name), follow=True)

    assert OURS not in _text(reply)


def test_the_marks_are_shown_to_their_own_account(theirs):
    assert THEIRS in _text(_client(theirs).get(reverse("sessions:history")))


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", sorted(URLS.keys() - OPEN_TO_NOBODY))
def test_nobody_is_sent_to_sign_in(name, method, db):
    reply = getattr(Client(), method)(reverse(name, kwargs=_invented(name)))

    assert reply.status_code == 302
    assert reply["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", sorted(URLS.keys() - OPEN_TO_NOBODY))
def test_nobody_with_htmx_is_sent_to_sign_in_by_a_header(name, method, db):
    reply = getattr(Client(), method)(reverse(name, kwargs=_invented(name)), headers={"HX-Request": "true"})

    assert reply["HX-Redirect"] == reverse("account_login")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("name", sorted(URLS.keys() - SIGNED))
def test_a_write_without_csrf_token_is_refused(name, method, technician):
    client = Client(enforce_csrf_checks=True)
    client.force_login(technician)

    assert getattr(client, method)(reverse(name, kwargs=_invented(name))).status_code == 403


def test_a_write_with_csrf_token_is_taken(technician):
    assert _set_theme_with_token(technician).status_code == 302


def test_a_write_from_another_site_is_refused_even_with_its_token(technician):
    assert _set_theme_with_token(technician, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403


@pytest.mark.parametrize("name", sorted(URLS.keys() - STREAMS - {"account_logout"}))
def test_get_writes_nothing(name, connected):
    arguments = _arguments(name, connected)
    if "ticket_id" in arguments:
        arguments["ticket_id"] = _a_ticket(connected).id
    path, client = reverse(name, kwargs=arguments), _client(connected)
    before = _written()

    replies = [client.get(path, headers=headers) for headers in WAYS]

    assert all(reply.status_code < 500 for reply in replies)
    assert _written() == before


@pytest.mark.django_db(transaction=True)
def test_the_stream_writes_nothing(ours):
    client, before = _client(ours), fingerprint(ours)

    assert (
        client.get(reverse("sessions:stream-turn", kwargs=_arguments("sessions:stream-turn", ours))).status_code == 200
    )

    assert fingerprint(ours) == before


def test_what_get_would_write_is_noticed(ours):
    before = _written()

    with account_scope(ours.account.id):
        ChatSession.objects.update(title="Changed")

    assert _written() > before


def _client(tenant) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(tenant.person)
    return client


def _set_theme_with_token(person, **headers):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    client.get(reverse("home"))
    token = client.cookies["csrftoken"].value
    return client.post(reverse("accounts:set-theme"), BODY, headers={"X-CSRFToken": token, **headers})


def _assert_not_found(client, path):
    """A view takes GET or POST; the one it takes finds nothing, the other is not allowed."""
    for headers in WAYS:
        replies = [client.get(path, headers=headers), client.post(path, _body(), headers=headers)]
        assert sorted(reply.status_code for reply in replies) in ([404, 404], [404, 405])
        assert all(OURS not in _text(reply) for reply in replies)


def _arguments(name, tenant) -> dict:
    chat = tenant.rows[ChatSession]
    known = {
        "chat_id": chat.id,
        "turn_id": tenant.rows[Turn].id,
        "attachment_id": tenant.rows[Attachment].id,
        "item_id": chat.pending_task_lane[0]["id"],
        "fact_id": tenant.rows[SessionFact].id,
        "fix_id": tenant.rows[SuggestedFix].id,
        "template_id": tenant.rows[ScriptTemplate].id,
        "generation_id": tenant.rows[ScriptGeneration].id,
        "conversation_id": tenant.rows[ScriptConversation].id,
        "draft_id": tenant.rows[DraftTemplate].id,
        "post_id": tenant.rows[PsaPost].id,
        "ticket_id": chat.ticket_id,
        "user_id": tenant.person.id,
        "invitation_id": tenant.rows[Invitation].id,
        "grant_id": tenant.rows[StaffGrant].id,
        "export_id": tenant.rows[AccountExport].id,
        "token": "none",
        "session_id": "none",
        "uidb36": "none",
        "key": "none",
        "pk": 1,
        "provider": "anthropic",
    }
    return {argument: known[argument] for argument in URLS[name]}


def _invented(name) -> dict:
    known = {"ticket_id": 1, "pk": 1, "uidb36": "none", "key": "none", "provider": "anthropic"}
    return {argument: known.get(argument) or uuid4() for argument in URLS[name]}


def _body() -> dict:
    return BODY | {"client_key": str(uuid4())}


def _a_ticket(tenant):
    return connectwise_of(tenant.account.id).search_tickets(page_size=1).tickets[0]


def _text(reply) -> str:
    return "" if reply.streaming else reply.content.decode()


def _written() -> int:
    """Return how many rows of tenant tables this transaction has written, those it took back as well."""
    tables = [model._meta.db_table for model in OWNED] + ["accounts_account", "accounts_user"]
    statement = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables WHERE relname = ANY(%s)"
    with connection.cursor() as cursor:
        cursor.execute(statement, [tables])
        return int(cursor.fetchone()[0])
