"""Settings of an account, one key at a time."""

import json
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from flowpilot.accounts import audit
from flowpilot.accounts.known_settings import SETTINGS
from flowpilot.accounts.models import Account, AccountSettings, User
from flowpilot.accounts.permissions import require
from flowpilot.errors import NotFound

_UNSET = object()


def get_setting(account: Account | UUID, key: str, default: Any = _UNSET) -> Any:
    """Return the value kept under a flat, dotted key such as `ai.tiers.chat`. Reads only; makes no row.

    What was never set is `default`, or what the registry says where no default is given.
    """
    kept = AccountSettings.objects.filter(account=account).values_list("preferences", flat=True).first()
    if kept and key in kept:
        return kept[key]
    if default is not _UNSET:
        return default
    return SETTINGS[key].default if key in SETTINGS else None


def all_settings(account: Account | UUID) -> dict[str, Any]:
    """Return every setting of the registry with its value, in one query."""
    kept = AccountSettings.objects.filter(account=account).values_list("preferences", flat=True).first() or {}
    return {key: kept.get(key, setting.default) for key, setting in SETTINGS.items()}


def set_setting(account: Account, key: str, value: Any) -> None:
    """Keep a JSON value under a key, in one statement, so that writers of other keys lose nothing.

    A key of the registry takes only a value of its type. Raises Invalid.
    """
    if key in SETTINGS:
        value = SETTINGS[key].clean(value)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO account_settings AS kept (id, account_id, preferences, created_at, updated_at)
            VALUES (gen_random_uuid(), %s, %s::jsonb, now(), now())
            ON CONFLICT (account_id) DO UPDATE
            SET preferences = kept.preferences || excluded.preferences, updated_at = now()
            """,
            [account.pk, json.dumps({key: value})],
        )


@transaction.atomic
def change_setting(*, account: Account, key: str, value: Any, by: User) -> Any:
    """Change a setting of the registry as a person, and write it down. Raises NotFound, NotYourRole, Invalid."""
    setting = SETTINGS.get(key)
    if setting is None:
        raise NotFound("There is no such setting.")
    require(by, setting.right)
    before, after = get_setting(account, key), setting.clean(value)
    if before == after:
        return after
    set_setting(account, key, after)
    audit.record(audit.Action.SETTING_CHANGED, by=by, about=key, detail={"from": before, "to": after})
    return after
