"""A note reaches its ticket exactly once, whatever happens on the way. The delivery runs as in the worker; the sandbox counts."""

from dataclasses import replace
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from flowpilot.accounts import audit
from flowpilot.accounts.models import AuditEvent
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Invalid
from flowpilot.providers.connectwise.sandbox import Reply
from psa import outbox, queries, services
from psa.models import PsaConnection, PsaPost

State = PsaPost.State
OUTLOOK = 48213
NOTES = f"POST /v4_6_release/apis/3.0/service/tickets/{OUTLOOK}/notes"
REFUSAL = {
    "code": "InvalidObject",
    "message": "ticketNote object is invalid",
    "errors": [{"code": "MaxLength", "message": "The text is too long."}],
}


@pytest.fixture
def settled(settings):
    """What did not show at once never arrived."""
    settings.PSA_SETTLE_SECONDS = 0


@pytest.fixture
def note(connected, technician):
    with account_scope(connected.id):
        return services.enqueue_note(ticket_id=OUTLOOK, key="1", text="Fixed.", shown_in=["internal"], by=technician)


def deliver(post, *, at_once=True):
    """Take a post one step further, now or when it is due."""
    if at_once:
        change(post, next_at=None)
    return async_to_sync(outbox.deliver)(post.account_id, post.id)


def change(post, **fields):
    with account_scope(post.account_id):
        PsaPost.objects.filter(pk=post.pk).update(**fields)


def arrived(sandbox, post):
    return [each for each in sandbox.store.tables.notes_of(OUTLOOK) if f"FP-{post.reference}" in each["text"]]


def test_note_is_sent_with_its_reference_as_the_member(note, sandbox):
    post = deliver(note)

    [there] = arrived(sandbox, note)
    assert (post.state, post.external_id, post.attempts) == (State.SENT, str(there["id"]), 1)
    assert post.sent_at is not None
    assert there["member"]["id"] == 151
    assert there["internalAnalysisFlag"]
    assert not there["detailDescriptionFlag"]


def test_sent_is_the_end(note, sandbox):
    deliver(note)
    asked = len(sandbox.seen)

    assert deliver(note).state == State.SENT
    assert len(sandbox.seen) == asked
    assert len(arrived(sandbox, note)) == 1


def test_the_same_key_twice_is_one_note(note, connected, technician):
    with account_scope(connected.id):
        again = services.enqueue_note(ticket_id=OUTLOOK, key="1", text="Other.", shown_in=["internal"], by=technician)

    assert again.id == note.id


@pytest.mark.parametrize("fault", ["commit_then_drop", "commit_then_500"])
def test_a_note_whose_answer_was_lost_is_found_again(note, sandbox, fault):
    sandbox.fail_next(fault, match=NOTES)

    assert deliver(note).state == State.UNCERTAIN
    assert deliver(note).state == State.SENT
    assert len(arrived(sandbox, note)) == 1


def test_a_lost_note_is_not_repeated_before_it_settled(note, sandbox):
    sandbox.fail_next("drop", match=NOTES)
    deliver(note)

    assert [deliver(note).state for _ in range(3)] == [State.UNCERTAIN] * 3
    assert arrived(sandbox, note) == []


def test_a_lost_note_is_sent_again_once_it_settled(note, sandbox, settled):
    sandbox.fail_next("drop", match=NOTES)

    assert [deliver(note).state for _ in range(3)] == [State.UNCERTAIN, State.PENDING, State.SENT]
    assert len(arrived(sandbox, note)) == 1


def test_a_note_that_shows_late_is_still_one_note(note, sandbox):
    sandbox.switches.note_lag = 3600.0
    sandbox.fail_next("commit_then_drop", match=NOTES)

    states = [deliver(note).state for _ in range(2)]
    for there in sandbox.store.tables.notes_of(OUTLOOK):
        there["_visible_at"] = 0.0  # the hour is over
    states.append(deliver(note).state)

    assert states == [State.UNCERTAIN, State.UNCERTAIN, State.SENT]
    assert len(arrived(sandbox, note)) == 1


def test_a_search_that_failed_decides_nothing(note, sandbox, settled):
    sandbox.fail_next("commit_then_drop", match=NOTES)
    deliver(note)
    sandbox.fail_next("503html", times=2, match="GET")

    assert [deliver(note).state, deliver(note).state] == [State.UNCERTAIN, State.SENT]
    assert len(arrived(sandbox, note)) == 1


def test_a_refused_note_is_rejected_in_connectwises_words(note, sandbox):
    sandbox.fail_next(Reply(400, REFUSAL), match=NOTES)

    post = deliver(note)

    assert (post.state, post.error) == (State.REJECTED, "ConnectWise did not take this: The text is too long.")
    assert deliver(note).state == State.REJECTED


def test_a_throttled_note_waits_as_long_as_connectwise_asks(note, sandbox):
    sandbox.fail_next("429", match=NOTES)

    post = deliver(note)

    assert post.state == State.PENDING
    assert timedelta(seconds=25) < post.next_at - timezone.now() < timedelta(seconds=31)
    assert deliver(note, at_once=False).attempts == 1
    assert deliver(note).state == State.PENDING  # and nobody asks meanwhile
    assert len(sandbox.seen) == 1
    queries._client.cache_clear()  # a new process, or half a minute later
    assert deliver(note).state == State.SENT


def test_a_worker_that_vanished_leaves_a_note_to_be_searched(note, sandbox, settled):
    past = timezone.now() - timedelta(minutes=2)
    change(note, state=State.SENDING, attempts=1, attempted_at=past, lease_until=past)

    assert [deliver(note).state, deliver(note).state] == [State.PENDING, State.SENT]
    assert len(arrived(sandbox, note)) == 1


def test_a_note_that_is_being_sent_is_left_to_its_worker(note, sandbox):
    now = timezone.now()
    change(note, state=State.SENDING, attempts=1, attempted_at=now, lease_until=now + timedelta(seconds=30))

    assert deliver(note).state == State.SENDING
    assert sandbox.seen == []


def test_a_late_worker_cannot_undo_a_newer_claim(note, connected):
    with account_scope(connected.id):
        claim = outbox._claim(note.id)
        PsaPost.objects.filter(pk=note.pk).update(epoch=claim.post.epoch + 1)
        outbox._record(claim, outbox.Step(State.REJECTED, error="Too late."))

    with account_scope(connected.id):
        assert PsaPost.objects.get(pk=note.pk).state == State.SENDING


def test_posts_of_one_ticket_keep_their_order(note, connected, technician, sandbox):
    with account_scope(connected.id):
        second = services.enqueue_note(ticket_id=OUTLOOK, key="2", text="Then.", shown_in=["internal"], by=technician)
    sandbox.fail_next("commit_then_drop", match=NOTES)
    deliver(note)

    assert deliver(second).state == State.PENDING
    deliver(note)
    assert deliver(second).state == State.SENT


def test_status_is_set_and_confirmed(connected, technician, sandbox):
    with account_scope(connected.id):
        post = services.enqueue_status(ticket_id=OUTLOOK, key="1", status_id=106, status_name="Resolved", by=technician)

    assert (deliver(post).state, deliver(post).external_id) == (State.SENT, "Resolved")


def test_a_status_whose_answer_was_lost_is_set_again(connected, technician, sandbox):
    with account_scope(connected.id):
        post = services.enqueue_status(ticket_id=OUTLOOK, key="1", status_id=106, status_name="Resolved", by=technician)
    sandbox.fail_next("commit_then_drop", match="PATCH")

    assert [deliver(post).state, deliver(post).state] == [State.PENDING, State.SENT]


def test_a_status_of_another_board_is_rejected(connected, technician, sandbox):
    with account_scope(connected.id):
        post = services.enqueue_status(ticket_id=OUTLOOK, key="1", status_id=206, status_name="Resolved", by=technician)

    post = deliver(post)

    assert post.state == State.REJECTED
    assert post.error


@pytest.mark.parametrize("fault", [Reply(409, ""), Reply(429, {"error": "x"}, {"Retry-After": "0"})])
def test_a_long_outage_wears_no_post_out(note, sandbox, fault):
    sandbox.fail_next(fault, times=outbox.MOST_ATTEMPTS + 4, match=NOTES)

    states = [deliver(note).state for _ in range(outbox.MOST_ATTEMPTS + 5)]

    assert states == [State.PENDING] * (outbox.MOST_ATTEMPTS + 4) + [State.SENT]
    assert len(arrived(sandbox, note)) == 1


def test_a_worker_that_was_paused_after_its_claim_sends_nothing(note, connected, sandbox):
    with account_scope(connected.id):
        claim = outbox._claim(note.id)
        client = queries.get_connectwise()
    late = replace(claim, held_since=claim.held_since - outbox.LEASE.total_seconds())

    assert outbox._send(client, late).state == State.PENDING
    assert sandbox.seen == []


def test_after_many_attempts_a_post_is_dead(note, sandbox):
    change(note, attempts=outbox.MOST_ATTEMPTS)

    assert deliver(note).state == State.DEAD
    assert sandbox.seen == []


def test_a_post_of_a_disconnected_account_is_rejected_in_words(note, connected):
    disconnect(connected)

    post = deliver(note)

    assert (post.state, post.error) == (State.REJECTED, queries.NOT_CONNECTED)


def test_a_lost_note_of_a_disconnected_account_stays_to_be_looked_for(note, connected, sandbox):
    sandbox.fail_next("commit_then_drop", match=NOTES)
    deliver(note)
    disconnect(connected)

    assert deliver(note).state == State.UNCERTAIN


def disconnect(account):
    with account_scope(account.id):
        PsaConnection.objects.all().delete()


@pytest.fixture
def hours():
    """Three quarters of an hour of work in an hour."""
    now = timezone.now().replace(microsecond=0)
    return services.Hours(
        starts_at=now - timedelta(hours=1),
        ends_at=now,
        idle_minutes=15,
        minutes=45,
        notes="Put right.",
        billable="Billable",
    )


@pytest.fixture
def time_entry(connected, technician, hours):
    with account_scope(connected.id):
        return services.enqueue_time(ticket_id=OUTLOOK, key="1", hours=hours, by=technician)


def charged(sandbox, post):
    return [each for each in sandbox.store.tables.times_of(OUTLOOK) if post.reference in each.get("internalNotes", "")]


def test_time_is_charged_to_the_persons_own_member_without_its_gaps(time_entry, sandbox):
    post = deliver(time_entry)

    [there] = charged(sandbox, time_entry)
    assert (post.state, post.external_id) == (State.SENT, str(there["id"]))
    assert (there["member"]["id"], there["actualHours"], there["notes"]) == (151, 0.75, "Put right.")


@pytest.mark.parametrize("fault", ["commit_then_drop", "commit_then_500"])
def test_time_whose_answer_was_lost_is_found_and_not_charged_again(time_entry, sandbox, settled, fault):
    sandbox.fail_next(fault, match="POST /v4_6_release/apis/3.0/time/entries")

    assert [deliver(time_entry).state, deliver(time_entry).state] == [State.UNCERTAIN, State.SENT]
    assert len(charged(sandbox, time_entry)) == 1


def test_time_that_never_arrived_is_charged_once_it_cannot_come(time_entry, sandbox, settled):
    sandbox.fail_next("drop", match="POST /v4_6_release/apis/3.0/time/entries")

    assert [deliver(time_entry).state for _ in range(3)] == [State.UNCERTAIN, State.PENDING, State.SENT]
    assert len(charged(sandbox, time_entry)) == 1


def test_nobody_elses_member_is_charged(connected, technician, hours):
    with account_scope(connected.id):
        technician.psa_links.all().delete()
        with pytest.raises(Invalid, match="not linked to a ConnectWise member"):
            services.enqueue_time(ticket_id=OUTLOOK, key="1", hours=hours, by=technician)


def test_the_owner_is_set_and_confirmed(connected, technician, sandbox):
    with account_scope(connected.id):
        post = services.enqueue_owner(ticket_id=OUTLOOK, key="1", member_id=154, name="S. Okafor", by=technician)

    assert deliver(post).state == State.SENT
    assert sandbox.store.tables.tickets[OUTLOOK]["owner"]["id"] == 154


def test_a_co_assignee_is_put_on_the_ticket_once(connected, technician, sandbox, settled):
    with account_scope(connected.id):
        post = services.enqueue_resource(ticket_id=OUTLOOK, key="1", member_id=156, name="P. Nakamura", by=technician)
    sandbox.fail_next("commit_then_drop", match="POST /v4_6_release/apis/3.0/schedule/entries")

    assert [deliver(post).state, deliver(post).state] == [State.UNCERTAIN, State.SENT]
    places = [each for each in sandbox.store.tables.entries.values() if each["objectId"] == OUTLOOK]
    assert [each["member"]["id"] for each in places].count(156) == 1


def test_what_reached_the_ticket_is_written_down_for_the_owner(note, technician):
    sent = deliver(note)

    with account_scope(note.account_id):
        [event] = AuditEvent.objects.filter(action=audit.Action.PSA_POSTED)
    assert (event.actor_id, event.object) == (technician.pk, f"Ticket #{OUTLOOK}")
    assert event.detail == {"kind": "note", "number": sent.external_id}


def test_what_was_refused_is_not_written_down_as_posted(note, sandbox):
    sandbox.fail_next(Reply(400, REFUSAL), match=NOTES)
    deliver(note)

    with account_scope(note.account_id):
        assert not AuditEvent.objects.filter(action=audit.Action.PSA_POSTED).exists()
