import pytest
from django.core.management import CommandError, call_command

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from psa.models import PsaMemberLink


@pytest.fixture
def typed(monkeypatch):
    """What a person types when they are asked for a secret."""

    def answer(secret):
        monkeypatch.setattr("getpass.getpass", lambda prompt: secret)

    return answer


@pytest.fixture
def settings_of(served, technician):
    """The options that connect the technician's account to the sandbox."""
    sandbox, base_url = served
    keys = sandbox.credentials
    return {
        "owner": technician.email,
        "url": base_url,
        "company": keys["company_id"],
        "client_id": keys["client_id"],
        "public_key": keys["public_key"],
    }


def test_connect_psa_links_people_by_their_address(served, settings_of, technician, typed, capsys):
    typed(served[0].credentials["private_key"])

    call_command("connect_psa", **settings_of)

    assert "1 of your people" in capsys.readouterr().out
    with account_scope(technician.account_id):
        assert PsaMemberLink.objects.get(user=technician).identifier == "jortiz"


def test_connect_psa_says_when_the_keys_are_wrong(settings_of, typed):
    typed("wrong")

    with pytest.raises(CommandError, match="keys"):
        call_command("connect_psa", **settings_of)


def test_connect_psa_asks_for_https(settings_of, typed):
    typed("any")

    with pytest.raises(CommandError, match="https"):
        call_command("connect_psa", **{**settings_of, "url": "http://connectwise.example/apis/3.0"})


def test_open_account_makes_an_owner(db, typed):
    typed("a long and lonely password")

    call_command("open_account", "Harbour Networks", owner="M.Reyes@harbour.example", name="M. Reyes")

    assert User.objects.get(email="m.reyes@harbour.example").role == User.Role.OWNER


def test_open_account_refuses_a_weak_password(db, typed):
    typed("password")

    with pytest.raises(CommandError, match="too short"):
        call_command("open_account", "Harbour Networks", owner="m.reyes@harbour.example", name="M. Reyes")
