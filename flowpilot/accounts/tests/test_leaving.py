"""An account is asked to go, its people are told, and its owner may think again."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from flowpilot.accounts import leaving
from flowpilot.accounts.models import Account, AuditEvent
from flowpilot.accounts.permissions import NotYourRole
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict, Invalid
from flowpilot.testing.canaries import PASSWORD

LOGIN, DELETE = reverse("account_login"), "accounts:delete-account"


@pytest.fixture
def fresh(client, owner):
    """The owner, who has just proved who they are."""
    client.post(LOGIN, {"login": owner.email, "password": PASSWORD})
    return client


def _ask(account, owner):
    with account_scope(account.id):
        return leaving.ask_deletion(typed=account.name, by=owner)


def _kept(account):
    with account_scope(account.id):
        return Account.objects.get()


def _actions(account):
    with account_scope(account.id):
        return list(AuditEvent.objects.order_by("number").values_list("action", flat=True))


def test_the_app_role_cannot_shorten_the_grace(account, owner):
    with account_scope(account.id):
        Account.objects.update(deletion_due_at=timezone.now(), deletion_asked_by="Somebody")

    assert _kept(account).deletion_due_at > timezone.now() + leaving.GRACE - timedelta(minutes=1)


def test_asking_says_when_and_is_written_down(account, owner):
    asked = _ask(account, owner)

    assert asked.deletion_due_at > timezone.now() + timedelta(days=6, hours=23)
    assert _actions(account) == ["account.deletion_asked"]


def test_asking_takes_the_name_of_the_account(scope, account, owner):
    with pytest.raises(Invalid, match="Type Summit IT Services"):
        leaving.ask_deletion(typed="summit", by=owner)


def test_asking_takes_the_owner(scope, account, admin):
    with pytest.raises(NotYourRole):
        leaving.ask_deletion(typed=account.name, by=admin)


def test_asking_twice_is_refused(account, owner):
    _ask(account, owner)

    with pytest.raises(Conflict, match="already"):
        _ask(account, owner)


def test_the_owner_takes_it_back(account, owner, as_owner):
    _ask(account, owner)

    as_owner.post(reverse("accounts:keep-account"))

    assert (_kept(account).deletion_due_at, _kept(account).deletion_asked_by) == (None, "")
    assert _actions(account) == ["account.deletion_asked", "account.deletion_taken_back"]


def test_an_admin_does_not_take_it_back(account, owner, as_admin):
    _ask(account, owner)

    assert as_admin.post(reverse("accounts:keep-account")).status_code == 403
    assert _kept(account).deletion_due_at


def test_deleting_takes_a_fresh_proof(account, as_owner):
    replies = [as_owner.get(reverse(DELETE)), as_owner.post(reverse(DELETE), {"typed": account.name})]

    assert [each["Location"].split("?")[0] for each in replies] == [reverse("account_reauthenticate")] * 2
    assert _kept(account).deletion_due_at is None


def test_a_fresh_owner_deletes_by_the_page(fresh, account):
    assert b"Type Summit IT Services to confirm" in fresh.get(reverse(DELETE)).content

    fresh.post(reverse(DELETE), {"typed": account.name})

    assert _kept(account).deletion_due_at


def test_admins_and_owners_are_written_to(fresh, account, owner, admin, technician, stranger):
    fresh.post(reverse(DELETE), {"typed": account.name})

    assert [each.to for each in mail.outbox] == [[owner.email], [admin.email]]
    assert "http://testserver/settings/data" in mail.outbox[0].body
    assert mail.outbox[0].subject == "Summit IT Services is going to be deleted from FlowPilot"


def test_a_mail_server_that_is_away_keeps_nothing_up(fresh, account, settings):
    gone = {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": {"host": "127.0.0.1", "port": 1}}
    settings.MAILERS = {"default": gone}

    assert fresh.post(reverse(DELETE), {"typed": account.name}).status_code == 302
    assert _kept(account).deletion_due_at


def test_what_was_typed_wrong_is_kept_and_said(fresh, account):
    reply = fresh.post(reverse(DELETE), {"typed": "Sumit"})

    assert (reply.status_code, b'value="Sumit"' in reply.content, b"Type Summit" in reply.content) == (422, True, True)


def test_everybody_sees_the_notice_and_the_owner_its_button(account, owner, technician):
    _ask(account, owner)
    pages = []
    for person in (owner, technician):
        client = Client()
        client.force_login(person)
        pages.append(client.get(reverse("home")).content.decode())

    assert all("everything in it is deleted on" in page for page in pages)
    assert [reverse("accounts:keep-account") in page for page in pages] == [True, False]


def test_others_see_no_notice(account, owner, client, stranger):
    _ask(account, owner)
    client.force_login(stranger)

    assert b"is deleted on" not in client.get(reverse("home")).content
