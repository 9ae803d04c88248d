from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from flowpilot.providers.ai.breaker import breaker


@pytest.fixture
def ai(claude, settings):
    claude.reset()
    breaker.reset()
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = claude.api_key, claude.base_url
    return claude


def check(person, *arguments):
    out = StringIO()
    call_command("ai_check", "--owner", person.email, *arguments, stdout=out)
    return out.getvalue()


def test_each_service_is_asked_twice_and_the_second_reads_the_cache(ai, technician):
    said = check(technician, "--service", "chat", "--service", "ticket_parse")

    assert len(ai.requests) == 4
    assert "claude-sonnet-5-5" in said
    assert "claude-haiku-5-5" in said
    assert "The second call read from the cache in 2 of 2 services." in said


def test_what_fails_is_said_and_makes_the_command_fail(ai, technician):
    ai.fail(401)

    with pytest.raises(CommandError, match="Not every service answered"):
        check(technician, "--service", "chat")


def test_without_a_key_it_says_who_answers(technician):
    with pytest.raises(CommandError, match="the guided engine answers"):
        check(technician)


def test_no_key_is_printed(ai, technician):
    assert ai.api_key not in check(technician, "--service", "chat")
