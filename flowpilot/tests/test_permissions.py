"""The table of rights against every URL: who is let in, who is told that it takes another role, who is sent to sign in, who finds nothing."""

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from flowpilot.accounts.models import User
from flowpilot.accounts.permissions import TABLE, Right, allows
from flowpilot.accounts.scope import account_scope
from flowpilot.tests import test_urls as every
from flowpilot.tests.access import OPEN_TO_NOBODY, RIGHTS

ROLES = (User.Role.ENGINEER, User.Role.ADMIN, User.Role.OWNER)
REFUSED = "Your role is"
every_closed_url = pytest.mark.parametrize("name", sorted((RIGHTS.keys() & every.URLS.keys()) - every.STREAMS))


def test_the_table_is_the_one_of_the_product():
    assert {role: sorted(rights) for role, rights in TABLE.items() if role != User.Role.SUPER_ADMIN} == {
        "engineer": ["work"],
        "admin": ["administer", "manage", "publish", "work"],
        "owner": ["administer", "manage", "own", "publish", "work"],
    }


def test_every_url_has_its_right():
    assert every.EVERY.keys() - OPEN_TO_NOBODY == RIGHTS.keys()


@every_closed_url
def test_a_role_is_let_in_or_told_why_not(name, ours):
    refused = {}
    for role in ROLES:
        with transaction.atomic():  # each finds the rows as they were
            replies = _replies(_client_as(ours.person, role), name, ours)
            transaction.set_rollback(True)
        assert all(reply.status_code != 500 for reply in replies)
        refused[role] = any(reply.status_code == 403 and REFUSED in _text(reply) for reply in replies)

    assert refused == {role: RIGHTS[name] not in TABLE[role] for role in ROLES}


@every_closed_url
def test_the_deactivated_are_sent_to_sign_in(name, ours):
    client = _client_as(ours.person, User.Role.OWNER)
    with account_scope(ours.account.id):
        User.objects.filter(pk=ours.person.pk).update(is_active=False)

    replies = _replies(client, name, ours)

    assert {(reply.status_code, reply["Location"].split("?")[0]) for reply in replies} == {
        (302, reverse("account_login"))
    }


@pytest.mark.parametrize("name", sorted(every.OF_A_ROW))
def test_the_owner_of_another_account_finds_nothing(name, ours, theirs):
    client = _client_as(theirs.person, User.Role.OWNER)

    assert {reply.status_code for reply in _replies(client, name, ours)} <= {404, 405}


def test_nobody_may_anything(django_user_model):
    assert not any(allows(django_user_model(role="owner", is_active=False), right) for right in Right)


def test_staff_without_an_account_may_nothing(django_user_model):
    assert not any(allows(django_user_model(role="super_admin"), right) for right in Right)


def _client_as(person, role) -> Client:
    with account_scope(person.account_id):
        User.objects.filter(pk=person.pk).update(role=role)
    client = Client()
    client.force_login(person)
    return client


def _replies(client, name, tenant):
    path = reverse(name, kwargs=every._arguments(name, tenant))
    return [client.get(path), client.post(path, every._body())]


def _text(reply) -> str:
    return "" if reply.streaming else reply.content.decode()
