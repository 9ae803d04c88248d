from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, transaction

from flowpilot.accounts import audit
from flowpilot.accounts.audit import Action
from flowpilot.accounts.models import AuditEvent
from flowpilot.accounts.scope import account_scope
from flowpilot.testing.plugin import become_app, become_owner


def _events():
    return list(AuditEvent.objects.order_by("number"))


def test_events_are_numbered_from_one(scope, technician):
    audit.record(Action.SIGNED_IN, by=technician)
    audit.record(Action.SIGNED_OUT, by=technician)

    assert [(event.number, event.action, event.actor) for event in _events()] == [
        (1, "sign_in.done", "J. Ortiz"),
        (2, "sign_in.ended", "J. Ortiz"),
    ]


def test_each_event_carries_the_hash_of_the_one_before(scope):
    for _ in range(3):
        audit.record(Action.SIGNED_IN)

    events = _events()
    assert [event.prev_hash for event in events] == ["", events[0].hash, events[1].hash]


def test_the_chains_of_two_accounts_are_apart(account, other_account):
    for each in (account, other_account):
        with account_scope(each.id):
            audit.record(Action.SIGNED_IN)

    with account_scope(other_account.id):
        assert [event.number for event in _events()] == [1]


def test_the_database_dates_an_event(scope):
    AuditEvent.objects.create(action=Action.SIGNED_IN, created_at="2020-01-01T00:00:00Z", hash="f" * 64, number=77)

    (event,) = _events()
    assert (event.created_at.year > 2020, event.number, event.hash != "f" * 64) == (True, 1, True)


@pytest.mark.parametrize("change", ["UPDATE accounts_auditevent SET actor = 'x'", "DELETE FROM accounts_auditevent"])
def test_the_app_role_changes_no_event(scope, sql, change):
    audit.record(Action.SIGNED_IN)

    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        sql(change)


def test_an_untouched_chain_holds(scope):
    for number in range(5):
        audit.record(Action.SETTING_CHANGED, about="ai.provider", detail={"from": "", "to": f"käse {number}"})

    assert audit.first_broken() is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "number"),
    [
        ("UPDATE accounts_auditevent SET actor = 'Somebody else' WHERE number = 2", 2),
        ("UPDATE accounts_auditevent SET detail = '{\"to\": 9}' WHERE number = 3", 3),
        ("UPDATE accounts_auditevent SET created_at = created_at - interval '1 hour' WHERE number = 1", 1),
        ("DELETE FROM accounts_auditevent WHERE number = 2", 3),
        ("DELETE FROM accounts_auditevent WHERE number = 1", 2),
    ],
)
def test_what_the_owner_of_the_database_changes_is_found(account, change, number):
    with account_scope(account.id):
        for _ in range(4):
            audit.record(Action.SIGNED_IN, detail={"to": 1})
    become_owner()
    with connection.cursor() as cursor:
        cursor.execute(change)
    become_app()

    with account_scope(account.id):
        assert audit.first_broken() == number


@pytest.mark.django_db(transaction=True)
def test_events_of_many_at_once_make_one_chain(account):
    def work(_):
        try:
            with account_scope(account.id):
                audit.record(Action.SIGNED_IN)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))

    with account_scope(account.id):
        assert [event.number for event in _events()] == list(range(1, 41))
        assert audit.first_broken() is None


@pytest.mark.parametrize("name", ["password", "api_key", "refresh_token", "client_secret", "private_key"])
def test_a_detail_that_names_a_secret_is_refused(scope, name):
    with pytest.raises(audit.HoldsSecret):
        audit.record(Action.CREDENTIAL_CHANGED, detail={name: "x"})


def test_an_event_says_where_its_request_came_from(client, technician, scope):
    client.force_login(technician)
    client.get("/", REMOTE_ADDR="192.0.2.7")

    audit.record(Action.SIGNED_IN, by=technician)

    assert _events()[0].ip == "192.0.2.7"
