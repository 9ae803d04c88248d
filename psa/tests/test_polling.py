"""The backstop: what callbacks did not tell is seen by asking, while somebody looks."""

from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import async_to_sync

from flowpilot.accounts.scope import account_scope
from psa import changes, polling
from psa.models import PsaChange, PsaConnection
from psa.tasks import poll_account, poll_tickets

OUTLOOK = 48213


@pytest.fixture
def watched(connected):
    """Somebody looks, and everything that changed before a moment ago is known. Returns the account."""
    changes.changes(connected.id)
    with account_scope(connected.id):
        PsaConnection.objects.update(polled_until=datetime.now(UTC) - timedelta(seconds=5))
    return connected


def change(sandbox, number=OUTLOOK):
    sandbox.store.patch_ticket(
        sandbox.store.tables.tickets[number], [{"op": "replace", "path": "summary", "value": "New"}]
    )


def test_poll_sees_what_changed_once(watched, sandbox):
    change(sandbox)

    assert OUTLOOK in polling.poll(watched.id)
    assert polling.poll(watched.id) == []


def test_poll_sees_a_later_change_again(watched, sandbox):
    change(sandbox)
    polling.poll(watched.id)
    ticket = sandbox.store.tables.tickets[OUTLOOK]
    ticket["_info"] = ticket["_info"] | {"lastUpdated": sandbox.store.soon(1)}

    assert polling.poll(watched.id) == [OUTLOOK]


def test_poll_asks_nothing_while_nobody_looks(connected, sandbox):
    assert polling.poll(connected.id) == []
    assert sandbox.seen == []


def test_poll_of_an_account_that_is_not_connected_is_quiet(other_account):
    changes.changes(other_account.id)

    assert polling.poll(other_account.id) == []


@pytest.mark.parametrize("fault", ["503html", "401", "403", "429", "200html"])
def test_poll_that_failed_begins_at_the_same_moment_again(watched, sandbox, fault):
    change(sandbox)
    sandbox.fail_next(fault, times=3)

    assert polling.poll(watched.id) == []
    sandbox.faults.clear()
    with account_scope(watched.id):
        assert PsaConnection.objects.get().polled_until < datetime.now(UTC)


def test_poll_is_bounded_however_much_changed(watched, sandbox):
    for ticket in sandbox.store.tables.tickets.values():
        ticket["_info"] = ticket["_info"] | {"lastUpdated": sandbox.store.soon(0)}

    polling.poll(watched.id)

    assert len(sandbox.seen) <= polling.MOST_PAGES


def test_poll_never_looks_back_long(connected, sandbox):
    changes.changes(connected.id)
    with account_scope(connected.id):
        PsaConnection.objects.update(polled_until=datetime.now(UTC) - timedelta(days=30))
    polling.poll(connected.id)

    asked = sandbox.seen[0].query["conditions"]
    assert datetime.fromisoformat(asked.split("[")[1].rstrip("]")) > datetime.now(UTC) - timedelta(hours=1, minutes=2)


def test_poll_forgets_what_nobody_asks_for_any_more(watched, sandbox):
    with account_scope(watched.id):
        row = PsaChange.objects.create(ticket_id=1, changed_at=datetime.now(UTC), key="old")
        PsaChange.objects.filter(pk=row.pk).update(told_at=datetime.now(UTC) - timedelta(days=2))
    polling.poll(watched.id)

    with account_scope(watched.id):
        assert not PsaChange.objects.filter(key="old").exists()


@pytest.mark.django_db(transaction=True)
def test_poll_tickets_gives_each_account_its_job(watched, sandbox):
    change(sandbox)
    async_to_sync(poll_tickets.func)(timestamp=0)
    async_to_sync(poll_tickets.func)(timestamp=30)
    async_to_sync(poll_account.func)(account_id=str(watched.id))

    with account_scope(watched.id):
        assert PsaChange.objects.filter(ticket_id=OUTLOOK).exists()
