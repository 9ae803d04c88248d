"""Settings of an account, one key at a time."""

import json
from typing import Any

from django.db import connection

from flowpilot.accounts.models import Account, AccountSettings


def get_setting(account: Account, key: str, default: Any = None) -> Any:
    """Return the value kept under a flat, dotted key such as `ai.tiers.chat`. Reads only; makes no row."""
    kept = AccountSettings.objects.filter(account=account).values_list("preferences", flat=True).first()
    return (kept or {}).get(key, default)


def set_setting(account: Account, key: str, value: Any) -> None:
    """Keep a JSON value under a key, in one statement, so that writers of other keys lose nothing."""
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
