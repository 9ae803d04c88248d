"""The cache, one account at a time: the only place that may touch Django's.

A Redis that is away keeps nothing, and fails no page: for some seconds it is not even asked.
"""

import logging
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.cache import cache
from redis.exceptions import RedisError

from flowpilot.accounts.scope import current_account_id

log = logging.getLogger("flowpilot.cache")
_LEFT_ALONE = 5.0  # seconds after it did not answer
_asked_again_at = 0.0


class NoAccount(RuntimeError):
    """The cache was asked with no account scope open."""


class Shelf:
    """What one account keeps, for code that asks the outside and so has no scope open."""

    def __init__(self, account_id: UUID) -> None:
        self._account_id = account_id

    def get(self, key: str) -> Any:
        """Return what is kept under a key, or None."""
        return _ask(None, cache.get, _full(self._account_id, key))

    def set(self, key: str, value: Any, *, seconds: int) -> None:
        """Keep a value under a key, in place of what was there."""
        _ask(None, cache.set, _full(self._account_id, key), value, seconds)

    def claim(self, key: str, *, seconds: int) -> bool:
        """Return whether we are the first to ask for this key in so many seconds: one of many does a job."""
        return _ask(True, cache.add, _full(self._account_id, key), True, seconds)

    def forget(self, key: str) -> None:
        """Drop what is kept under a key."""
        _ask(None, cache.delete, _full(self._account_id, key))


def remember[T](key: str, make: Callable[[], T], *, seconds: int) -> T:
    """Return what the open account keeps under a key, making it when it is not there."""
    full = _key(key)
    found: Any = _ask(None, cache.get, full)
    if found is None:
        found = make()
        _ask(None, cache.set, full, found, seconds)
    return found


def keep(key: str, value: Any, *, seconds: int) -> None:
    """Keep a value for the open account under a key."""
    _ask(None, cache.set, _key(key), value, seconds)


def recall(key: str) -> Any:
    """Return what the open account keeps under a key, or None."""
    return _ask(None, cache.get, _key(key))


def forget(key: str) -> None:
    """Drop what the open account keeps under a key."""
    _ask(None, cache.delete, _key(key))


def _ask(otherwise: Any, ask: Callable[..., Any], *what: Any) -> Any:
    """Return what the cache says, or `otherwise` while it is away."""
    global _asked_again_at
    if time.monotonic() < _asked_again_at:
        return otherwise
    try:
        return ask(*what)
    except RedisError as error:
        _asked_again_at = time.monotonic() + _LEFT_ALONE
        log.warning("cache.away error=%s", type(error).__name__)
        return otherwise


def _key(key: str) -> str:
    account_id = current_account_id()
    if account_id is None:
        raise NoAccount(key)
    return _full(account_id, key)


def _full(account_id: UUID, key: str) -> str:
    return f"acct:{account_id}:{key}"
