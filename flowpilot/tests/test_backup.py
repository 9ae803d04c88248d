"""The runbook's commands for backup and restore, tried on this test run's own database."""

import re
import subprocess

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.services import open_account
from flowpilot.postgres.embedded import APP, OWNER, bin_dir
from flowpilot.providers.ai.registry import seal_credential
from flowpilot.providers.models import AiCredential

pytestmark = [
    pytest.mark.skipif(not settings.IS_EMBEDDED, reason="needs the programs of the embedded server"),
    pytest.mark.django_db(transaction=True),
]
_RESTORE = re.findall(r"^psql .* -c '(.+?)'", (settings.BASE_DIR / "docs" / "runbook.md").read_text(), re.MULTILINE)
_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"
_SUM = """SELECT count(*), md5(coalesce(string_agg(t::text, '\n' ORDER BY t::text), '')) FROM "{}" t"""


def _open(database, user="postgres"):
    return psycopg.connect(host=connection.settings_dict["HOST"], user=user, dbname=database, autocommit=True)


def _run(program, *arguments, user=OWNER):
    command = [bin_dir() / program, "-h", connection.settings_dict["HOST"], "-U", user, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def database():
    """This run's database, with an account and a credential in it."""
    account_id = "7f3f2a52-6f0a-4a0e-9d53-0d6f5a3f6a01"
    open_account(name="Summit IT Services", account_id=account_id)
    with account_scope(account_id):
        credential = AiCredential(provider="anthropic")
        seal_credential(credential, "sk-kept-in-the-backup")
        credential.save()
    return connection.settings_dict["NAME"]


@pytest.fixture
def empty(database):
    """A new database of the owner beside it."""
    name = f"{database}_restored"
    with _open("postgres") as administrator:
        administrator.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
        yield name
        administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _sums(database):
    with _open(database) as reader:
        names = [name for (name,) in reader.execute(_TABLES).fetchall()]
        return {name: reader.execute(_SUM.format(name)).fetchone() for name in names}


def test_a_restored_database_holds_the_same_rows_under_the_same_policies(database, empty, tmp_path):
    grant, revoke = _RESTORE
    dump = tmp_path / "flowpilot.dump"
    assert _run("pg_dump", "-Fc", "-f", dump, database).stderr == ""

    with _open(empty, OWNER) as owner:
        owner.execute(grant)
        restored = _run("pg_restore", "--exit-on-error", "--single-transaction", "-d", empty, dump)
        owner.execute(revoke)
        policies = owner.execute("SELECT count(*) FROM pg_class WHERE relforcerowsecurity").fetchone()
        own_view = owner.execute("SELECT viewowner FROM pg_views WHERE viewname = 'session_search'").fetchone()

    assert restored.stderr == ""
    assert _sums(empty) == _sums(database)
    assert _sums(empty)["ai_credentials"][0] == 1
    assert policies[0] > 20
    assert own_view == (settings.DATABASE_SEARCH_ROLE,)
    with _open(empty, APP) as app:
        assert app.execute("SELECT count(*) FROM ai_credentials").fetchone() == (0,)


def test_a_backup_by_the_app_role_is_refused_and_not_empty(database, tmp_path):
    refused = _run("pg_dump", "-Fc", "-f", tmp_path / "flowpilot.dump", database, user=APP)

    assert refused.returncode != 0
    assert "row-level security" in refused.stderr


def test_a_dump_holds_no_key_in_plain_text(database):
    dumped = _run("pg_dump", "--inserts", database).stdout

    assert "ai_credentials" in dumped
    assert "sk-kept-in-the-backup" not in dumped
