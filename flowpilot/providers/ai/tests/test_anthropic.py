import logging

import pytest

from flowpilot.errors import Invalid, Refused, Unavailable
from flowpilot.providers.ai.base import SystemBlock
from flowpilot.providers.ai.tests.asking import SCHEMA, ask, ask_json, stream

SYSTEM = [SystemBlock("You are FlowPilot. " * 200)]


@pytest.mark.parametrize(
    ("status", "error", "asked"),
    [
        (400, Refused, 1),
        (401, Refused, 1),
        (402, Refused, 1),
        (403, Refused, 1),
        (404, Refused, 1),
        (413, Invalid, 1),
        (429, Unavailable, 2),
        (500, Unavailable, 2),
        (503, Unavailable, 2),
        (529, Unavailable, 2),
    ],
)
def test_each_status_has_its_error(server, claude, status, error, asked):
    server.fail(status, times=2)

    with pytest.raises(error):
        ask(claude)

    assert len(server.requests) == asked


def test_a_prompt_that_is_too_long_is_invalid(server, claude):
    server.fail(400, "prompt is too long: 1000001 tokens > 1000000 maximum")

    with pytest.raises(Invalid, match="Shorten"):
        ask(claude)


def test_the_cache_is_logged_from_the_final_usage(server, claude, caplog):
    caplog.set_level(logging.INFO, "flowpilot.ai")

    stream(claude, system=SYSTEM)
    stream(claude.with_service("resolution_note"), system=SYSTEM)

    first, second = (line for line in caplog.messages if line.startswith("anthropic.cache"))
    assert "service=chat model=claude-sonnet-5-5 cache_read_input_tokens=0 cache_creation_input_tokens=957" in first
    assert (
        "service=resolution_note model=claude-sonnet-5-5 cache_read_input_tokens=957 cache_creation_input_tokens=0"
        in second
    )


def test_json_is_asked_for_by_schema(server, claude):
    server.answer('{"title": "Outlook"}')

    value, completion = ask_json(claude)

    assert value == {"title": "Outlook"}
    assert completion.stop_reason == "end_turn"
    assert server.requests[0].body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
