"""The cache, one account at a time: the only place that may touch Django's.

A Redis that is away keeps nothing, and fails no page: for some seconds it is not even asked. What sign-in counts there, codes, mails and
which code was used, each process counts for itself meanwhile: a limit is never off, it is as many times as high as there are processes.
"""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.core.cache import cache, caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

from flowpilot.accounts.scope import current_account_id
from flowpilot.errors import Unavailable

log = logging.getLogger("flowpilot.cache")
_LEFT_ALONE = 5.0  # seconds after it did not answer
_asked_again_at = 0.0
_COUNTED = "allauth"  # what the keys of sign-in's counters begin with


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


def forget_all(ids: Iterable[UUID]) -> None:
    """Drop everything whose key names one of these ids, whoever put it there. Raises Unavailable while Redis is away."""
    marks, backend = [str(each) for each in ids], caches["default"]
    if isinstance(backend, SteadyRedisCache):
        backend.forget_all(marks)
    else:
        _forget_here(backend, marks)


class SteadyRedisCache(RedisCache):
    """Redis; what sign-in counts is counted in this process while Redis is away."""

    def __init__(self, server, params):
        super().__init__(server, params)
        self._here = LocMemCache("counted-while-away", {})

    def get(self, key, *args, **kwargs):
        return self._or_here(key, super().get, self._here.get, *args, **kwargs)

    def add(self, key, *args, **kwargs):
        return self._or_here(key, super().add, self._here.add, *args, **kwargs)

    def set(self, key, *args, **kwargs):
        return self._or_here(key, super().set, self._here.set, *args, **kwargs)

    def delete(self, key, *args, **kwargs):
        return self._or_here(key, super().delete, self._here.delete, *args, **kwargs)

    def forget_all(self, marks: list[str]) -> None:
        """Drop what is kept under a key that holds one of these, be it ours or another's on the same server."""
        _forget_here(self._here, marks)
        client = self._cache.get_client(write=True)
        try:
            for key in client.scan_iter(count=1000):
                if any(mark.encode() in key for mark in marks):
                    client.delete(key)
        except RedisError as error:
            raise Unavailable("Redis is away: what it keeps cannot be deleted now.") from error

    def _or_here(self, key, there, here, *args, **kwargs):
        if not key.startswith(_COUNTED):
            return there(key, *args, **kwargs)
        if _is_left_alone():
            return here(key, *args, **kwargs)
        try:
            return there(key, *args, **kwargs)
        except RedisError as error:
            _leave_alone(error)
            return here(key, *args, **kwargs)


def _forget_here(backend: Any, marks: list[str]) -> None:
    for key in [key for key in list(backend._cache) if any(mark in key for mark in marks)]:
        with backend._lock:
            backend._cache.pop(key, None)
            backend._expire_info.pop(key, None)


def _ask(otherwise: Any, ask: Callable[..., Any], *what: Any) -> Any:
    """Return what the cache says, or `otherwise` while it is away."""
    if _is_left_alone():
        return otherwise
    try:
        return ask(*what)
    except RedisError as error:
        _leave_alone(error)
        return otherwise


def _is_left_alone() -> bool:
    return time.monotonic() < _asked_again_at


def _leave_alone(error: RedisError) -> None:
    global _asked_again_at
    _asked_again_at = time.monotonic() + _LEFT_ALONE
    log.warning("cache.away error=%s", type(error).__name__)


def _key(key: str) -> str:
    account_id = current_account_id()
    if account_id is None:
        raise NoAccount(key)
    return _full(account_id, key)


def _full(account_id: UUID, key: str) -> str:
    return f"acct:{account_id}:{key}"
