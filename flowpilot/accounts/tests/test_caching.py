"""A cache that is away keeps nothing and fails nobody."""

import os
import time
from uuid import uuid4

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.test import Client
from django.urls import reverse
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from flowpilot.accounts import caching
from flowpilot.accounts.caching import Shelf, forget_all, keep, recall, remember
from flowpilot.accounts.tests.codes import code_of, totp
from flowpilot.errors import Unavailable
from flowpilot.testing.canaries import PASSWORD

REDIS = os.environ.get("TEST_REDIS_URL", "")


@pytest.fixture
def cache_away(settings, monkeypatch):
    """A Redis to which nobody listens. Afterwards nothing remembers that it was away."""
    settings.CACHES = {
        "default": {
            "BACKEND": "flowpilot.accounts.caching.SteadyRedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1, "retry": Retry(NoBackoff(), 1)},
        }
    }
    monkeypatch.setattr(caching, "_asked_again_at", 0.0)
    LocMemCache("counted-while-away", {}).clear()


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


def test_a_forgotten_password_is_mailed_without_it(cache_away, client, technician):
    reply = client.post(reverse("account_reset_password"), {"email": technician.email}, follow=True)

    assert (reply.status_code, [each.to for each in mail.outbox]) == (200, [[technician.email]])


def test_mails_are_counted_without_it_and_refused_in_words(cache_away, client, technician):
    replies = [client.post(reverse("account_reset_password"), {"email": technician.email}) for _ in range(6)]

    assert [each.status_code for each in replies[:5]] == [302] * 5
    assert b"Too many tries" in replies[5].content
    assert len(mail.outbox) == 5


def test_codes_are_counted_without_it(cache_away, client, technician):
    secret = totp(technician)
    client.post(reverse("account_login"), {"login": technician.email, "password": PASSWORD})
    for _ in range(5):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})

    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})

    assert client.get(reverse("home")).status_code == 302


def test_a_code_signs_in_once_without_it(cache_away, technician):
    secret = totp(technician)
    replies = []
    for _ in range(2):
        client = Client()
        client.post(reverse("account_login"), {"login": technician.email, "password": PASSWORD})
        client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
        replies.append(client.get(reverse("home")).status_code)

    assert replies == [200, 302]


def test_everything_that_names_an_id_is_dropped_and_nothing_else():
    ours, theirs = uuid4(), uuid4()
    for each in (ours, theirs):
        Shelf(each).set("key", "value", seconds=60)
        cache.set(f"allauth:rl:user:{each}", [1], 60)

    forget_all([ours])

    assert [Shelf(each).get("key") for each in (ours, theirs)] == [None, "value"]
    assert [cache.get(f"allauth:rl:user:{each}") for each in (ours, theirs)] == [None, [1]]


@pytest.mark.skipif(not REDIS, reason="needs a Redis: set TEST_REDIS_URL")
def test_in_redis_too_with_what_others_keep_there(settings):
    steady = {"BACKEND": "flowpilot.accounts.caching.SteadyRedisCache", "LOCATION": REDIS}
    settings.CACHES = {"default": steady}
    ours, theirs = uuid4(), uuid4()
    with Redis.from_url(REDIS) as redis:
        for each in (ours, theirs):
            Shelf(each).set("key", "value", seconds=60)
            redis.set(f"acct:{each}:turn:1", "text", ex=60)

        forget_all([ours])

        left = [any(str(each).encode() in key for key in redis.scan_iter()) for each in (ours, theirs)]
    assert left == [False, True]


def test_what_cannot_be_dropped_now_is_said(cache_away):
    with pytest.raises(Unavailable):
        forget_all([uuid4()])
