"""Migrations lead to what the models say, go back to nothing and come again, on a database of their own."""

import os

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from flowpilot.tests.processes import run_python, url_of

OURS = sorted(
    config.label
    for config in apps.get_app_configs()
    if settings.BASE_DIR in (settings.BASE_DIR / config.path).parents
    and ".venv" not in config.path
    and os.path.exists(f"{config.path}/migrations/__init__.py")
)
pytestmark = pytest.mark.skipif(not settings.IS_EMBEDDED, reason="makes a database, which the embedded server allows")


@pytest.fixture(scope="module")
def scratch(django_db_setup):
    """A migrated database that these tests may take apart. Returns its name."""
    name = f"scratch_{os.getpid()}"
    owner, host = connection.settings_dict["USER"], connection.settings_dict["HOST"]
    with psycopg.connect(host=host, user=owner, dbname="postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        _migrate(name)
        yield name
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_no_migration_is_missing(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_app_goes_back_to_nothing_and_a_session_of_the_first_version_comes_along(scratch):
    before = _catalogue(scratch)

    for app in OURS:
        _migrate(scratch, app, "zero")
        tables = {table for (table,) in _rows(scratch, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        assert not tables & {model._meta.db_table for model in apps.get_app_config(app).get_models()}
    _migrate(scratch, "chat_sessions", "0001")
    _run(scratch, _FIRST_VERSION)
    _migrate(scratch)

    assert _catalogue(scratch) == before
    assert _rows(scratch, "SELECT title, status, is_on_hold FROM ai_sessions") == [("Outlook asks", "active", False)]
    assert _rows(scratch, "SELECT part, state ->> 'text' FROM session_changes WHERE part = 'fact'") == [
        ("fact", "Webmail works")
    ]
    assert _rows(scratch, "SELECT count(*) FROM session_documents WHERE words @@ to_tsquery('english', 'webmail')") == [
        (1,)
    ]


def _migrate(database, *steps):
    owner = connection.settings_dict["USER"]
    done = run_python(
        "manage.py",
        "migrate",
        *steps,
        "--verbosity=0",
        DATABASE_URL=url_of(settings.DATABASE_APP_ROLE, database),
        DATABASE_OWNER_URL=url_of(owner, database),
        SECRET_KEY="only-for-this-test",
    )
    assert done.returncode == 0, done.stderr


def _catalogue(database) -> list:
    """Return columns, constraints, indexes, policies and the app role's rights, in an order that tells nothing of time."""
    return [
        _rows(
            database,
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
            "WHERE table_schema = 'public' ORDER BY 1, 2",
        ),
        _rows(
            database,
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
        ),
        _rows(database, "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"),
        _rows(database, "SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies ORDER BY 1"),
        _rows(
            database,
            "SELECT table_name, privilege_type FROM information_schema.role_table_grants WHERE grantee = %s ORDER BY 1, 2",
            settings.DATABASE_APP_ROLE,
        ),
    ]


def _rows(database, statement, *params) -> list:
    owner, host = connection.settings_dict["USER"], connection.settings_dict["HOST"]
    with psycopg.connect(host=host, user=owner, dbname=database) as reader:
        return reader.execute(statement, params or None).fetchall()


def _run(database, statement) -> None:
    owner, host = connection.settings_dict["USER"], connection.settings_dict["HOST"]
    with psycopg.connect(host=host, user=owner, dbname=database) as writer:
        writer.execute(statement)


_ID = "5e551011-0000-4000-8000-0000000000a1"
_FIRST_VERSION = f"""
INSERT INTO accounts_account (id, name, created_at) VALUES ('{_ID}', 'Summit IT Services', now());
INSERT INTO ai_sessions (id, account_id, title, problem, status, ticket_summary, ticket_company, ticket_contact, pending_task_lane,
    resolution_note_markdown, resolution_note_external_id, created_at, updated_at)
VALUES ('{_ID}', '{_ID}', 'Outlook asks', '', 'active', '', '', '', '[]', '', '', now(), now());
INSERT INTO session_facts (id, account_id, chat_id, text, source_type, source_ref, created_at, updated_at)
VALUES ('{_ID}', '{_ID}', '{_ID}', 'Webmail works', 'hand', '', now(), now());
"""
