"""Platform staff enter an account: with a reason, for an hour, one at a time, seen by its people."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from flowpilot.accounts.models import AuditEvent, StaffGrant, User
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.tests.codes import code_of
from flowpilot.testing.canaries import PASSWORD
from flowpilot.testing.fixtures import make_person

ENTRANCE = reverse("admin:enter")
REASON = "Posts are stuck since this morning"


@pytest.fixture
def enter(staff_client):
    """Fill in the entrance; return the reply."""

    def send(whom, reason=REASON):
        return staff_client.post(ENTRANCE, {"whom": str(whom), "reason": reason})

    return send


def _grants(account) -> list[StaffGrant]:
    with account_scope(account.id):
        return list(StaffGrant.objects.order_by("created_at"))


def _sign_in(client, person):
    return client.post(reverse("account_login"), {"login": person.email, "password": PASSWORD})


def _change(account, **changes):
    with account_scope(account.id):
        StaffGrant.objects.update(**changes)


def test_the_sign_in_leads_to_the_entrance(staff_client):
    reply = staff_client.get(reverse("home"), follow=True)

    assert reply.request["PATH_INFO"] == ENTRANCE
    assert "Whom do you help?" in reply.content.decode()


@pytest.mark.parametrize("whom", ["j.ortiz@summit-it.example", " J.Ortiz@Summit-IT.example "])
def test_an_account_is_named_by_somebody_of_it(whom, enter, account, technician, staff):
    enter(whom)

    assert [(grant.staff_id, grant.reason) for grant in _grants(account)] == [(staff.pk, REASON)]


def test_an_account_is_named_by_its_id(enter, account):
    enter(account.pk)

    assert len(_grants(account)) == 1


def test_entering_is_written_down_with_its_reason(enter, account, staff):
    enter(account.pk)

    with account_scope(account.id):
        event = AuditEvent.objects.get(action="staff.entered")
    assert (event.actor, event.object, event.detail["reason"]) == ("R. Vance", staff.email, REASON)


@pytest.mark.parametrize("reason", ["", "help", "x" * 501])
def test_a_reason_that_says_nothing_opens_nothing_and_keeps_what_was_typed(reason, enter, account):
    reply = enter(account.pk, reason)

    assert (reply.status_code, _grants(account)) == (422, [])
    assert str(account.pk) in reply.content.decode()


@pytest.mark.parametrize(
    "whom", ["nobody@example.com", "00000000-0000-4000-8000-000000000000", "Summit IT Services", ""]
)
def test_whom_nobody_knows_opens_nothing(whom, enter, account):
    assert enter(whom).status_code == 404
    assert _grants(account) == []


def test_other_staff_are_nobodys_account(enter, staff):
    assert enter(staff.email).status_code == 404


def test_without_a_second_factor_staff_set_one_up_first(staff, account):
    staff.authenticator_set.all().delete()
    client = Client()
    client.force_login(staff)

    assert client.get(ENTRANCE)["Location"] == reverse("accounts:second-factor")
    assert "Platform staff sign in with two" in client.get(reverse("accounts:second-factor")).content.decode()


def test_staff_keep_their_last_factor(staff, staff_client):
    staff_client.post(reverse("mfa_deactivate_totp"))

    assert staff.authenticator_set.exists()


def test_the_first_sign_in_sets_a_factor_up_and_the_next_asks_for_it(staff, account):
    staff.authenticator_set.all().delete()
    first, again = Client(), Client()
    _sign_in(first, staff)
    form = first.get(reverse("mfa_activate_totp"))
    secret = form.context["form"].secret

    codes = first.post(reverse("mfa_activate_totp"), {"code": code_of(secret)}, follow=True)
    assert (codes.status_code, "</li>" in codes.content.decode()) == (200, True)  # to print, before anything else
    assert first.get(reverse("home"), follow=True).request["PATH_INFO"] == ENTRANCE

    assert _sign_in(again, staff)["Location"] == reverse("mfa_authenticate")
    assert again.get(ENTRANCE)["Location"].startswith(reverse("account_login"))


def test_after_an_hour_nothing_is_shown(staff_in, account):
    client = staff_in(account)
    past = timezone.now() - timedelta(seconds=1)
    _change(account, created_at=past - timedelta(hours=1), expires_at=past)

    assert client.get(reverse("admin:accounts_user_changelist")).status_code == 403
    assert client.get(reverse("admin:index"))["Location"] == ENTRANCE


def test_the_database_takes_no_longer_grant(account, staff):
    until = timezone.now() + timedelta(minutes=61)

    with account_scope(account.id), pytest.raises(DatabaseError, match="within_an_hour"), transaction.atomic():
        StaffGrant.objects.create(staff_id=staff.pk, staff="R. Vance", reason=REASON, expires_at=until)


def test_leaving_ends_the_visit_and_is_written_down(staff_in, account, written):
    client = staff_in(account)

    client.post(reverse("admin:leave"))

    assert written()[-1][0] == "staff.left"
    assert client.get(reverse("admin:accounts_user_changelist")).status_code == 403


def test_signing_out_ends_the_visit(staff_in, account, written):
    staff_in(account).post(reverse("account_logout"))

    assert written()[-1][0] == "staff.left"


def test_entering_again_ends_the_visit_before(staff_in, account, written):
    staff_in(account)
    staff_in(account)

    assert [action for action, _ in written()] == ["staff.entered", "staff.left", "staff.entered"]


def test_entering_another_account_leaves_the_first(staff_in, account, other_account):
    staff_in(account)
    client = staff_in(other_account)

    assert _grants(account)[0].ended_at
    assert other_account.name in client.get(reverse("admin:accounts_account_changelist")).content.decode()


def test_entering_signs_out_in_other_browsers(staff, staff_in, account):
    other = Client()
    other.force_login(staff)
    staff_in(account)

    assert other.get(reverse("admin:index"))["Location"].startswith(reverse("account_login"))


def test_a_grant_is_of_one_browser(staff, staff_in, account):
    staff_in(account)
    other = Client()
    other.force_login(staff)

    assert other.get(reverse("admin:accounts_user_changelist")).status_code == 403


def test_a_grant_is_of_one_person(staff_in, staff, account):
    client = staff_in(account)
    _change(account, staff_id=account.pk)

    assert client.get(reverse("admin:accounts_user_changelist")).status_code == 403


def test_the_accounts_people_see_who_is_there_and_why(staff_in, browse, account):
    assert "R. Vance" not in browse.get(reverse("home")).content.decode()
    staff_in(account)

    page = browse.get(reverse("sessions:history")).content.decode()

    assert "R. Vance" in page
    assert REASON in page
    assert "End the visit" not in page  # an engineer sees it, and ends nothing


def test_another_accounts_people_see_nothing_of_it(staff_in, account, stranger):
    staff_in(account)
    client = Client()
    client.force_login(stranger)

    assert "R. Vance" not in client.get(reverse("home")).content.decode()


def test_an_admin_ends_the_visit_at_once(staff_in, account, written):
    client, admin = staff_in(account), Client()
    admin.force_login(make_person(account, "s.okafor@summit-it.example", name="S. Okafor", role="admin"))
    assert "End the visit" in admin.get(reverse("home")).content.decode()

    path = reverse("accounts:send-staff-away", args=[_grants(account)[0].pk])
    shown = admin.post(path, headers={"HX-Request": "true"}).content.decode()

    assert "R. Vance" not in shown
    assert written()[-1] == ("staff.sent_away", "R. Vance")
    assert client.get(reverse("admin:accounts_user_changelist")).status_code == 403


def test_an_owner_reads_of_the_visit_in_words(staff_in, account):
    staff_in(account).get(reverse("admin:accounts_user_changelist"))
    owner = Client()
    owner.force_login(make_person(account, "p.nakamura@summit-it.example", name="P. Nakamura", role="owner"))

    page = owner.get(reverse("accounts:audit"), {"kind": "staff"}).content.decode()

    assert all(
        words in page for words in ("Platform staff entered", REASON, "Platform staff looked", "People, the list")
    )


def test_add_staff_makes_a_person_without_an_account(db, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda prompt: "a long enough passphrase")
    said = StringIO()

    call_command("add_staff", "r.vance@flowpilot.example", name="R. Vance", stdout=said)

    person = User.objects.get(email="r.vance@flowpilot.example")
    assert (person.role, person.account_id) == ("super_admin", None)
    assert "second factor" in said.getvalue()


def test_nobody_is_a_superuser_of_django(staff):
    assert not any(hasattr(staff, name) for name in ("is_superuser", "is_staff", "has_perm", "user_permissions"))
