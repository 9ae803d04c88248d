"""ConnectWise down, slow, speaking HTML, refusing for a minute, or moved: pages answer soon, with what is known and a clear word."""

import socket
import time

import pytest
from asgiref.sync import async_to_sync
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from flowpilot.providers.connectwise.sandbox import Reply
from psa import outbox, queries, services
from psa.delivery import deliver_ticket
from psa.models import PsaConnection, PsaPost

OUTLOOK = 48213
SOON = 3.0  # seconds
WORDS = ("ConnectWise isn’t answering", "ConnectWise is busy", "ConnectWise is slow", "isn’t answering")


def down(account, sandbox):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/v4_6_release/apis/3.0"
    with account_scope(account.id):
        PsaConnection.objects.update(base_url=address)


def slow(account, sandbox):
    sandbox.app.latency = 10.0


def html(account, sandbox):
    sandbox.fail_next("200html", times=500)


def throttled(account, sandbox):
    sandbox.fail_next("429", times=500)


def closed(account, sandbox):
    sandbox.close_for(60)


OUTAGES = pytest.mark.parametrize("outage", [down, slow, html, throttled, closed])


@pytest.fixture
def pages():
    """What a technician looks at, in the order of a visit."""
    return [
        reverse("psa:queue"),
        reverse("psa:ticket", args=[OUTLOOK]),
        reverse("psa:notes", args=[OUTLOOK]),
        reverse("psa:configurations", args=[OUTLOOK]),
    ]


def ask(client, path):
    started = time.monotonic()
    answer = client.get(path)
    return answer.content.decode(), time.monotonic() - started


@OUTAGES
def test_what_was_seen_before_shows_with_a_banner_and_soon(htmx, connected, sandbox, pages, outage):
    for path in pages:
        ask(htmx, path)
    outage(connected, sandbox)

    answers = [ask(htmx, path) for path in pages]

    assert max(seconds for _, seconds in answers) < SOON
    queue, ticket, notes, devices = (text for text, _ in answers)
    assert f"ticket-row-{OUTLOOK}" in queue
    assert any(words in queue for words in WORDS)
    assert "Outlook keeps asking for a password" in ticket
    assert any(words in ticket for words in WORDS)
    assert "M. Adeyemi" in notes
    assert "CONTOSO-LT-114" in devices


@OUTAGES
def test_what_was_never_seen_says_so_soon(htmx, connected, sandbox, pages, outage):
    outage(connected, sandbox)

    answers = [ask(htmx, path) for path in pages]

    assert max(seconds for _, seconds in answers) < SOON
    assert all(any(words in text for words in (*WORDS, "Something other than ConnectWise")) for text, _ in answers)


def test_an_upgraded_cloud_shows_its_tickets_all_the_same(htmx, connected, served, sandbox):
    with account_scope(connected.id):
        PsaConnection.objects.update(base_url=served[1].replace("v4_6_release", "v2025_1"))

    text, seconds = ask(htmx, reverse("psa:queue"))

    assert f"ticket-row-{OUTLOOK}" in text
    assert seconds < SOON


@pytest.fixture
def posts(connected, technician):
    """Three notes and a status that a technician wrote on one ticket, one after the other."""
    with account_scope(connected.id):
        made = [
            services.enqueue_note(
                ticket_id=OUTLOOK, key=f"ticket-{place}", text=f"Step {place}", shown_in=["internal"], by=technician
            )
            for place in range(3)
        ]
        made.append(
            services.enqueue_status(
                ticket_id=OUTLOOK, key="ticket-3", status_id=103, status_name="Waiting on customer", by=technician
            )
        )
    return made


def deliver(account):
    """Run the delivery as the worker does, as if its time had come."""
    with account_scope(account.id):
        PsaPost.objects.exclude(state=PsaPost.State.SENT).update(next_at=None)
    async_to_sync(deliver_ticket.func)(account_id=str(account.id), ticket_id=OUTLOOK)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", ["503html", "429", "drop", Reply(409, "")])
def test_what_is_written_waits_and_lands_once_in_its_order(connected, sandbox, settings, posts, fault):
    settings.PSA_SETTLE_SECONDS = 0
    sandbox.switches.says_retry_after = False
    sandbox.fail_next(fault, times=outbox.MOST_ATTEMPTS - 2, match="/notes")
    for _ in range(4):
        deliver(connected)
    with account_scope(connected.id):
        waiting = list(PsaPost.objects.values_list("state", flat=True))
    sandbox.faults.clear()
    queries._client.cache_clear()  # or a while later, when the gate opens again
    for _ in range(12):
        deliver(connected)

    written = [note["text"].split("\n")[0] for note in sandbox.store.tables.notes_of(OUTLOOK) if "FP-" in note["text"]]
    assert PsaPost.State.SENT not in waiting
    assert written == ["Step 0", "Step 1", "Step 2"]
    assert sandbox.store.tables.tickets[OUTLOOK]["status"]["id"] == 103
    methods = [seen.method for seen in sandbox.writes]
    assert methods == ["POST", "POST", "POST", "PATCH"]
