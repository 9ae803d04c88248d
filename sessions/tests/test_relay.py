import asyncio
from uuid import uuid4

import pytest

from sessions.relay import Glimpse, MemoryRelay

KEY = (uuid4(), uuid4())


@pytest.fixture
def relay():
    return MemoryRelay()


async def everything(relay, key=KEY, every=1.0):
    return [glimpse async for glimpse in relay.watch(key, every=every)]


async def publish(relay, *pieces, epoch=1):
    for piece in pieces:
        relay.publish(KEY, epoch, piece)
        await asyncio.sleep(0)


def run(work):
    return asyncio.run(asyncio.wait_for(work, 5))


def test_two_watchers_see_everything(relay):
    async def work():
        relay.begin(KEY, 1)
        watchers = [asyncio.create_task(everything(relay)) for _ in range(2)]
        await asyncio.sleep(0)
        await publish(relay, "Does ", "webmail ", "work?")
        relay.finish(KEY, 1)
        return await asyncio.gather(*watchers)

    for seen in run(work()):
        assert seen[-1] == Glimpse(1, "Does webmail work?", is_done=True)


def test_what_a_watcher_sees_only_grows(relay):
    async def work():
        relay.begin(KEY, 1)
        watcher = asyncio.create_task(everything(relay))
        await publish(relay, *"abcdef")
        relay.finish(KEY, 1)
        return await watcher

    texts = [glimpse.text for glimpse in run(work())]
    assert texts == sorted(texts, key=len)
    assert all("abcdef".startswith(text) for text in texts)


def test_a_late_watcher_gets_all_the_text(relay):
    async def work():
        relay.begin(KEY, 1)
        await publish(relay, "Does ", "webmail ")
        watcher = asyncio.create_task(everything(relay))
        await asyncio.sleep(0)
        await publish(relay, "work?")
        relay.finish(KEY, 1)
        return await watcher

    seen = run(work())
    assert seen[0].text.startswith("Does webmail ")
    assert seen[-1].text == "Does webmail work?"


def test_a_watcher_after_the_end_gets_it_and_ends(relay):
    async def work():
        relay.begin(KEY, 1)
        relay.publish(KEY, 1, "Done.")
        relay.finish(KEY, 1)
        return await everything(relay)

    assert run(work()) == [Glimpse(1, "Done.", is_done=True)]


def test_a_slow_watcher_misses_no_text(relay):
    async def work():
        relay.begin(KEY, 1)
        seen = []
        async for glimpse in relay.watch(KEY, every=1):
            seen.append(glimpse.text)
            if not glimpse.is_done:
                relay.publish(KEY, 1, "more ")
                relay.publish(KEY, 1, "and more")
                relay.finish(KEY, 1)
        return seen

    assert run(work()) == ["", "more and more"]


def test_a_higher_epoch_starts_anew(relay):
    async def work():
        relay.begin(KEY, 1)
        watcher = asyncio.create_task(everything(relay))
        await publish(relay, "old")
        relay.begin(KEY, 2)
        await publish(relay, "new", epoch=2)
        relay.finish(KEY, 2)
        return await watcher

    assert run(work())[-1] == Glimpse(2, "new", is_done=True)


def test_an_overtaken_publisher_is_ignored(relay):
    async def work():
        relay.begin(KEY, 2)
        relay.publish(KEY, 1, "late")
        relay.finish(KEY, 1)
        relay.publish(KEY, 2, "mine")
        relay.finish(KEY, 2)
        return await everything(relay)

    assert run(work()) == [Glimpse(2, "mine", is_done=True)]


def test_an_overtaken_worker_that_begins_late_takes_nothing_over(relay):
    async def work():
        relay.begin(KEY, 2)
        relay.publish(KEY, 2, "mine")
        relay.begin(KEY, 1)
        relay.publish(KEY, 1, "late")
        relay.finish(KEY, 2)
        return await everything(relay)

    assert run(work()) == [Glimpse(2, "mine", is_done=True)]


def test_turns_do_not_hear_each_other(relay):
    async def work():
        other = (KEY[0], uuid4())
        relay.begin(KEY, 1)
        relay.begin(other, 1)
        relay.publish(other, 1, "not yours")
        relay.finish(KEY, 1)
        return await everything(relay)

    assert run(work())[-1].text == ""


def test_quiet_yields_none(relay):
    async def work():
        return await anext(relay.watch(KEY, every=0.01))

    assert run(work()) is None


def test_publishing_before_anybody_began_is_ignored(relay):
    relay.publish(KEY, 1, "nobody")

    assert relay._channels == {}


def test_watching_what_nobody_writes_leaves_nothing(relay):
    async def work():
        watch = relay.watch(KEY, every=0.01)
        await anext(watch)
        await watch.aclose()

    run(work())
    assert relay._channels == {}


def test_one_of_two_watchers_leaving_keeps_the_other(relay):
    async def work():
        leaving, staying = relay.watch(KEY, every=0.01), asyncio.create_task(everything(relay))
        await anext(leaving)
        await leaving.aclose()
        relay.begin(KEY, 1)
        relay.publish(KEY, 1, "Hello")
        relay.finish(KEY, 1)
        return await staying

    assert run(work())[-1].text == "Hello"


def test_what_ended_is_forgotten():
    relay = MemoryRelay(kept_after_end=0.01)

    async def work():
        for _ in range(50):
            key = (uuid4(), uuid4())
            relay.begin(key, 1)
            relay.publish(key, 1, "x")
            relay.finish(key, 1)
        await asyncio.sleep(0.1)

    run(work())
    assert relay._channels == {}


def test_a_new_claim_is_not_forgotten_with_the_old():
    relay = MemoryRelay(kept_after_end=0.01)

    async def work():
        relay.begin(KEY, 1)
        relay.finish(KEY, 1)
        relay.begin(KEY, 2)
        await asyncio.sleep(0.1)

    run(work())
    assert relay._channels[KEY].epoch == 2
