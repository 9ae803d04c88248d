"""Seal each second factor's secret for its person; it was sealed for the table only, and opened in anybody's row."""

from django.db import migrations

from flowpilot.accounts.factor_secrets import bound_to, each_secret
from flowpilot.accounts.sealing import BrokenSeal, seal, unseal

_ANYBODYS = {"account_id": "sign-in", "table": "mfa_authenticator", "row_id": "secret"}


def bind(apps, schema_editor):
    _reseal(apps, lambda row: (_ANYBODYS, bound_to(row.user_id)))


def unbind(apps, schema_editor):
    _reseal(apps, lambda row: (bound_to(row.user_id), _ANYBODYS))


def _reseal(apps, bindings):
    """Seal every secret anew; one that does not open stays as it is, and `rotate_keys` names it."""
    authenticators = apps.get_model("mfa", "Authenticator").objects
    for row in authenticators.exclude(type="webauthn").iterator():
        before, after = bindings(row)
        try:
            data = each_secret(row.data, lambda sealed: seal(unseal(sealed, **before), **after))  # noqa: B023
        except BrokenSeal:
            continue
        authenticators.filter(pk=row.pk).update(data=data)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_people_and_login_sessions"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        migrations.RunPython(bind, unbind),
    ]
