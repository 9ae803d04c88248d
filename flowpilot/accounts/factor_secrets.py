"""Whose secret a second factor is.

Allauth seals and opens a secret without saying whose it is. So a secret that is loaded carries its person (`of_its_person`), is
opened for nobody else, and what is saved is sealed for that person first (`bind`): copied to another's row it opens nothing.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flowpilot.accounts.sealing import BrokenSeal, seal, unseal
from flowpilot.errors import Conflict

_SECRETS = ("secret", "seed")  # and a list, `migrated_codes`
_NEW = {"account_id": "sign-in", "table": "mfa_authenticator", "row_id": "new"}  # until its row is saved


class BrokenFactor(Conflict):
    """A second factor does not open: it is another person's, or its key is gone."""


class Secret(str):
    """A sealed secret and whose row it was read from."""

    bound_to: dict[str, Any]


def bound_to(user_id: UUID) -> dict[str, Any]:
    """Return what the secrets of a person's factors are bound to."""
    return {"account_id": "sign-in", "table": "mfa_authenticator", "row_id": user_id}


def seal_new(text: str) -> str:
    """Seal a secret whose row is not known yet; saving the row seals it for its person."""
    return seal(text, **_NEW)


def open_secret(sealed: str) -> str:
    """Return a factor's secret. Raises BrokenFactor for one that was not read from its person's row."""
    try:
        return unseal(sealed, **(sealed.bound_to if isinstance(sealed, Secret) else _NEW))
    except BrokenSeal as error:
        raise BrokenFactor(
            "This second factor does not open any more. Use another one, and set it up again."
        ) from error


def each_secret(data: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Return a factor's data with each of its sealed secrets changed."""
    kept: dict[str, Any] = {name: change(data[name]) for name in _SECRETS if name in data}
    if codes := data.get("migrated_codes"):
        kept["migrated_codes"] = [change(code) for code in codes]
    return data | kept


def of_its_person(data: dict[str, Any], user_id: UUID) -> dict[str, Any]:
    """Return a factor's data as its row holds it, each secret carrying whose it is."""

    def carry(sealed: str) -> Secret:
        secret = Secret(sealed)
        secret.bound_to = bound_to(user_id)
        return secret

    return each_secret(data, carry)


def bind(data: dict[str, Any], user_id: UUID) -> dict[str, Any]:
    """Return a factor's data as its row is to hold it: what is new in it sealed for its person."""

    def own(sealed: str) -> str:
        return sealed if isinstance(sealed, Secret) else seal(unseal(sealed, **_NEW), **bound_to(user_id))

    return of_its_person(each_secret(data, own), user_id)
