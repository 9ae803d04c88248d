import re
from datetime import timedelta

import pytest
from django.core import mail, signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from flowpilot.accounts import invitations
from flowpilot.accounts.models import AuditEvent, Invitation, User
from flowpilot.accounts.permissions import NotYourRole
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict, Invalid, NotFound, Unavailable

NEW, GOOD = "r.halvorsen@summit-it.example", "seven quiet lanterns"


def _invite(account, by, email=NEW, role="engineer"):
    return invitations.invite(account_id=account.id, email=email, role=role, by=by, link=lambda token: token)


def _token() -> str:
    return re.search(r"^\S+:\S+:\S+$", mail.outbox[-1].body, re.MULTILINE)[0]


def _join(client, token, **fields):
    return client.post(reverse("accounts:join", args=[token]), {"name": "R. Halvorsen", "password": GOOD} | fields)


def test_an_invitation_is_mailed_and_brings_a_person_in(client, account, admin):
    _invite(account, admin, role="admin")

    reply = _join(client, _token())

    person = User.objects.get(email=NEW)
    assert (person.account_id, person.role, person.name) == (account.id, "admin", "R. Halvorsen")
    assert (reply.status_code, reply["Location"]) == (302, "/")
    assert client.get(reverse("home")).status_code == 200


def test_coming_and_inviting_are_written_down(client, account, admin):
    _invite(account, admin)
    _join(client, _token())

    with account_scope(account.id):
        events = AuditEvent.objects.order_by("number").values_list("action", "object")
        assert list(events)[:2] == [("people.invited", NEW), ("people.joined", NEW)]


def test_a_link_works_once(client, account, admin):
    _invite(account, admin)
    _join(client, _token())

    assert _join(Client(), _token()).status_code == 404


def test_a_link_that_was_sent_again_replaces_the_first(client, account, admin):
    invitation = _invite(account, admin)
    first = _token()
    invitations.resend(account_id=account.id, invitation_id=invitation.id, by=admin, link=lambda token: token)

    assert _join(client, first).status_code == 404
    assert _join(client, _token()).status_code == 302


def test_a_revoked_link_is_dead(client, account, admin):
    invitation = _invite(account, admin)
    with account_scope(account.id):
        invitations.revoke(invitation_id=invitation.id, by=admin)

    assert _join(client, _token()).status_code == 404


def test_a_late_link_is_dead(client, account, admin):
    invitation = _invite(account, admin)
    with account_scope(account.id):
        Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    assert _join(client, _token()).status_code == 404


def test_an_invented_link_is_dead(client, account, admin):
    invitation = _invite(account, admin)
    forged = signing.dumps([str(account.id), str(invitation.id), "guess"], salt="flowpilot.invitation")

    assert {_join(client, token).status_code for token in ("guess", forged)} == {404}


def test_every_dead_link_says_the_same(client, account, admin):
    _invite(account, admin)
    used = _token()
    _join(Client(), used)

    assert _join(client, used).content == _join(client, "guess").content


@pytest.mark.parametrize("password", ["short", "r.halvorsen@summit", "password1234"])
def test_a_weak_password_is_refused_and_the_name_kept(client, account, admin, password):
    _invite(account, admin)

    reply = _join(client, _token(), password=password)

    assert (reply.status_code, b'value="R. Halvorsen"' in reply.content) == (422, True)
    assert not User.objects.filter(email=NEW).exists()


def test_the_link_is_kept_as_a_hash_only(account, admin, sql):
    _invite(account, admin)
    _, _, key = signing.loads(_token(), salt="flowpilot.invitation")

    with account_scope(account.id):
        assert key not in sql("SELECT accounts_invitation::text FROM accounts_invitation")


def test_a_known_address_gets_the_same_answer_as_an_unknown_one(as_admin, stranger):
    replies = [
        as_admin.post(reverse("accounts:invite"), {"email": email, "role": "engineer"}, headers={"HX-Request": "true"})
        for email in (NEW, stranger.email)
    ]

    words = [re.search(r"<span>(Invitation sent to )", reply.content.decode())[1] for reply in replies]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert words == ["Invitation sent to "] * 2


def test_a_known_address_is_told_by_mail_and_gets_no_link(account, admin, stranger):
    _invite(account, admin, email=stranger.email)

    (sent,) = mail.outbox
    assert sent.to == [stranger.email]
    assert not re.search(r"^\S+:\S+:\S+$", sent.body, re.MULTILINE)


def test_an_address_is_invited_once(account, admin):
    _invite(account, admin)

    with pytest.raises(Conflict, match="invited already"):
        _invite(account, admin, email=NEW.upper())


def test_who_is_here_is_not_invited(account, admin, technician):
    with pytest.raises(Conflict, match="in your account already"):
        _invite(account, admin, email=technician.email)


@pytest.mark.parametrize("role", ["owner", "super_admin", ""])
def test_an_invitation_is_for_an_engineer_or_an_admin(account, admin, role):
    with pytest.raises(Invalid):
        _invite(account, admin, role=role)


@pytest.mark.parametrize("email", ["", "nobody", "a@b\nBcc: all@example.com", "a b@example.com"])
def test_what_is_no_address_is_refused(account, admin, email):
    with pytest.raises(Invalid, match="no e-mail address"):
        _invite(account, admin, email=email)


def test_an_engineer_invites_nobody(account, technician):
    with pytest.raises(NotYourRole):
        _invite(account, technician)


def test_an_invitation_of_another_account_is_not_found(account, other_account, admin, stranger):
    User.objects.filter(pk=stranger.pk).update(role="owner")
    stranger.role = "owner"
    invitation = _invite(account, admin)

    with account_scope(other_account.id), pytest.raises(NotFound):
        invitations.revoke(invitation_id=invitation.id, by=stranger)


def test_a_mail_server_that_refuses_leaves_the_invitation_to_be_sent_again(account, admin, settings):
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": 9, "timeout": 1},
        }
    }

    with pytest.raises(Unavailable, match="send it again from the list"):
        _invite(account, admin)

    with account_scope(account.id):
        assert Invitation.objects.get().email == NEW


def test_too_many_invitations_an_hour_are_refused(account, admin, monkeypatch):
    monkeypatch.setattr(invitations, "_MAILS", invitations.throttle.Limit(1, timedelta(hours=1)))
    _invite(account, admin)

    with pytest.raises(Exception, match="Too many invitations"):
        _invite(account, admin, email="another@summit-it.example")


def test_who_is_signed_in_is_asked_to_sign_out_first(as_admin):
    assert b"signed in already" in as_admin.get(reverse("accounts:join", args=["any"])).content


def test_the_page_of_a_link_names_account_and_address(client, account, admin):
    _invite(account, admin)

    page = client.get(reverse("accounts:join", args=[_token()])).content.decode()

    assert all(words in page for words in ("Join Summit IT Services", NEW, "engineer"))
