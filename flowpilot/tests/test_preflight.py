"""What goes wrong before anything is served is one clear sentence, and no traceback."""

import socket

import pytest
from django.conf import settings
from django.db import connection

from flowpilot.tests.processes import run_python, url_of

NOBODY_THERE = "postgres://flowpilot_app@127.0.0.1:1/flowpilot"
COMMANDS = ["demo", "web", "worker"]
SECRET = {"SECRET_KEY": "only-for-this-test", "HTTPS": "false"}


@pytest.fixture
def taken_port():
    """A port on which somebody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def free_port():
    """A port on which nobody listens, as text."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def _on(command: str, port: str) -> list[str]:
    return [command] if command == "worker" else [command, "--port", port]


def _complaint(*command: str, **environment: str) -> str:
    """Return what a command says before it gives up."""
    done = run_python("manage.py", *command, **environment)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr + done.stdout
    return done.stderr.strip()


def test_a_taken_port_is_one_sentence(taken_port, tmp_path):
    said = _complaint("demo", "--port", str(taken_port), FLOWPILOT_DATA_DIR=str(tmp_path))

    assert len(said.splitlines()) == 1
    assert f"Port {taken_port} on 127.0.0.1 is taken" in said
    assert f"--port {taken_port + 1}" in said


def test_a_taken_port_starts_no_database(taken_port, tmp_path):
    _complaint("demo", "--port", str(taken_port), FLOWPILOT_DATA_DIR=str(tmp_path))

    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_with_something_else_in_it_is_one_sentence(free_port, tmp_path):
    garbage = tmp_path / "postgres" / "data"
    garbage.mkdir(parents=True)
    (garbage / "holiday.txt").write_text("beach")

    said = _complaint("demo", "--port", free_port, FLOWPILOT_DATA_DIR=str(tmp_path))

    assert len(said.splitlines()) == 1
    assert f"The data folder {garbage} holds no PostgreSQL database, or a damaged one." in said
    assert "--fresh" in said


def test_a_damaged_database_is_told_with_its_last_words(free_port, tmp_path):
    damaged = tmp_path / "postgres" / "data"
    damaged.mkdir(parents=True)
    (damaged / "PG_VERSION").write_text("18\n")

    said = _complaint("demo", "--port", free_port, FLOWPILOT_DATA_DIR=str(tmp_path))

    assert f"The database in {damaged} does not start." in said
    assert "--fresh" in said


def test_a_data_folder_that_is_a_file_is_one_sentence(free_port, tmp_path):
    (tmp_path / "file").write_text("")

    said = _complaint("demo", "--port", free_port, FLOWPILOT_DATA_DIR=str(tmp_path / "file"))

    assert len(said.splitlines()) == 1
    assert "cannot be used" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_a_database_that_does_not_answer_ends_the_start_with_a_sentence(command, free_port, tmp_path):
    said = _complaint(*_on(command, free_port), DATABASE_URL=NOBODY_THERE, FLOWPILOT_DATA_DIR=str(tmp_path), **SECRET)

    assert "The database of DATABASE_URL cannot be reached" in said.splitlines()[-1]


def test_a_database_that_does_not_answer_is_one_sentence_with_the_reason(tmp_path):
    said = _complaint("worker", DATABASE_URL=NOBODY_THERE, FLOWPILOT_DATA_DIR=str(tmp_path), **SECRET)

    assert len(said.splitlines()) == 1
    assert "refused" in said


@pytest.mark.skipif(not settings.IS_EMBEDDED, reason="signs in as roles of the embedded server")
@pytest.mark.parametrize(("role", "what"), [("postgres", "a superuser"), ("flowpilot_owner", "a role with BYPASSRLS")])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_role_that_policies_do_not_bind_is_one_sentence(command, role, what, free_port, db, tmp_path):
    address = url_of(role, connection.settings_dict["NAME"])

    said = _complaint(*_on(command, free_port), DATABASE_URL=address, FLOWPILOT_DATA_DIR=str(tmp_path), **SECRET)

    assert len(said.splitlines()) == 1
    assert f"DATABASE_URL signs in as {role}, {what}" in said


@pytest.mark.skipif(not settings.IS_EMBEDDED, reason="signs in as roles of the embedded server")
def test_a_worker_apart_from_the_web_needs_a_relay(db, tmp_path):
    address = url_of(settings.DATABASE_APP_ROLE, connection.settings_dict["NAME"])

    said = _complaint("worker", DATABASE_URL=address, FLOWPILOT_DATA_DIR=str(tmp_path), **SECRET)

    assert len(said.splitlines()) == 1
    assert "REDIS_URL" in said
