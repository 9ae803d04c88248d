"""A cache that is away keeps nothing and fails nobody."""

import time

import pytest
from django.urls import reverse
from redis.backoff import NoBackoff
from redis.retry import Retry

from flowpilot.accounts import caching
from flowpilot.accounts.caching import Shelf, keep, recall, remember
from flowpilot.testing.canaries import PASSWORD


@pytest.fixture
def cache_away(settings, monkeypatch):
    """A Redis to which nobody listens. Afterwards nothing remembers that it was away."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1, "retry": Retry(NoBackoff(), 1)},
        }
    }
    monkeypatch.setattr(caching, "_asked_again_at", 0.0)


def test_what_is_remembered_is_made_anew(cache_away, scope):
    assert [remember("key", lambda: "made", seconds=60) for _ in range(2)] == ["made", "made"]


def test_what_is_kept_is_gone(cache_away, scope):
    keep("key", "value", seconds=60)

    assert recall("key") is None


def test_everybody_is_the_first_to_ask(cache_away, account):
    assert Shelf(account.id).claim("key", seconds=60)
    assert Shelf(account.id).claim("key", seconds=60)


def test_a_page_does_without_it_and_waits_for_it_once(cache_away, connected, browse):
    started = time.monotonic()

    assert browse.get("/tickets/queue").status_code == 200
    assert time.monotonic() - started < 2


def test_it_is_used_again_when_it_is_back(scope, monkeypatch):
    monkeypatch.setattr(caching, "_asked_again_at", time.monotonic() - 1)
    keep("key", "value", seconds=60)

    assert recall("key") == "value"


def test_signing_in_with_a_password_does_without_it(cache_away, client, technician):
    reply = client.post(reverse("account_login"), {"login": technician.email, "password": PASSWORD})

    assert reply.status_code == 302
