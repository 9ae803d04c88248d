"""What staff look at leaves the server with its audit event, or not at all; what anybody changes is written down."""

from io import StringIO

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import resolve, reverse

from flowpilot.accounts import audit, staff_door
from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.staff_door import NotWrittenDown
from flowpilot.tests import test_urls as every
from flowpilot.tests.conftest import OURS
from flowpilot.tests.test_admin_urls import STAFF_ONLY, _path
from psa.models import PsaMemberLink

PAGES = sorted(every.ADMIN.keys() - STAFF_ONLY)


def _as_owner(*statements) -> None:
    """Run statements with the rights of whoever owns the database, whom neither policies nor triggers of the app bind."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {quote(connection.settings_dict['USER'])}")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(f"SET LOCAL ROLE {quote(settings.DATABASE_APP_ROLE)}")


def test_every_page_that_staff_open_is_one_event_of_the_account(staff_in, ours, written):
    client = staff_in(ours.account)

    counts = {}
    for name in PAGES:
        before = len(written())
        client.get(_path(name, ours))
        counts[name] = [action for action, _ in written(before)]

    assert counts == {name: ["staff.viewed"] for name in PAGES}


def test_no_page_is_shown_where_its_event_cannot_be_written(staff_in, ours, client):
    client = staff_in(ours.account)
    client.raise_request_exception = False
    _as_owner(f"REVOKE INSERT ON accounts_auditevent FROM {connection.ops.quote_name(settings.DATABASE_APP_ROLE)}")

    replies = {name: client.get(_path(name, ours)) for name in PAGES}

    assert {name: reply.status_code for name, reply in replies.items()} == dict.fromkeys(PAGES, 500)
    assert all(OURS not in reply.content.decode() for reply in replies.values())


def test_nobody_enters_where_the_entrance_cannot_be_written_down(staff_client, ours):
    staff_client.raise_request_exception = False
    _as_owner(f"REVOKE INSERT ON accounts_auditevent FROM {connection.ops.quote_name(settings.DATABASE_APP_ROLE)}")

    reply = staff_client.post(reverse("admin:enter"), {"whom": str(ours.account.pk), "reason": "To look around a bit"})

    assert reply.status_code == 500
    assert staff_client.get(reverse("admin:index"))["Location"] == reverse("admin:enter")


def test_a_page_that_writes_nothing_down_is_refused_to_staff(staff_in, staff, ours):
    request = RequestFactory().get(reverse("admin:index"))
    request.user, request.session = staff, staff_in(ours.account).session
    request.resolver_match = resolve(request.path)

    with pytest.raises(NotWrittenDown):
        staff_door.answer(request, lambda request: HttpResponse(OURS), [], {})


def test_an_event_says_which_row_and_what_was_searched_for(staff_in, ours, written):
    client = staff_in(ours.account)
    client.get(_path("admin:accounts_user_change", ours))
    client.get(reverse("admin:accounts_user_changelist"), {"q": "lund"})

    with account_scope(ours.account.id):
        row, search = audit.AuditEvent.objects.order_by("-number")[:2][::-1]
    assert (row.object, row.detail) == ("Person: K. Lund", {"id": str(ours.person.pk)})
    assert (search.object, search.detail) == ("People, the list", {"narrowed to": "q lund"})


def test_a_change_by_staff_is_an_event_of_its_own(staff_in, ours, written):
    client, link = staff_in(ours.account), ours.rows[PsaMemberLink]
    form = {"user": ours.person.email, "member_id": 7, "identifier": "klund"}

    client.post(reverse("admin:psa_psamemberlink_change", args=[link.pk]), form)

    assert written()[-1] == ("staff.changed", "Member link: klund")


def test_a_change_by_the_accounts_own_is_written_down_too(client, ours, written):
    client.force_login(ours.person)
    link = ours.rows[PsaMemberLink]

    client.post(reverse("admin:psa_psamemberlink_delete", args=[link.pk]), {"post": "yes"})

    assert written()[-1] == ("admin.changed", "Member link: jortiz")
    with account_scope(ours.account.id):
        assert not PsaMemberLink.objects.exists()


def test_what_a_service_writes_down_is_not_written_twice_for_the_accounts_own(client, ours, written):
    client.force_login(ours.person)
    with account_scope(ours.account.id):
        other = User.objects.create_user("t.vega@summit-it.example", "x", name="T. Vega", account=ours.account)
    before = len(written())

    client.post(
        reverse("admin:accounts_user_changelist"),
        {"action": "deactivate", "index": 0, "_selected_action": str(other.pk)},
    )

    assert written(before) == [("people.deactivated", "t.vega@summit-it.example")]


def test_djangos_own_log_stays_empty(client, ours):
    client.force_login(ours.person)
    form = {"name": "Summit IT"}

    client.post(reverse("admin:accounts_account_change", args=[ours.account.pk]), form)

    assert LogEntry.objects.count() == 0


def test_a_changed_event_of_a_visit_is_found(staff_in, ours, capsys):
    staff_in(ours.account).get(_path("admin:accounts_user_changelist", ours))
    call_command("verify_audit", stdout=StringIO())
    _as_owner("UPDATE accounts_auditevent SET object = 'Nothing' WHERE action = 'staff.viewed'")

    with pytest.raises(CommandError):
        call_command("verify_audit", stdout=StringIO())
