"""What Django's own check for deployment says about settings as production has them."""

import secrets

import pytest

from flowpilot.accounts.sealing import new_key
from flowpilot.tests.processes import run_python


@pytest.fixture
def production(tmp_path):
    """The environment of a web process in production. No server is asked."""
    return {
        "DATABASE_URL": "postgres://flowpilot_app:secret@127.0.0.1:1/flowpilot",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "CREDENTIAL_KEYS": new_key(),
        "ALLOWED_HOSTS": "flowpilot.example",
        "CSRF_TRUSTED_ORIGINS": "https://flowpilot.example",
        "TRUSTED_PROXIES": "1",
        "SMTP_HOST": "smtp.example",
        "MAIL_FROM": "FlowPilot <flowpilot@flowpilot.example>",
        "FLOWPILOT_DATA_DIR": str(tmp_path),
    }


def _check(environment):
    return run_python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **environment)


def test_the_check_for_deployment_has_nothing_to_say(production):
    done = _check(production)

    assert done.stderr == ""
    assert done.stdout == "System check identified no issues (0 silenced).\n"


def test_production_without_a_mail_server_is_told(production):
    del production["SMTP_HOST"]

    assert "mail.E001" in _check(production).stderr


def test_a_weak_secret_key_is_told(production):
    assert "security.W009" in _check(production | {"SECRET_KEY": "short"}).stderr


def test_production_does_not_start_without_a_secret_key(production):
    del production["SECRET_KEY"]

    assert "SECRET_KEY" in _check(production).stderr
