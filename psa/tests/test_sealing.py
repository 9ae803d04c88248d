"""A credential opens in its own row only, and survives a change of keys."""

import uuid

import pytest
from django.core.exceptions import ImproperlyConfigured

from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.sealing import BrokenSeal, new_key, seal, unseal
from flowpilot.errors import Refused
from psa import queries, services
from psa.models import PsaConnection

HERE = {"account_id": uuid.uuid4(), "table": "psa_psaconnection", "row_id": uuid.uuid4()}


def test_a_sealed_value_opens_in_its_row_and_shows_nothing_of_itself():
    sealed = seal("SandboxPrivateKey", **HERE)

    assert "SandboxPrivateKey" not in sealed
    assert unseal(sealed, **HERE) == "SandboxPrivateKey"
    assert seal("SandboxPrivateKey", **HERE) != sealed


@pytest.mark.parametrize("other", [{"account_id": uuid.uuid4()}, {"table": "other"}, {"row_id": uuid.uuid4()}])
def test_a_sealed_value_opens_nowhere_else(other):
    with pytest.raises(BrokenSeal):
        unseal(seal("secret", **HERE), **{**HERE, **other})


def test_a_new_first_key_seals_and_the_old_one_still_opens(settings):
    old, new = new_key(), new_key()
    settings.CREDENTIAL_KEYS = [old]
    sealed = seal("secret", **HERE)
    settings.CREDENTIAL_KEYS = [new, old]

    assert unseal(sealed, **HERE) == "secret"
    settings.CREDENTIAL_KEYS = [new]
    assert unseal(_sealed_under(settings, [new, old]), **HERE) == "secret"


def _sealed_under(settings, keys):
    before, settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS, keys
    sealed = seal("secret", **HERE)
    settings.CREDENTIAL_KEYS = before
    return sealed


def test_a_key_that_is_gone_breaks_the_seal(settings):
    settings.CREDENTIAL_KEYS = [new_key()]
    sealed = seal("secret", **HERE)
    settings.CREDENTIAL_KEYS = [new_key()]

    with pytest.raises(BrokenSeal):
        unseal(sealed, **HERE)


def test_a_short_key_is_refused(settings):
    settings.CREDENTIAL_KEYS = ["c2hvcnQ="]

    with pytest.raises(ImproperlyConfigured):
        seal("secret", **HERE)


def test_keys_swapped_between_accounts_connect_nobody(connected, other_account, served):
    with account_scope(other_account.id):
        theirs = services.connect(
            base_url=served[1], company_id="c", client_id="c", public_key="p", private_key="theirs"
        )
    with account_scope(connected.id):
        PsaConnection.objects.update(sealed_private_key=theirs.sealed_private_key)

    with pytest.raises(Refused, match="cannot be opened"):
        queries.connectwise_of(connected.id)
