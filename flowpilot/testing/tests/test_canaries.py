import logging

import pytest

from flowpilot.testing import messages_server
from flowpilot.testing.canaries import PASSWORD, CanaryWatch, find_canary


@pytest.fixture
def watched():
    """A logger of its own, so that what it says fails nothing here, and its watch."""
    log, watch = logging.getLogger("watched"), CanaryWatch()
    log.propagate = False
    log.addHandler(watch)
    yield log, watch
    log.removeHandler(watch)


def test_a_secret_is_caught_wherever_it_stands_in_a_line(watched):
    log, watch = watched
    log.error("The key is %s.", messages_server.API_KEY)
    log.error(PASSWORD)

    assert len(watch.caught) == 2


def test_a_secret_in_the_words_of_an_error_is_caught_and_of_its_cause(watched):
    log, watch = watched
    try:
        try:
            raise ValueError(PASSWORD)
        except ValueError as error:
            raise RuntimeError("It broke.") from error
    except RuntimeError:
        log.exception("turn.broke")

    assert len(watch.caught) == 1


def test_a_planted_secret_is_caught(watched):
    log, watch = watched
    watch.plant("s3ss10n")
    log.error("cookie=s3ss10n")

    assert len(watch.caught) == 1


def test_an_ordinary_line_is_not(watched):
    log, watch = watched
    log.error("turn.finished turn=%s provider=%s", "5e55", "anthropic")

    assert watch.caught == []


def test_ticket_texts_of_the_sandbox_are_known():
    assert find_canary("note: Identity confirmed by call-back to the number on file and by the line manager.")
    assert find_canary("Outlook") == ""


@pytest.mark.parametrize(
    "library", ["anthropic._base_client", "google_genai.models", "httpx", "httpx2", "httpcore2.http11"]
)
def test_a_library_that_logs_what_it_sends_is_quiet_at_any_level(library):
    root = logging.getLogger()
    usual = root.level
    root.setLevel(logging.DEBUG)
    try:
        assert not logging.getLogger(library).isEnabledFor(logging.INFO)
    finally:
        root.setLevel(usual)


def test_what_is_watched_is_the_root(log_watch):
    assert log_watch in logging.getLogger().handlers
