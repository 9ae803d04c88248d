import pytest

from flowpilot.providers.ai.breaker import FAILURES, PROBE_EVERY, WITHIN, Breaker

KEY = "anthropic:"


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(clock)


@pytest.fixture
def opened(breaker):
    for _ in range(FAILURES):
        breaker.failed(KEY)
    return breaker


def test_four_failures_leave_it_closed(breaker):
    for _ in range(FAILURES - 1):
        breaker.failed(KEY)

    assert breaker.allows(KEY)


def test_the_fifth_failure_opens_it(opened):
    assert not opened.allows(KEY)


def test_failures_far_apart_do_not_open_it(breaker, clock):
    for _ in range(FAILURES * 2):
        breaker.failed(KEY)
        clock.now += WITHIN / 2

    assert breaker.allows(KEY)


def test_one_probe_goes_through_each_fifteen_seconds(opened, clock):
    allowed = []
    for _ in range(60):
        allowed.append(opened.allows(KEY))
        clock.now += 1

    assert sum(allowed) == 3
    assert [second for second, is_allowed in enumerate(allowed) if is_allowed] == [15, 30, 45]


def test_a_probe_that_fails_leaves_it_open(opened, clock):
    clock.now += PROBE_EVERY
    assert opened.allows(KEY)
    opened.failed(KEY)

    assert not opened.allows(KEY)


def test_a_probe_that_succeeds_closes_it(opened, clock):
    clock.now += PROBE_EVERY
    assert opened.allows(KEY)
    opened.succeeded(KEY)

    assert opened.allows(KEY)
    assert not opened.is_open(KEY)


def test_looking_takes_no_probe(opened, clock):
    clock.now += PROBE_EVERY

    assert not opened.is_open(KEY)
    assert opened.allows(KEY)


def test_another_address_is_another_circuit(opened):
    assert opened.allows("anthropic:http://127.0.0.1:9")
