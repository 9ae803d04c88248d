import asyncio
import logging
import subprocess
import sys
import time

import pytest

from flowpilot.errors import Invalid, Refused, Unavailable
from flowpilot.providers.ai.anthropic import AnthropicProvider
from flowpilot.providers.ai.base import Completion, Interrupted, Message, SystemBlock
from flowpilot.providers.ai.remote import Limits
from flowpilot.testing.messages_rules import PrefixCache
from flowpilot.testing.messages_server import DEMO_ANSWER

HELLO = [Message("user", "Outlook does not start.")]
SYSTEM = [SystemBlock("You are FlowPilot. " * 200)]
SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "steps": {"type": "array", "items": {"type": "string"}}},
    "required": ["title"],
    "additionalProperties": False,
}


def call(provider, system="Be brief.", messages=HELLO):
    return {"system_prompt": system, "messages": messages, "model": "claude-sonnet-5-5", "max_tokens": 1000}


def stream(provider, **kwargs):
    """Everything a stream yields, and the error that ended it."""

    async def run():
        found = []
        try:
            async for piece in provider.generate_text_stream(**call(provider, **kwargs)):
                found.append(piece)
        except (Unavailable, Refused, Invalid) as error:
            return found, error
        return found, None

    return asyncio.run(run())


def ask(provider, **kwargs):
    return asyncio.run(provider.generate_text(**call(provider, **kwargs)))


def ask_json(provider):
    return asyncio.run(provider.generate_json(**call(provider), schema=SCHEMA))


def test_a_stream_is_pieces_of_text_and_one_completion(claude):
    (*pieces, completion), error = stream(claude)

    assert error is None
    assert len(pieces) >= 20
    assert all(isinstance(piece, str) for piece in pieces)
    assert completion.text == "".join(pieces) == DEMO_ANSWER
    assert (completion.provider, completion.model, completion.stop_reason) == (
        "anthropic",
        "claude-sonnet-5-5",
        "end_turn",
    )
    assert completion.usage.output_tokens > 1


def test_the_thinking_block_is_no_text(server, claude):
    server.answer("Yes.")

    assert ask(claude).text == "Yes."


def test_line_separators_inside_the_text_do_not_break_it(server, claude):
    odd = "a\u2028b\u0085c\x0bd\r\ne"
    server.answer(odd, pieces=[odd])

    assert ask(claude).text == odd


def test_nul_never_reaches_the_database(server, claude):
    server.answer("a\x00b", pieces=["a\x00", "b"])

    assert ask(claude).text == "ab"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("error", "overloaded_error"),
        ("drop", "dropped"),
        ("end", "ended_early"),
        ("stall", "idle"),
        ("garbage", "unreadable"),
    ],
)
def test_an_answer_that_breaks_off_is_interrupted_after_what_arrived(server, claude, fault, reason):
    server.break_off(fault, after=3)

    pieces, error = stream(claude)

    assert len(pieces) == 3
    assert isinstance(error, Interrupted)
    assert error.reason == reason
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", ["error", "drop", "end"])
def test_a_stream_that_broke_before_any_text_is_asked_again(server, claude, fault):
    server.break_off(fault, after=0)

    pieces, error = stream(claude)

    assert error is None
    assert isinstance(pieces[-1], Completion)
    assert len(server.requests) == 2


def test_a_stream_that_keeps_breaking_before_any_text_is_unavailable(server, claude):
    server.break_off("error", after=0, times=2)

    pieces, error = stream(claude)

    assert pieces == []
    assert type(error) is Unavailable


@pytest.mark.parametrize("after", [None, 0])
def test_silence_from_the_start_is_unavailable_within_the_deadline(server, claude, after):
    server.break_off("stall", after=after)
    start = time.monotonic()

    pieces, error = stream(claude)

    assert pieces == []
    assert type(error) is Unavailable
    assert "in time" in error.message
    assert time.monotonic() - start < 2


def test_an_answer_that_takes_too_long_in_all_is_interrupted(server):
    limits = Limits(first=1, idle=1, total=0.5)
    provider = AnthropicProvider(server.api_key, server.base_url, limits=limits)
    server.answer("x" * 100, delay=0.05)

    pieces, error = stream(provider)

    assert pieces
    assert error.reason == "too_slow"


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


def test_a_passing_failure_is_asked_again(server, claude):
    server.fail(529, retry_after=0.01)

    assert ask(claude).text == DEMO_ANSWER


def test_a_long_retry_after_is_not_obeyed(server, claude):
    server.fail(429, retry_after=3600)
    start = time.monotonic()

    with pytest.raises(Unavailable):
        ask(claude)

    assert time.monotonic() - start < 1
    assert len(server.requests) == 1


def test_a_wrong_key_is_refused_in_words(server):
    with pytest.raises(Refused, match="AI key was not accepted"):
        ask(AnthropicProvider("sk-ant-wrong", server.base_url))


def test_nobody_there_is_unavailable():
    with pytest.raises(Unavailable, match="cannot be reached"):
        ask(AnthropicProvider("sk", "http://127.0.0.1:9", limits=Limits(retries=0)))


@pytest.mark.parametrize("reason", ["refusal", "max_tokens"])
def test_a_stop_reason_is_passed_on(server, claude, reason):
    server.answer("", stop_reason=reason)

    completion = ask(claude)

    assert (completion.text, completion.stop_reason) == ("", reason)


def test_every_loop_has_its_own_connections(claude):
    assert [ask(claude).text, ask(claude).text] == [DEMO_ANSWER, DEMO_ANSWER]
    assert len(claude._clients) == 1  # that of the closed loop is gone


def test_one_loop_has_one_client(server, claude):
    async def run():
        await asyncio.gather(*(claude.generate_text(**call(claude)) for _ in range(5)))
        return len(claude._clients)

    assert asyncio.run(run()) == 1


def test_a_reader_that_leaves_frees_the_connection(server, claude):
    async def run():
        pieces = claude.generate_text_stream(**call(claude))
        await anext(pieces)
        await pieces.aclose()
        return (await claude.generate_text(**call(claude))).text

    assert asyncio.run(run()) == DEMO_ANSWER


def test_importing_the_provider_does_not_import_the_sdk():
    code = (
        "import sys, flowpilot.providers.ai.anthropic; sys.exit('anthropic' in sys.modules or 'httpx2' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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


def test_a_log_that_fails_does_not_break_the_stream(claude):
    def fail(record):
        raise RuntimeError("the log is full")

    log = logging.getLogger("flowpilot.ai")
    log.addFilter(fail)
    log.setLevel(logging.INFO)
    try:
        assert ask(claude).text == DEMO_ANSWER
    finally:
        log.removeFilter(fail)
        log.setLevel(logging.NOTSET)


def test_json_is_asked_for_by_schema(server, claude):
    server.answer('{"title": "Outlook"}')

    value, completion = ask_json(claude)

    assert value == {"title": "Outlook"}
    assert completion.stop_reason == "end_turn"
    assert server.requests[0].body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}


@pytest.mark.parametrize(
    "bad",
    [
        '{"title": ',
        '["title"]',
        '{"steps": []}',
        '{"title": 1}',
        '{"title": "", "steps": [1]}',
        '{"title": "", "x": 1}',
    ],
)
def test_json_that_does_not_fit_is_sent_back_once(server, claude, bad):
    server.answer(bad)
    server.answer('{"title": "Outlook"}')

    value, completion = ask_json(claude)

    assert value == {"title": "Outlook"}
    paid = [PrefixCache(512).use(request.body)["input_tokens"] for request in server.requests]
    assert completion.usage.input_tokens == sum(paid)
    assert "does not fit the schema" in server.requests[1].body["messages"][-1]["content"][0]["text"]


def test_json_that_never_fits_is_unavailable(server, claude):
    server.answer("no")
    server.answer("never")

    with pytest.raises(Unavailable):
        ask_json(claude)


@pytest.mark.parametrize(("reason", "error"), [("refusal", Refused), ("max_tokens", Invalid)])
def test_json_that_was_refused_or_cut_is_not_read(server, claude, reason, error):
    server.answer('{"title": "Outlook"}', stop_reason=reason)

    with pytest.raises(error):
        ask_json(claude)
