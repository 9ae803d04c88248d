"""Keys are changed while people work: nothing is lost, and afterwards the old key is not needed."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.core.management import CommandError, call_command
from django.db import connection

from flowpilot.accounts import factor_secrets
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.sealing import new_key, unseal
from flowpilot.providers.ai.registry import open_credential, seal_credential
from flowpilot.providers.models import AiCredential
from flowpilot.rotating import rotate
from flowpilot.testing.fixtures import make_account, make_person
from psa import services
from psa.models import PsaConnection

ACCOUNTS, EACH = 4, 250
OLD, NEW = new_key(), new_key()


@pytest.fixture
def old_key(settings):
    """Everything that the test makes is sealed with the old key, until it sets another."""
    settings.CREDENTIAL_KEYS = [OLD]


def _keep_keys(account, count):
    with account_scope(account.id):
        rows = [AiCredential(account=account, provider=f"made-up-{n}") for n in range(count)]
        for n, row in enumerate(rows):
            seal_credential(row, f"{account.id}-key-{n}")
        AiCredential.objects.bulk_create(rows)


def _read_all(account) -> int:
    """Open every key of an account; return how many were right."""
    try:
        with account_scope(account.id):
            return sum(
                open_credential(row) == f"{account.id}-key-{row.provider.removeprefix('made-up-')}"
                for row in AiCredential.objects.all()
            )
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_rotating_a_thousand_credentials_under_readers_loses_none(old_key, settings):
    accounts = [make_account(f"Account {n}") for n in range(ACCOUNTS)]
    for n, account in enumerate(accounts):
        make_person(account, f"p{n}@summit-it.example")
        _keep_keys(account, EACH)
    settings.CREDENTIAL_KEYS = [NEW, OLD]
    is_over = threading.Event()

    def read_on(account):
        seen = [_read_all(account)]
        while not is_over.is_set():
            seen.append(_read_all(account))
        return seen

    with ThreadPoolExecutor(ACCOUNTS) as pool:
        reading = [pool.submit(read_on, account) for account in accounts]
        try:
            seals = rotate()
        finally:
            is_over.set()
    assert {count for each in reading for count in each.result()} == {EACH}
    assert (seals.older, seals.newest, seals.broken) == (ACCOUNTS * EACH, 0, [])

    settings.CREDENTIAL_KEYS = [NEW]
    assert [_read_all(account) for account in accounts] == [EACH] * ACCOUNTS


def test_a_connection_opens_with_the_new_key_alone(old_key, settings, account, technician):
    with account_scope(account.id):
        services.connect(
            base_url="https://api-eu.myconnectwise.net/v4_6_release/apis/3.0",
            company_id="c",
            client_id="c",
            public_key="p",
            private_key="private",
        )
    settings.CREDENTIAL_KEYS = [NEW, OLD]
    rotate()
    settings.CREDENTIAL_KEYS = [NEW]

    with account_scope(account.id):
        kept = PsaConnection.objects.get()
    bound_to = {"account_id": account.id, "table": "psa_psaconnection", "row_id": kept.pk}
    assert unseal(kept.sealed_private_key, **bound_to) == "private"


def test_second_factors_open_with_the_new_key_alone(old_key, settings, technician):
    totp = TOTP.activate(technician, "JBSWY3DPEHPK3PXP").instance
    codes = RecoveryCodes.activate(technician)
    before = codes.get_unused_codes()
    settings.CREDENTIAL_KEYS = [NEW, OLD]
    rotate()
    settings.CREDENTIAL_KEYS = [NEW]

    kept = Authenticator.objects.get(type="recovery_codes")
    assert RecoveryCodes(kept).get_unused_codes() == before
    assert (
        unseal(Authenticator.objects.get(pk=totp.pk).data["secret"], **factor_secrets.bound_to(technician.pk))
        == "JBSWY3DPEHPK3PXP"
    )


def test_rotating_again_changes_nothing(account, technician):
    _keep_keys(account, 3)
    with account_scope(account.id):
        before = set(AiCredential.objects.values_list("sealed_key", flat=True))

    assert rotate().newest == 3
    with account_scope(account.id):
        assert set(AiCredential.objects.values_list("sealed_key", flat=True)) == before


def test_a_dry_run_counts_and_changes_nothing(old_key, settings, account, technician, capsys):
    _keep_keys(account, 3)
    settings.CREDENTIAL_KEYS = [NEW, OLD]

    call_command("rotate_keys", dry_run=True)

    assert "3 would be sealed anew, 0 sealed with the newest key before." in capsys.readouterr().out
    assert rotate().older == 3


def test_what_no_key_opens_is_named_and_left(old_key, settings, account, technician, capsys):
    _keep_keys(account, 1)
    settings.CREDENTIAL_KEYS = [NEW]

    with pytest.raises(CommandError, match="1 do not open"):
        call_command("rotate_keys")
    assert "ai_credentials " in capsys.readouterr().out

    settings.CREDENTIAL_KEYS = [OLD]
    assert _read_all_here(account) == 1


def _read_all_here(account) -> int:
    with account_scope(account.id):
        return sum(open_credential(row) == f"{account.id}-key-0" for row in AiCredential.objects.all())
