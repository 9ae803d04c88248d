"""The relay between processes, against a real Redis: set TEST_REDIS_URL to run these."""

import asyncio
import os
from uuid import uuid4

import pytest

from sessions.redis_relay import RedisRelay

URL = os.environ.get("TEST_REDIS_URL", "")
pytestmark = pytest.mark.skipif(not URL, reason="needs a Redis: set TEST_REDIS_URL")


async def _read(relay, key, *, quiet=0.2):
    return [glimpse async for glimpse in relay.watch(key, every=quiet)]


def test_a_late_reader_gets_all_the_text():
    async def run():
        relay, key = RedisRelay(URL), (uuid4(), uuid4())
        relay.begin(key, 1)
        for piece in ("Does ", "webmail ", "work?"):
            relay.publish(key, 1, piece)
        relay.finish(key, 1)
        return await _read(RedisRelay(URL), key)

    glimpses = asyncio.run(run())
    assert glimpses[-1].text == "Does webmail work?"
    assert glimpses[-1].is_done


def test_a_higher_epoch_starts_anew_and_the_overtaken_is_ignored():
    async def run():
        relay, key = RedisRelay(URL), (uuid4(), uuid4())
        relay.begin(key, 1)
        relay.publish(key, 1, "old")
        relay.begin(key, 2)
        relay.publish(key, 1, "late")
        relay.publish(key, 2, "new")
        relay.finish(key, 2)
        return await _read(relay, key)

    assert asyncio.run(run())[-1].text == "new"


def test_an_idle_reader_hears_nothing_new():
    async def run():
        return await anext(aiter(RedisRelay(URL).watch((uuid4(), uuid4()), every=0.05)))

    assert asyncio.run(run()) is None
