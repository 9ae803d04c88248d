"""Sealing everything anew with the newest of CREDENTIAL_KEYS, in small batches, while others read and write.

What is sealed is found by itself: every field `sealed_…` of an account's rows, and the secrets of second factors.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction

from flowpilot.accounts import factor_secrets
from flowpilot.accounts.owned import AccountOwned
from flowpilot.accounts.queries import accounts_with_people
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.sealing import BrokenSeal, is_newest, seal, unseal
from flowpilot.errors import Conflict

BATCH = 100  # rows that are locked at a time, for some milliseconds


@dataclass
class Seals:
    """What was met: how many values the newest key opens, how many an older one sealed, and which rows nothing opens."""

    newest: int = 0
    older: int = 0
    broken: list[str] = field(default_factory=list)

    def renew(self, sealed: str, name: str, bound_to: dict[str, Any]) -> str:
        """Count a value and return it sealed with the newest key; one that does not open is returned as it is."""
        try:
            value = unseal(sealed, **bound_to)
        except BrokenSeal:
            self.broken.append(name)
            return sealed
        if is_newest(sealed):
            self.newest += 1
            return sealed
        self.older += 1
        return seal(value, **bound_to)


def rotate(*, is_dry_run: bool = False) -> Seals:
    """Seal with the newest key what an older one sealed; a dry run only opens and counts. What does not open stays as it is."""
    seals = Seals()
    sealed_fields = list(_sealed_fields())
    for account_id in accounts_with_people():
        for model, names in sealed_fields:
            renew = partial(_renew_row, seals, account_id, names)
            _walk(model, renew, is_dry_run, partial(account_scope, account_id))
    _walk(Authenticator, partial(_renew_factor, seals), is_dry_run, transaction.atomic)
    return seals


def renew(row: AccountOwned) -> None:
    """Seal one row of the open account with the newest key. Raises Conflict where something in it does not open."""
    seals, rows = Seals(), type(row)._default_manager
    names = _sealed_names(type(row))
    kept = rows.select_for_update().get(pk=row.pk)
    changed = _renew_row(seals, row.account_id, names, kept)
    if seals.broken:
        raise Conflict("It does not open. Enter it again, or bring the key back that sealed it.")
    if changed:
        rows.filter(pk=row.pk).update(**{name: getattr(kept, name) for name in changed})


def _sealed_fields() -> Iterator[tuple[type[models.Model], list[str]]]:
    for model in apps.get_models():
        names = _sealed_names(model)
        if names and issubclass(model, AccountOwned):
            yield model, names


def _sealed_names(model: type[models.Model]) -> list[str]:
    return [each.name for each in model._meta.fields if each.name.startswith("sealed_")]


def _walk(
    model: type[models.Model], renew: Callable[[Any], list[str]], is_dry_run: bool, scope: Callable[[], Any]
) -> None:
    """Go over a table by its key, a batch in a transaction. `renew` changes a row and returns which fields it changed."""
    after = None
    while True:
        with scope():
            rows = model._default_manager.order_by("pk")
            rows = rows if after is None else rows.filter(pk__gt=after)
            batch = list(rows[:BATCH] if is_dry_run else rows.select_for_update()[:BATCH])
            for row in batch:
                changed = renew(row)
                if changed and not is_dry_run:
                    model._default_manager.filter(pk=row.pk).update(**{name: getattr(row, name) for name in changed})
        if len(batch) < BATCH:
            return
        after = batch[-1].pk


def _renew_row(seals: Seals, account_id: UUID, names: list[str], row: models.Model) -> list[str]:
    bound_to = {"account_id": account_id, "table": row._meta.db_table, "row_id": row.pk}
    changed = []
    for name in names:
        before = getattr(row, name)
        if before:
            setattr(row, name, seals.renew(before, f"{row._meta.db_table} {row.pk}", bound_to))
        if getattr(row, name) != before:
            changed.append(name)
    return changed


def _renew_factor(seals: Seals, row: Authenticator) -> list[str]:
    before, bound_to = row.data, factor_secrets.bound_to(row.user_id)
    row.data = factor_secrets.each_secret(
        before, lambda kept: seals.renew(kept, f"mfa_authenticator {row.pk}", bound_to)
    )
    return ["data"] if row.data != before else []
