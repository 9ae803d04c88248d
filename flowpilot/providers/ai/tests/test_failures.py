import pytest

from flowpilot.errors import Invalid, Refused, Unavailable
from flowpilot.providers.ai.base import Interrupted
from flowpilot.providers.ai.failures import Failure


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_a_busy_service_is_asked_again_after_a_pause_that_is_never_twice_the_same(status):
    pauses = {Failure("x", status).pause(1.0) for _ in range(20)}

    assert len(pauses) > 1
    assert all(0.5 <= pause <= 1.0 for pause in pauses)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_what_was_refused_is_not_asked_again(status):
    assert Failure("x", status).pause(1.0) is None


def test_a_service_that_says_so_is_not_asked_again():
    assert Failure("x", 503, is_final=True).pause(1.0) is None


def test_what_is_asked_for_goes_before_what_is_usual():
    assert 30 <= Failure("x", 429, retry_after=30.0).pause(0.5) <= 33


@pytest.mark.parametrize("reason", ["idle", "too_slow", "unreadable"])
def test_a_wait_that_was_long_is_not_repeated(reason):
    assert Failure(reason).pause(1.0) is None


@pytest.mark.parametrize(
    ("failure", "error", "words"),
    [
        (Failure("x", 401), Refused, "key was not accepted"),
        (Failure("x", 400, "max_tokens: too large"), Refused, "max_tokens: too large"),
        (Failure("x", 400, "<html>no</html>"), Refused, "refused the request: 400"),
        (Failure("x", 400, "prompt is too long"), Invalid, "Shorten"),
        (Failure("x", 429), Unavailable, "no more requests"),
        (Failure("x", 502), Unavailable, "overloaded"),
        (Failure("dropped"), Unavailable, "cannot be reached"),
        (Failure("idle"), Unavailable, "in time"),
        (Failure("unreadable"), Unavailable, "cannot be read"),
    ],
)
def test_each_failure_has_its_words(failure, error, words):
    found = failure.explain(is_begun=False)

    assert type(found) is error
    assert words in found.message


def test_whatever_ends_an_answer_that_has_begun_interrupts_it():
    found = Failure("overloaded_error", 529).explain(is_begun=True)

    assert isinstance(found, Interrupted)
    assert found.reason == "overloaded_error"
