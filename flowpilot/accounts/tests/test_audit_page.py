import csv
import io
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from flowpilot.accounts import audit
from flowpilot.accounts.audit import Action
from flowpilot.accounts.audit_log import A_PAGE, rows
from flowpilot.accounts.audit_log import Wanted as _Wanted
from flowpilot.accounts.scope import account_scope
from flowpilot.testing.fixtures import make_person
from flowpilot.testing.plugin import become_app, become_owner

URL = "/settings/audit"
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠x"]


@pytest.fixture
def owner(account):
    return make_person(account, "p.nakamura@summit-it.example", name="P. Nakamura", role="owner")


@pytest.fixture
def read(client, owner):
    """Open the page as the owner."""
    client.force_login(owner)
    return lambda **query: client.get(URL, query)


@pytest.fixture
def happened(account, owner):
    """Write something down."""

    def write(action=Action.SIGNED_IN, **fields):
        with account_scope(account.id):
            audit.record(action, **{"by": owner, **fields})

    return write


def test_the_owner_reads_who_did_what(read, happened):
    happened(Action.ROLE_CHANGED, about="J. Ortiz", detail={"role": "admin"})
    said = read().content.decode()

    assert all(word in said for word in ("P. Nakamura", "Role changed", "J. Ortiz", "role: admin"))


def test_an_engineer_is_told_whose_page_it_is(browse):
    reply = browse.get(URL)

    assert reply.status_code == 403
    assert "Only the owner of your account" in reply.content.decode()


def test_the_kind_filters(read, happened):
    happened(Action.ROLE_CHANGED, about="J. Ortiz")
    happened(Action.PSA_CONNECTED, about="adatum")
    said = read(kind="psa").content.decode()

    assert "adatum" in said
    assert "J. Ortiz" not in said


def test_the_name_filters(read, happened):
    happened(about="first")
    happened(about="second", by=None)

    assert "second" not in read(who="naka").content.decode()


@pytest.mark.parametrize(
    ("query", "is_found"),
    [({"since": "2020-01-01"}, True), ({"until": "2020-01-01"}, False), ({"since": "no day"}, True)],
)
def test_the_days_filter(read, happened, query, is_found):
    happened(about="somewhere")

    assert ("somewhere" in read(**query).content.decode()) is is_found


def test_older_events_are_a_page_further(read, happened):
    for number in range(A_PAGE + 1):
        happened(about=f"event-{number}-")
    first = read()

    assert "event-0-" not in first.content.decode()
    assert "event-0-" in read(before=first.context["page"].after).content.decode()


def test_more_events_cost_no_more_queries(read, happened, django_assert_num_queries):
    happened()
    read()
    with connection.execute_wrapper(few := _Count()):
        read()
    for _ in range(20):
        happened()
    with connection.execute_wrapper(many := _Count()):
        read()

    assert many.count == few.count


class _Count:
    count = 0

    def __call__(self, execute, sql, params, many, context):
        self.count += 1
        return execute(sql, params, many, context)


@pytest.mark.django_db(transaction=True)
def test_no_cell_of_the_csv_is_a_formula(account, happened, client, owner):
    for formula in FORMULAS:
        happened(about=formula, detail={"was": formula})
    client.force_login(owner)
    reply = client.get(f"{URL}.csv")

    read_back = list(csv.DictReader(io.StringIO(b"".join(reply.streaming_content).decode(), newline="")))
    told = [row["about"] for row in read_back if row["about"]]
    assert sorted(told) == sorted(f"'{formula}" for formula in FORMULAS)
    assert not any(cell.startswith(tuple("=+-@\t\r＝＋－＠")) for row in read_back for cell in row.values())


@pytest.mark.django_db(transaction=True)
def test_the_csv_holds_the_filtered_rows_of_this_account_only(account, other_account, happened):
    happened(Action.ROLE_CHANGED, about="mine")
    happened(Action.SIGNED_IN, about="of another kind")
    with account_scope(other_account.id):
        audit.record(Action.ROLE_CHANGED, about="theirs")

    assert [row[4] for row in rows(account.id, _Wanted(kind="people"))] == ["about", "mine"]


def verify():
    out = StringIO()
    call_command("verify_audit", stdout=out)
    return out.getvalue()


def test_untouched_logs_hold(happened):
    happened()

    assert "logs hold" in verify()


@pytest.mark.django_db(transaction=True)
def test_a_change_by_the_owner_of_the_database_is_found(happened):
    for _ in range(3):
        happened()
    become_owner()
    try:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE accounts_auditevent DISABLE TRIGGER USER")
            cursor.execute("UPDATE accounts_auditevent SET actor = 'Somebody else' WHERE number = 2")
            cursor.execute("ALTER TABLE accounts_auditevent ENABLE TRIGGER USER")
    finally:
        become_app()

    with pytest.raises(CommandError, match="1 of 1 logs do not hold"):
        verify()
