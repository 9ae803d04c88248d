"""Few calls at a time, none while ConnectWise wants quiet, and nobody waits longer than they said."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from flowpilot.errors import Unavailable
from flowpilot.providers.connectwise import gate
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.errors import Throttled, Uncertain
from flowpilot.providers.connectwise.sandbox import Reply

OUTLOOK = 48213
INTERNAL = {"is_internal": True, "is_discussion": False, "is_resolution": False}


@pytest.fixture
def connectwise(sandbox, base_url):
    """A client that soon gives up on what stalls."""
    with ConnectWise(base_url=base_url, **sandbox.credentials, read_timeout=0.4) as client:
        yield client


def outcome(call):
    started = time.monotonic()
    try:
        call()
    except Unavailable as error:
        return type(error), time.monotonic() - started
    return None, time.monotonic() - started


def test_never_more_than_four_at_a_time(connectwise, sandbox):
    sandbox.app.latency = 0.03
    sandbox.switches.most_at_once = gate.AT_ONCE
    with ThreadPoolExecutor(16) as threads:
        tickets = list(threads.map(lambda _: connectwise.get_ticket(OUTLOOK), range(32)))

    assert len(tickets) == 32
    assert sandbox.app.door.most_inside <= gate.AT_ONCE


def test_one_hanging_tenant_does_not_keep_another_waiting(sandbox, base_url):
    slow, quick = (ConnectWise(base_url=base_url, **sandbox.credentials, read_timeout=1.0) for _ in range(2))
    sandbox.fail_next("stall", times=4, match="/notes")
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(outcome, lambda: slow.find_note(OUTLOOK, "x", since=None)) for _ in range(4)]
        time.sleep(0.1)
        _, seconds = outcome(lambda: quick.get_ticket(OUTLOOK))
        assert [each.result()[0] for each in waiting] == [Unavailable] * 4

    assert seconds < 0.5


def test_a_429_silences_the_tenant_as_long_as_it_says(connectwise, sandbox):
    sandbox.fail_next("429")

    assert outcome(lambda: connectwise.get_ticket(OUTLOOK))[0] is Throttled
    error, seconds = outcome(lambda: connectwise.create_note(OUTLOOK, "x", **INTERNAL))

    assert (error, seconds < 0.1, len(sandbox.seen)) == (Throttled, True, 1)


def test_a_short_429_is_waited_for(connectwise, sandbox):
    sandbox.fail_next(Reply(429, {"error": "ConnectWiseAPI"}, {"Retry-After": "1"}), times=1)

    error, seconds = outcome(lambda: connectwise.get_ticket(OUTLOOK))

    assert error is None
    assert 0.9 < seconds < 2


def test_after_silence_only_a_probe_goes_out(connectwise, sandbox, monkeypatch):
    monkeypatch.setattr(gate, "QUIET_SECONDS", 0.3)
    sandbox.fail_next("stall", times=gate.FAILURES_THAT_OPEN)
    for _ in range(gate.FAILURES_THAT_OPEN):
        outcome(lambda: connectwise.get_ticket(OUTLOOK))
    error, seconds = outcome(lambda: connectwise.get_ticket(OUTLOOK))
    asked = len(sandbox.seen)
    time.sleep(0.35)

    assert (error, seconds < 0.05, asked) == (Unavailable, True, gate.FAILURES_THAT_OPEN)
    assert connectwise.get_ticket(OUTLOOK).id == OUTLOOK
    assert connectwise.get_ticket(OUTLOOK).id == OUTLOOK


@pytest.mark.parametrize("fault", ["503html", "200html", "429", "stall", "drop"])
def test_a_hurried_caller_waits_no_longer_than_it_said(sandbox, base_url, fault):
    sandbox.fail_next(fault, times=20)
    with ConnectWise(base_url=base_url, **sandbox.credentials, read_timeout=10.0) as client:
        started = time.monotonic()
        hurried = client.within(0.6)
        for _ in range(3):
            outcome(lambda: hurried.get_ticket(OUTLOOK))

    assert time.monotonic() - started < 0.9


def test_a_hurried_write_that_is_late_is_uncertain(sandbox, base_url):
    sandbox.app.latency = 1.0
    with ConnectWise(base_url=base_url, **sandbox.credentials) as client, pytest.raises(Uncertain):
        client.within(0.3).create_note(OUTLOOK, "x", **INTERNAL)


def test_a_caller_whose_time_is_up_sends_nothing(connectwise, sandbox):
    hurried = connectwise.within(0.01)
    time.sleep(0.02)

    with pytest.raises(Unavailable) as caught:
        hurried.create_note(OUTLOOK, "x", **INTERNAL)

    assert not isinstance(caught.value, Uncertain)
    assert sandbox.seen == []


def test_the_rate_stays_below_what_connectwise_refuses(monkeypatch):
    monkeypatch.setattr(gate, "BURST", 5.0)
    monkeypatch.setattr(gate, "CALLS_A_SECOND", 50.0)
    bucket, started = gate.Gate(), time.monotonic()
    bucket._tokens = gate.BURST
    for _ in range(15):
        with bucket.place(1.0):
            pass

    assert time.monotonic() - started >= 0.18


def test_places_are_given_back_after_failures(connectwise, sandbox):
    sandbox.fail_next("drop", times=50, match="POST")
    threads = [
        threading.Thread(target=lambda: outcome(lambda: connectwise.create_note(OUTLOOK, "x", **INTERNAL)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert connectwise.get_ticket(OUTLOOK).id == OUTLOOK
