"""The doctor names each thing that is wrong, and what to do; a healthy installation is told to be one."""

import pytest
from django.conf import settings as real_settings
from django.core.management import CommandError, call_command
from django.db import connection

from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.sealing import new_key
from flowpilot.doctor import examine
from flowpilot.testing.plugin import become_app, become_owner
from flowpilot.tests.processes import run_python, url_of
from psa.models import PsaConnection

SECRET = {"SECRET_KEY": "only-for-this-test", "HTTPS": "false"}
NOBODY_THERE = "redis://127.0.0.1:1/0"


def _findings(**options):
    return {finding.name: finding for finding in examine(**options)}


@pytest.fixture
def add_job(sql):
    """Put a job into the queue, asked for some minutes ago."""

    def add(status, minutes=0):
        job = sql(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status, args, attempts, priority) "
            "VALUES ('default', 'invented', %s, '{}', 0, 0) RETURNING id",
            status,
        )
        sql("DELETE FROM procrastinate_events WHERE job_id = %s", job)
        sql(
            "INSERT INTO procrastinate_events (job_id, type, at) VALUES (%s, 'deferred', now() - make_interval(mins => %s))",
            job,
            minutes,
        )

    return add


def _worker(sql, seconds):
    sql(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s))",
        seconds,
    )


@pytest.mark.parametrize("name", ["policies", "migrations", "jobs", "clock", "sealed credentials", "relay and cache"])
def test_a_healthy_installation_is_told_to_be_one(db, name):
    assert _findings()[name].is_ok


def test_policies_are_counted(db):
    assert "forced on all" in _findings()["policies"].text


@pytest.mark.django_db(transaction=True)
def test_a_table_without_its_policy_is_named():
    become_owner()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ai_budgets NO FORCE ROW LEVEL SECURITY")
    become_app()
    try:
        found = _findings()["policies"]
    finally:
        become_owner()
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ai_budgets FORCE ROW LEVEL SECURITY")
        become_app()

    assert not found.is_ok
    assert "no forced policy on ai_budgets:" in found.text


def test_no_living_worker_is_told_with_how_long_it_is_gone(sql):
    _worker(sql, 90)

    found = _findings()["workers"]
    assert not found.is_ok
    assert "the last was seen 90 s ago" in found.text


def test_a_living_worker_is_counted(sql):
    _worker(sql, 1)

    assert _findings()["workers"].text == "1 alive"


@pytest.mark.parametrize(
    ("status", "minutes", "seen"),
    [("doing", 0, "1 stalled"), ("todo", 5, "1 of them for over a minute"), ("failed", 5, "1 failed in the last day")],
)
def test_jobs_that_stand_still_are_counted(add_job, status, minutes, seen):
    add_job(status, minutes)

    found = _findings()["jobs"]
    assert not found.is_ok
    assert seen in found.text


@pytest.mark.parametrize(("status", "minutes"), [("todo", 0), ("failed", 3 * 24 * 60)])
def test_jobs_that_just_came_and_old_failures_are_fine(add_job, status, minutes):
    add_job(status, minutes)

    assert _findings()["jobs"].is_ok


def test_a_relay_that_does_not_answer_is_told(db, settings):
    settings.REDIS_URL = NOBODY_THERE

    found = _findings()["relay and cache"]
    assert not found.is_ok
    assert found.text.startswith("127.0.0.1 of REDIS_URL does not answer")


def test_an_ai_without_its_key_is_told(db, settings):
    settings.AI_PROVIDER, settings.GEMINI_API_KEY = "gemini", ""

    assert "Set GEMINI_API_KEY" in _findings()["AI: first asked"].text


def test_a_key_is_not_tried_unless_asked(db, settings, claude):
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = "wrong", claude.base_url

    assert _findings()["AI: Claude"].is_ok
    assert not _findings(asks_outside=True)["AI: Claude"].is_ok


def test_a_key_that_works_says_which_model_answers(db, settings, claude):
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = claude.api_key, claude.base_url

    assert _findings(asks_outside=True)["AI: Claude"].text == f"{settings.AI_MODELS['anthropic']['fast']} answers"


def test_each_connectwise_is_tried_when_asked(connected):
    assert _findings()["ConnectWise"].text == "1 accounts are connected (--ask tries each)"
    assert _findings(asks_outside=True)["ConnectWise"].text == "1 of 1 answer"


def test_a_connectwise_that_refuses_is_named_by_its_account(connected):
    with account_scope(connected.id):
        PsaConnection.objects.update(company_id="nobody")

    found = _findings(asks_outside=True)["ConnectWise"]
    assert not found.is_ok
    assert str(connected.id) in found.text


def test_a_credential_whose_key_is_gone_is_told(connected, settings):
    settings.CREDENTIAL_KEYS = [new_key()]

    assert "1 do not open" in _findings()["sealed credentials"].text


def test_a_damaged_key_is_told(db, settings):
    settings.CREDENTIAL_KEYS = ["c2hvcnQ="]

    assert "32 bytes" in _findings()["credential keys"].text


def test_static_files_that_were_not_collected_are_told(db, settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

    assert "`./run collectstatic --noinput`" in _findings()["static files"].text


def test_a_database_that_is_away_leaves_the_rest_to_be_looked_at(tmp_path):
    address = "postgres://flowpilot_app@127.0.0.1:1/flowpilot"
    done = run_python("manage.py", "doctor", DATABASE_URL=address, FLOWPILOT_DATA_DIR=str(tmp_path), **SECRET)

    assert done.returncode == 1
    assert "WRONG database role: The database of DATABASE_URL cannot be reached" in done.stdout
    assert "WRONG credential keys: Set CREDENTIAL_KEYS" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not real_settings.IS_EMBEDDED, reason="signs in as roles of the embedded server")
@pytest.mark.parametrize(("role", "mark"), [("flowpilot_app", "OK   "), ("flowpilot_owner", "WRONG")])
def test_the_role_must_be_bound_by_policies(db, tmp_path, role, mark):
    address = url_of(role, connection.settings_dict["NAME"])
    done = run_python("manage.py", "doctor", DATABASE_URL=address, FLOWPILOT_DATA_DIR=str(tmp_path), **SECRET)

    assert f"{mark} database role: " in done.stdout


def test_the_command_ends_with_an_error_when_something_is_wrong(db, capsys):
    with pytest.raises(CommandError, match="need attention"):
        call_command("doctor")

    assert "WRONG workers: no worker lives" in capsys.readouterr().out
