"""What goes along with a note: each part has its own id or its own failure, and is tried again alone."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Invalid
from psa import outbox
from psa.models import PsaPost
from sessions import queries
from sessions.models import ChatSession
from sessions.services import resolving
from sessions.tests.conftest import TICKET
from sessions.tests.test_posting import ours

CALLS = {
    "note": f"POST /v4_6_release/apis/3.0/service/tickets/{TICKET}/notes",
    "time": "POST /v4_6_release/apis/3.0/time/entries",
    "owner": f"PATCH /v4_6_release/apis/3.0/service/tickets/{TICKET}",
    "status": f"PATCH /v4_6_release/apis/3.0/service/tickets/{TICKET}",
}
TIME = resolving.TimeForm(minutes=30, work_type="Remote support", billable="Billable", invoice_text="Put right.")


@pytest.fixture
def everything(post, closed, ticket_chat, connected):
    """Post all there is: note, time, owner, status."""
    with account_scope(connected.id):
        ChatSession.objects.filter(pk=ticket_chat.id).update(created_at=timezone.now() - timedelta(minutes=45))
        ticket_chat.facts.create(text="It asks again", source_type="hand")
    post(closed, time=TIME, is_owner_taken=True)


@pytest.fixture
def fail(sandbox, connected, everything):
    """Have ConnectWise refuse one part; everything before it is there by then."""

    def refuse(kind):
        with account_scope(connected.id):
            for each in PsaPost.objects.order_by("position"):
                if each.kind == kind:
                    break
                async_to_sync(outbox.deliver)(connected.id, each.id)
        sandbox.fail_next("403", match=CALLS[kind])

    return refuse


def test_every_part_is_there_with_its_own_id(everything, deliver, sandbox, ticket, closed):
    chat, posts, is_over = deliver()

    assert (is_over, chat.status) == (True, "resolved")
    assert [(each.kind, each.state, bool(each.external_id)) for each in posts.posts] == [
        ("note", "sent", True),
        ("time", "sent", True),
        ("owner", "sent", True),
        ("status", "sent", True),
    ]
    [entry] = sandbox.store.tables.times_of(TICKET)[-1:]
    assert (entry["actualHours"], entry["notes"], entry["member"]["id"]) == (0.5, "Put right.", 151)
    assert (ticket["owner"]["id"], ticket["status"]["name"]) == (151, closed["name"])


@pytest.mark.parametrize("kind", ["time", "owner", "status"])
def test_a_part_that_fails_holds_none_of_the_others_back(fail, deliver, kind):
    fail(kind)
    chat, posts, is_over = deliver()

    states = {each.kind: each.state for each in posts.posts}
    assert is_over
    assert states == dict.fromkeys(states, "sent") | {kind: "rejected"}
    assert (chat.status, bool({each.kind: each.error for each in posts.posts}[kind])) == ("resolved", True)


@pytest.mark.parametrize("kind", ["note", "time", "owner", "status"])
def test_a_part_that_failed_is_tried_again_alone(fail, deliver, connected, ticket_chat, sandbox, kind):
    fail(kind)
    chat, posts, _ = deliver()
    [stuck] = [each for each in posts.posts if each.is_stuck]
    already = {each.id: each.attempts for each in posts.posts if each.state == "sent"}
    with account_scope(connected.id):
        resolving.retry_post(chat_id=ticket_chat.id, post_id=stuck.id)
    _, posts, is_over = deliver()

    assert (is_over, {each.state for each in posts.posts}) == (True, {"sent"})
    assert {each.id: each.attempts for each in posts.posts if each.id in already} == already
    assert len(ours(sandbox)) == 1
    assert chat.id == ticket_chat.id


@pytest.mark.parametrize("minutes", [0, 46, 10_000])
def test_minutes_that_the_session_did_not_last_are_not_charged(post, ticket_chat, connected, minutes):
    with account_scope(connected.id):
        ChatSession.objects.filter(pk=ticket_chat.id).update(created_at=timezone.now() - timedelta(minutes=45))
        ticket_chat.facts.create(text="It asks again", source_type="hand")
    with pytest.raises(Invalid, match="The session lasted 45 minutes"):
        post(time=resolving.TimeForm(minutes=minutes))


def test_a_secret_in_the_invoice_text_stops_the_post(post):
    with pytest.raises(Invalid, match="looks like a secret"):
        post(time=resolving.TimeForm(minutes=1, invoice_text="Set the password to Hunter2!x"))


def test_gaps_are_shown_and_not_counted(ticket_chat, connected):
    now = timezone.now()
    with account_scope(connected.id):
        ChatSession.objects.filter(pk=ticket_chat.id).update(created_at=now - timedelta(minutes=60))
        for minutes in (55, 50, 10, 5):
            fact = ticket_chat.facts.create(text=f"{minutes}", source_type="hand")
            type(fact).objects.filter(pk=fact.pk).update(created_at=now - timedelta(minutes=minutes))
        worked = queries.worked(ChatSession.objects.get(pk=ticket_chat.id))

    assert (worked.whole_minutes, worked.minutes, worked.idle_minutes) == (55, 15, 40)
    assert [gap.minutes for gap in worked.gaps] == [40]
