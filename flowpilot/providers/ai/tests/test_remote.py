"""What holds for every provider that is asked over HTTP."""

import asyncio
import logging
import subprocess
import sys
import time

import pytest

from flowpilot.errors import Invalid, Refused, Unavailable
from flowpilot.providers.ai.base import Completion, Interrupted, SystemBlock
from flowpilot.providers.ai.remote import Limits
from flowpilot.providers.ai.tests.asking import MODELS, ask, ask_json, call, stream
from flowpilot.testing.scripted_server import DEMO_ANSWER


def test_a_stream_is_pieces_of_text_and_one_completion(remote):
    (*pieces, completion), error = stream(remote.provider)

    assert error is None
    assert len(pieces) >= 20
    assert all(isinstance(piece, str) for piece in pieces)
    assert completion.text == "".join(pieces) == DEMO_ANSWER
    assert (completion.provider, completion.model) == (remote.provider.name, MODELS[remote.provider.name])
    assert completion.stop_reason == "end_turn"
    assert completion.usage.output_tokens > 1


def test_thinking_is_no_text(remote):
    remote.server.answer("Yes.")

    assert ask(remote.provider).text == "Yes."


def test_line_separators_inside_the_text_do_not_break_it(remote):
    odd = "a\u2028b\u0085c\x0bd\r\ne"
    remote.server.answer(odd, pieces=[odd])

    assert ask(remote.provider).text == odd


def test_nul_never_reaches_the_database(remote):
    remote.server.answer("a\x00b", pieces=["a\x00", "b"])

    assert ask(remote.provider).text == "ab"


@pytest.mark.parametrize("fault", ["error", "drop", "end", "stall", "garbage"])
def test_an_answer_that_breaks_off_is_interrupted_after_what_arrived(remote, fault):
    remote.server.break_off(fault, after=3)

    pieces, error = stream(remote.provider)

    assert len(pieces) == 3
    assert isinstance(error, Interrupted)
    assert error.reason in {"overloaded_error", "unavailable", "dropped", "ended_early", "idle", "unreadable"}
    assert len(remote.server.requests) == 1


@pytest.mark.parametrize("fault", ["error", "drop", "end"])
def test_a_stream_that_broke_before_any_text_is_asked_again(remote, fault):
    remote.server.break_off(fault, after=0)

    pieces, error = stream(remote.provider)

    assert error is None
    assert isinstance(pieces[-1], Completion)
    assert len(remote.server.requests) == 2


def test_a_stream_that_keeps_breaking_before_any_text_is_unavailable(remote):
    remote.server.break_off("error", after=0, times=2)

    pieces, error = stream(remote.provider)

    assert pieces == []
    assert type(error) is Unavailable


@pytest.mark.parametrize("after", [None, 0])
def test_silence_from_the_start_is_unavailable_within_the_deadline(remote, after):
    remote.server.break_off("stall", after=after)
    start = time.monotonic()

    pieces, error = stream(remote.provider)

    assert pieces == []
    assert type(error) is Unavailable
    assert "in time" in error.message
    assert time.monotonic() - start < 2


def test_an_answer_that_takes_too_long_in_all_is_interrupted(remote):
    remote.provider._limits = Limits(first=1, idle=1, total=0.5)
    remote.server.answer("x" * 100, delay=0.05)

    pieces, error = stream(remote.provider)

    assert pieces
    assert error.reason == "too_slow"


def test_a_passing_failure_is_asked_again(remote):
    remote.server.fail(503, retry_after=0.01)

    assert ask(remote.provider).text == DEMO_ANSWER


def test_a_long_retry_after_is_not_obeyed(remote):
    remote.server.fail(429, retry_after=3600)
    start = time.monotonic()

    with pytest.raises(Unavailable):
        ask(remote.provider)

    assert time.monotonic() - start < 1
    assert len(remote.server.requests) == 1


def test_a_wrong_key_is_refused_in_words(remote):
    wrong = type(remote.provider)("sk-wrong", remote.server.base_url)

    with pytest.raises(Refused, match="AI key was not accepted"):
        ask(wrong)


def test_nobody_there_is_unavailable(remote):
    alone = type(remote.provider)("sk", "http://127.0.0.1:9", limits=Limits(retries=0))

    with pytest.raises(Unavailable, match="cannot be reached"):
        ask(alone)


@pytest.mark.parametrize("reason", ["refusal", "max_tokens"])
def test_a_stop_reason_is_passed_on(remote, reason):
    remote.server.answer("", stop_reason=reason)

    completion = ask(remote.provider)

    assert (completion.text, completion.stop_reason) == ("", reason)


def test_every_loop_has_its_own_connections(remote):
    assert [ask(remote.provider).text, ask(remote.provider).text] == [DEMO_ANSWER, DEMO_ANSWER]
    assert len(remote.provider._clients) == 1  # that of the closed loop is gone


def test_one_loop_has_one_client(remote):
    async def run():
        await asyncio.gather(*(remote.provider.generate_text(**call(remote.provider)) for _ in range(5)))
        return len(remote.provider._clients)

    assert asyncio.run(run()) == 1


def test_a_finished_answer_leaves_its_connection_to_the_next_call(remote):
    async def run():
        for _ in range(3):
            await remote.provider.generate_text(**call(remote.provider))

    asyncio.run(run())

    assert len({request.port for request in remote.server.requests}) == 1


def test_a_reader_that_leaves_frees_the_connection(remote):
    async def run():
        pieces = remote.provider.generate_text_stream(**call(remote.provider))
        await anext(pieces)
        await pieces.aclose()
        return (await remote.provider.generate_text(**call(remote.provider))).text

    assert asyncio.run(run()) == DEMO_ANSWER


@pytest.mark.parametrize(("module", "sdk"), [("anthropic", "anthropic"), ("gemini", "google.genai")])
def test_importing_a_provider_does_not_import_its_sdk(module, sdk):
    code = f"import sys, flowpilot.providers.ai.{module}; sys.exit({sdk!r} in sys.modules or 'httpx2' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("asking", [stream, ask], ids=["streamed", "whole"])
def test_what_an_answer_read_from_the_cache_is_logged(remote, caplog, asking):
    caplog.set_level(logging.INFO, "flowpilot.ai")
    system = [SystemBlock("You are FlowPilot. " * 1000)]

    asking(remote.provider, system=system)
    asking(remote.provider.with_service("resolution_note"), system=system)

    name, model = remote.provider.name, MODELS[remote.provider.name]
    first, second = (line for line in caplog.messages if line.startswith(f"{name}.cache"))
    assert f"service=chat model={model} cache_read_input_tokens=0 " in first
    assert f"service=resolution_note model={model} cache_read_input_tokens=4" in second


def test_a_log_that_fails_does_not_break_the_stream(remote):
    def fail(record):
        raise RuntimeError("the log is full")

    log = logging.getLogger("flowpilot.ai")
    log.addFilter(fail)
    log.setLevel(logging.INFO)
    try:
        assert ask(remote.provider).text == DEMO_ANSWER
    finally:
        log.removeFilter(fail)
        log.setLevel(logging.NOTSET)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        '{"title": ',
        '["title"]',
        '{"steps": []}',
        '{"title": 1}',
        '{"title": "", "steps": [1]}',
        '{"title": "", "x": 1}',
    ],
)
def test_json_that_does_not_fit_is_sent_back_once(remote, bad):
    remote.server.answer(bad)
    remote.server.answer('{"title": "Outlook"}')

    value, completion = ask_json(remote.provider)

    assert value == {"title": "Outlook"}
    assert completion.stop_reason == "end_turn"
    assert "does not fit the schema" in str(remote.server.requests[1].body)
    assert "does not fit the schema" not in str(remote.server.requests[0].body)


def test_both_attempts_at_json_are_counted(remote):
    remote.server.answer('{"title": "Outlook"}')
    _, once = ask_json(remote.provider)
    remote.server.answer("no")
    remote.server.answer('{"title": "Outlook"}')

    _, twice = ask_json(remote.provider)

    assert twice.usage.input_tokens > 2 * once.usage.input_tokens
    assert twice.usage.output_tokens > once.usage.output_tokens


def test_json_that_never_fits_is_unavailable(remote):
    remote.server.answer("no")
    remote.server.answer("never")

    with pytest.raises(Unavailable):
        ask_json(remote.provider)

    assert len(remote.server.requests) == 2


@pytest.mark.parametrize(("reason", "error"), [("refusal", Refused), ("max_tokens", Invalid)])
def test_json_that_was_refused_or_cut_is_not_read(remote, reason, error):
    remote.server.answer('{"title": "Outlook"}', stop_reason=reason)

    with pytest.raises(error):
        ask_json(remote.provider)
