"""The cache, one account at a time: the only place that may touch Django's."""

from collections.abc import Callable
from typing import Any

from django.core.cache import cache

from flowpilot.accounts.scope import current_account_id


class NoAccount(RuntimeError):
    """The cache was asked with no account scope open."""


def remember[T](key: str, make: Callable[[], T], *, seconds: int) -> T:
    """Return what the open account keeps under a key, making it when it is not there."""
    full = _key(key)
    found: Any = cache.get(full)
    if found is None:
        found = make()
        cache.set(full, found, seconds)
    return found


def keep(key: str, value: Any, *, seconds: int) -> None:
    """Keep a value for the open account under a key."""
    cache.set(_key(key), value, seconds)


def recall(key: str) -> Any:
    """Return what the open account keeps under a key, or None."""
    return cache.get(_key(key))


def forget(key: str) -> None:
    """Drop what the open account keeps under a key."""
    cache.delete(_key(key))


def _key(key: str) -> str:
    account_id = current_account_id()
    if account_id is None:
        raise NoAccount(key)
    return f"acct:{account_id}:{key}"
