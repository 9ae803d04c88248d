"""An account that is due goes: generated from the models, nothing of it is left, and the other account is as it was."""

import re
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.socialaccount.models import SocialAccount
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test import Client
from procrastinate.contrib.django import app

from flowpilot.accounts import leaving
from flowpilot.accounts.caching import Shelf
from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.tasks import let_accounts_go
from flowpilot.accounts.tests.codes import totp
from flowpilot.errors import Conflict
from flowpilot.tests.conftest import OURS
from flowpilot.tests.rows import OWNED, fingerprint
from sessions import files


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    """A data directory of the test's own."""
    settings.DATA_DIR = tmp_path
    return tmp_path


def _ask(account, owner):
    with account_scope(account.id):
        return leaving.ask_deletion(typed=account.name, by=owner)


def _make_due(account):
    """Move the end of the grace to now, as the owner of the database: the app role cannot."""
    with account_scope(account.id), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {connection.ops.quote_name(connection.settings_dict['USER'])}")
        cursor.execute(
            "UPDATE accounts_account SET deletion_due_at = now() - interval '1 second' WHERE id = %s", [account.id]
        )
        cursor.execute(f"SET LOCAL ROLE {connection.ops.quote_name(settings.DATABASE_APP_ROLE)}")


def _fill(tenant):
    """Give a tenant what else may hold its id: sign-in, a file, an export, a kept value, waiting jobs. Returns its ids and words."""
    person = tenant.person
    EmailAddress.objects.create(user=person, email=person.email)
    SocialAccount.objects.create(user=person, provider="microsoft", uid=str(person.pk))
    totp(person)
    RecoveryCodes.activate(person)
    Client().force_login(person)
    files.keep(tenant.account.id, str(tenant.account.id).encode())
    (settings.DATA_DIR / "exports" / str(tenant.account.id)).mkdir(parents=True)
    (settings.DATA_DIR / "exports" / str(tenant.account.id) / "a.zip").write_bytes(b"zip")
    Shelf(tenant.account.id).set("ticket", {"of": str(tenant.account.id)}, seconds=60)
    cache.set(f"allauth.mfa.totp.used?user={person.pk}&code=1", "y", 60)
    app.configure_task("purge_account", queue="none", lock=f"purge:{tenant.account.id}").defer(
        account_id=str(tenant.account.id)
    )
    return [str(tenant.account.id), str(person.pk), person.email]


def _everywhere(words):
    """Return where any of these words is left: as the owner of the database, in the whole text of every row of every table; in files; in caches."""
    found = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {connection.ops.quote_name(connection.settings_dict['USER'])}")
        cursor.execute(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t::text ~ %s", ["|".join(map(re.escape, words))])
            if count := cursor.fetchone()[0]:
                found.append((table, count))
        cursor.execute(f"SET LOCAL ROLE {connection.ops.quote_name(settings.DATABASE_APP_ROLE)}")
    for path in Path(settings.DATA_DIR).rglob("*"):
        if any(word in str(path) or (path.is_file() and word.encode() in path.read_bytes()) for word in words):
            found.append(path)
    kept = [(key, value) for key, value in cache._cache.items()]
    found += [key for key, value in kept if any(word in key or word.encode() in value for word in words)]
    return found


def test_nothing_of_an_account_that_is_due_is_left_anywhere(ours, theirs):
    words = [*_fill(ours), OURS]
    _fill(theirs)
    other, others = fingerprint(theirs), _everywhere([str(theirs.account.id), str(theirs.person.pk)])
    assert {table for table, *_ in (each for each in _everywhere(words) if isinstance(each, tuple))} >= {
        *(model._meta.db_table for model in OWNED),
        "accounts_account",
        "accounts_user",
        "procrastinate_jobs",
        "mfa_authenticator",
        "socialaccount_socialaccount",
        "account_emailaddress",
        "accounts_loginsession",
    }  # what is looked for is found before
    _ask(ours.account, ours.person)
    _make_due(ours.account)

    assert leaving.erase(ours.account.id)

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert _everywhere(words) == []
    assert fingerprint(theirs) == other
    assert _everywhere([str(theirs.account.id), str(theirs.person.pk)]) == others
    assert User.objects.get(pk=theirs.person.pk).is_active


def test_an_account_that_is_not_due_stays(ours):
    _ask(ours.account, ours.person)

    assert not leaving.erase(ours.account.id)
    assert User.objects.get(pk=ours.person.pk).is_active


def test_the_app_role_deletes_no_account_that_is_not_due(ours):
    _ask(ours.account, ours.person)

    with (
        account_scope(ours.account.id),
        pytest.raises(DatabaseError, match="not due"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT forget_account()")


def test_forgetting_with_no_account_open_is_refused(db):
    with pytest.raises(DatabaseError, match="not due"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT forget_account()")


def test_an_account_with_a_running_job_is_closed_and_waits(ours):
    _fill(ours)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    _ask(ours.account, ours.person)
    _make_due(ours.account)

    assert not leaving.erase(ours.account.id)
    assert not User.objects.get(pk=ours.person.pk).is_active
    with account_scope(ours.account.id), pytest.raises(Conflict, match="too late"):
        leaving.keep_account(by=ours.person)

    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'succeeded'")
    assert leaving.erase(ours.account.id)


@pytest.mark.django_db(transaction=True)
def test_the_job_lets_go_those_that_are_due(ours, theirs):
    _ask(ours.account, ours.person)
    _make_due(ours.account)

    async_to_sync(let_accounts_go.func)(timestamp=0)

    assert list(User.objects.values_list("account_id", flat=True)) == [theirs.account.id]
