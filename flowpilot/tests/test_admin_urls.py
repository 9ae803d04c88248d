"""The table of rights against every URL of the admin, and against every URL for platform staff, without and with a grant.

One test a kind of person tries all of them, and compares what they answer with the table.
"""

import pytest
from django.test import Client
from django.urls import reverse

from flowpilot.accounts.models import Account, User
from flowpilot.accounts.scope import account_scope
from flowpilot.admin.site import site
from flowpilot.tests import test_urls as every
from flowpilot.tests.access import ADMIN_OF_OWNERS, OPEN_TO_NOBODY, SENDS_STAFF_TO_THE_ADMIN, STAFFS_OWN
from flowpilot.tests.conftest import OURS
from flowpilot.tests.rows import fingerprint

STAFF_ONLY = {"admin:enter", "admin:leave"}
OPEN_WITH_A_GRANT = every.ADMIN.keys() - STAFFS_OWN
CLOSED = every.EVERY.keys() - OPEN_TO_NOBODY


@pytest.fixture
def client_of(ours):
    """Return a client of the first account's person in a role."""

    def sign_in(role, **changes) -> Client:
        with account_scope(ours.account.id):
            User.objects.filter(pk=ours.person.pk).update(role=role)
        client = Client()
        client.force_login(ours.person)
        with account_scope(ours.account.id):
            User.objects.filter(pk=ours.person.pk).update(**changes or {"role": role})
        return client

    return sign_in


def test_every_argument_of_the_admin_is_known():
    assert {argument for arguments in every.ADMIN.values() for argument in arguments} == {"object_id"}


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_is_sent_to_sign_in(method, ours):
    client = Client()

    answers = {name: getattr(client, method)(_path(name, ours)) for name in every.ADMIN}

    assert {name: reply["Location"].split("?")[0] for name, reply in answers.items()} == dict.fromkeys(
        every.ADMIN, reverse("account_login")
    )


def test_the_deactivated_are_sent_to_sign_in(client_of, ours):
    client = client_of("owner", is_active=False)

    assert {client.get(_path(name, ours))["Location"].split("?")[0] for name in every.ADMIN} == {
        reverse("account_login")
    }


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_engineer_gets_no_admin_at_all(method, client_of, ours):
    client = client_of("engineer")

    replies = [getattr(client, method)(_path(name, ours)) for name in sorted(every.ADMIN.keys() - STAFF_ONLY)]

    assert {reply.status_code for reply in replies} == {403}
    assert all("Your role is engineer" in reply.content.decode() for reply in replies)


@pytest.mark.parametrize("role", ["engineer", "admin", "owner"])
def test_who_has_an_account_enters_and_leaves_none(role, client_of, ours):
    client = client_of(role)

    assert {client.post(_path(name, ours)).status_code for name in STAFF_ONLY} == {403}


@pytest.mark.parametrize("role", ["admin", "owner"])
def test_admins_and_owners_see_their_own_rows(role, client_of, ours):
    client = client_of(role)

    answers = {name: client.get(_path(name, ours)).status_code for name in every.ADMIN.keys() - STAFF_ONLY}

    closed = ADMIN_OF_OWNERS if role == "admin" else set()
    assert answers == {name: 403 if name in closed else 200 for name in answers}


def test_the_owner_of_another_account_finds_no_row_and_lists_none(ours, theirs):
    client = Client()
    client.force_login(theirs.person)

    rows = {client.get(_path(name, ours)).status_code for name, arguments in every.ADMIN.items() if arguments}
    lists = [client.get(_path(name, ours)) for name, arguments in every.ADMIN.items() if not arguments]

    assert rows == {404}
    assert all(OURS not in reply.content.decode() for reply in lists)


def test_a_stranger_changes_nothing(ours, theirs):
    client, before = Client(), fingerprint(ours)
    client.force_login(theirs.person)

    for name, arguments in every.ADMIN.items():
        if arguments:
            client.post(_path(name, ours), {"post": "yes", "_save": "1"})

    assert fingerprint(ours) == before


def test_a_write_without_csrf_token_is_refused(client_of, ours):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ours.person)

    assert {client.post(_path(name, ours)).status_code for name in every.ADMIN} == {403}


def test_get_writes_nothing_for_the_accounts_own(client_of, ours):
    client, before = client_of("owner"), every._written()

    for name in every.ADMIN:
        client.get(_path(name, ours))

    assert every._written() == before


def test_staff_without_a_grant_reach_their_own_sign_in_and_the_entrance(staff_client, ours):
    answers = {name: _kind(staff_client.get(_any_path(name, ours))) for name in CLOSED}

    assert answers == _wished(lambda name: "closed")


def test_staff_with_a_grant_reach_the_admin_of_that_account_and_nothing_else(staff_in, ours):
    client = staff_in(ours.account)

    answers = {name: _kind(client.get(_any_path(name, ours))) for name in CLOSED}

    wished = _wished(lambda name: "open" if name in OPEN_WITH_A_GRANT else "closed")
    assert answers == wished | {"admin:index": "open"}


def test_staff_with_a_grant_post_to_nothing_but_the_admin(staff_in, ours):
    client, before = staff_in(ours.account), fingerprint(ours)

    outside = sorted(CLOSED - every.ADMIN.keys() - STAFFS_OWN - SENDS_STAFF_TO_THE_ADMIN - every.STREAMS)
    assert {client.post(_any_path(name, ours), every._body()).status_code for name in outside} == {403}
    assert fingerprint(ours) == before


def test_staff_with_a_grant_find_no_row_of_another_account(staff_in, ours, theirs):
    client = staff_in(theirs.account)

    rows = {client.get(_path(name, ours)).status_code for name, arguments in every.ADMIN.items() if arguments}
    lists = [client.get(_path(name, ours)) for name, arguments in every.ADMIN.items() if not arguments]

    assert rows == {404}
    assert all(OURS not in reply.content.decode() for reply in lists)


def _wished(otherwise) -> dict[str, str]:
    """Return what each URL should answer platform staff."""
    own = dict.fromkeys(STAFFS_OWN, "open") | dict.fromkeys(SENDS_STAFF_TO_THE_ADMIN, "to the admin")
    return {name: own.get(name) or otherwise(name) for name in CLOSED}


def _kind(reply) -> str:
    """Return in a word what a reply is: closed, a page, or the way to the admin."""
    if reply.status_code == 302 and reply["Location"] in {reverse("admin:index"), reverse("admin:enter")}:
        return "to the admin"
    return "closed" if reply.status_code == 403 else "open" if reply.status_code < 500 else str(reply.status_code)


def _any_path(name, tenant) -> str:
    return _path(name, tenant) if name in every.ADMIN else reverse(name, kwargs=every._arguments(name, tenant))


def _path(name, tenant) -> str:
    if not every.ADMIN[name]:
        return reverse(name)
    model = next(
        model for model in site._registry if f"admin:{model._meta.app_label}_{model._meta.model_name}_" in f"{name}_"
    )
    row = {Account: tenant.account, User: tenant.person}.get(model) or tenant.rows[model]
    return reverse(name, args=[row.pk])
