"""Whose secret a second factor is: in another's row it opens nothing."""

from importlib import import_module

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.apps import apps
from django.urls import reverse

from flowpilot.accounts import factor_secrets
from flowpilot.accounts.sealing import seal, unseal
from flowpilot.accounts.tests.codes import code_of, totp
from flowpilot.testing.canaries import PASSWORD


def _move(type_, giver, taker):
    """Copy what is sealed in one person's row into another's, as somebody would who can write to the table."""
    row = Authenticator.objects.get(user=giver, type=type_)
    Authenticator.objects.filter(user=taker, type=type_).update(data=dict(row.data))
    return Authenticator.objects.get(user=taker, type=type_)


def test_the_secret_of_an_app_opens_in_its_own_row(technician):
    secret = totp(technician)

    assert TOTP(Authenticator.objects.get(user=technician)).validate_code(code_of(secret))


def test_the_secret_of_an_app_opens_nothing_in_the_row_of_another(technician, stranger):
    secret = totp(technician)
    totp(stranger)

    with pytest.raises(factor_secrets.BrokenFactor):
        TOTP(_move("totp", technician, stranger)).validate_code(code_of(secret))


def test_the_seed_of_recovery_codes_opens_nothing_in_the_row_of_another(technician, stranger):
    for each in (technician, stranger):
        RecoveryCodes.activate(each)

    with pytest.raises(factor_secrets.BrokenFactor):
        RecoveryCodes(_move("recovery_codes", technician, stranger)).generate_codes()


def test_nobody_signs_in_with_a_factor_that_was_moved(client, technician, stranger):
    secret = totp(technician)
    totp(stranger)
    _move("totp", technician, stranger)

    client.post(reverse("account_login"), {"login": stranger.email, "password": PASSWORD})
    reply = client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})

    assert (reply.status_code, b"set it up again" in reply.content) == (409, True)
    assert client.get(reverse("home")).status_code == 302


def test_a_row_that_gets_another_owner_opens_nothing(technician, stranger):
    totp(technician)
    Authenticator.objects.update(user=stranger)

    with pytest.raises(factor_secrets.BrokenFactor):
        TOTP(Authenticator.objects.get()).validate_code("000000")


def test_a_used_recovery_code_stays_used(technician):
    codes = RecoveryCodes.activate(technician)
    first = codes.generate_codes()[0]

    found = [RecoveryCodes(Authenticator.objects.get(user=technician)).validate_code(first) for _ in range(2)]

    assert found == [True, False]


def test_the_migration_binds_what_opened_anywhere_and_goes_back(technician):
    migration = import_module("flowpilot.accounts.migrations.0004_bind_factors")
    totp(technician)
    row = Authenticator.objects.get()
    anywhere = seal("JBSWY3DPEHPK3PXP", **migration._ANYBODYS)
    Authenticator.objects.filter(pk=row.pk).update(data={"secret": anywhere})

    migration.bind(apps, None)
    bound = Authenticator.objects.get().data["secret"]
    migration.unbind(apps, None)
    free = Authenticator.objects.get().data["secret"]

    assert unseal(bound, **factor_secrets.bound_to(technician.pk)) == "JBSWY3DPEHPK3PXP"
    assert unseal(free, **migration._ANYBODYS) == "JBSWY3DPEHPK3PXP"
