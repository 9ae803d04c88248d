import pytest

from flowpilot.errors import Invalid, Refused, Unavailable
from flowpilot.providers.ai.base import Message, SystemBlock
from flowpilot.providers.ai.gemini import build_gemini_contents, build_gemini_system
from flowpilot.providers.ai.tests.asking import SCHEMA, ask, ask_json, call, stream

CHAT = [Message("user", " one\n"), Message("assistant", "two "), Message("user", "three")]
PNG = b"\x89PNG\r\n\x1a\n\xff\xfe"


def test_history_is_byte_for_byte():
    assert build_gemini_contents(CHAT) == [
        {"role": "user", "parts": [{"text": " one\n"}]},
        {"role": "model", "parts": [{"text": "two "}]},
        {"role": "user", "parts": [{"text": "three"}]},
    ]


def test_blank_messages_are_left_out():
    assert len(build_gemini_contents([Message("assistant", "  "), *CHAT])) == 3


@pytest.mark.parametrize("messages", [[], [Message("user", " \n")], CHAT[:2]])
def test_without_a_question_nothing_is_asked(messages):
    with pytest.raises(Invalid):
        build_gemini_contents(messages)


@pytest.mark.parametrize(
    ("prompt", "built"),
    [
        ("plain", "plain"),
        (" ", ""),
        ([SystemBlock("a", {"type": "ephemeral"}), SystemBlock(" "), SystemBlock("b")], "a\n\nb"),
    ],
)
def test_a_system_prompt_is_one_text(prompt, built):
    assert build_gemini_system(prompt) == built


def test_an_image_is_sent_before_its_text(gemini_server, gemini):
    ask(gemini, messages=[Message("user", "See", (("image/png", PNG),))])

    image, text = gemini_server.requests[0].body["contents"][0]["parts"]
    assert image["inlineData"] == {"data": "iVBORw0KGgr__g==", "mimeType": "image/png"}
    assert text == {"text": "See"}


def test_json_is_asked_for_by_schema(gemini_server, gemini):
    gemini_server.answer('{"title": "Outlook"}')

    ask_json(gemini)

    assert gemini_server.requests[0].body["generationConfig"] == {
        "maxOutputTokens": 1000,
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
    }


@pytest.mark.parametrize(
    ("status", "error", "asked"),
    [
        (400, Refused, 1),
        (403, Refused, 1),
        (404, Refused, 1),
        (413, Invalid, 1),
        (429, Unavailable, 2),
        (500, Unavailable, 2),
        (503, Unavailable, 2),
        (504, Unavailable, 2),
    ],
)
def test_each_status_has_its_error(gemini_server, gemini, status, error, asked):
    gemini_server.fail(status, times=2)

    with pytest.raises(error):
        ask(gemini)

    assert len(gemini_server.requests) == asked


def test_a_prompt_that_is_too_long_is_invalid(gemini):
    with pytest.raises(Invalid, match="Shorten"):
        ask(gemini, messages=[Message("user", "x" * 4_400_000)])


def test_an_alias_is_a_model_that_v1_does_not_know(gemini):
    async def run():
        return await gemini.generate_text(**{**call(gemini), "model": "gemini-flash-latest"})

    import asyncio

    with pytest.raises(Refused, match="does not know this model"):
        asyncio.run(run())


@pytest.mark.parametrize("reason", ["blocked", "SAFETY", "MODEL_ARMOR", "PROHIBITED_CONTENT", "RECITATION"])
def test_every_kind_of_refusal_is_one(gemini_server, gemini, reason):
    gemini_server.answer("", stop_reason=reason)

    completion = ask(gemini)

    assert (completion.text, completion.stop_reason) == ("", "refusal")


def test_an_end_that_nobody_knows_is_asked_again(gemini_server, gemini):
    gemini_server.answer("", stop_reason="OTHER")

    assert ask(gemini).text


def test_what_was_cached_is_not_counted_as_input(gemini_server, gemini):
    system = "You are FlowPilot. " * 1000

    first = ask(gemini, system=system).usage
    second = ask(gemini, system=system).usage

    assert (first.cache_read_input_tokens, second.input_tokens) == (0, 0)
    assert second.cache_read_input_tokens == first.input_tokens > 4096


def test_thinking_is_paid_as_output(gemini_server, gemini):
    gemini_server.answer("x" * 400)

    assert ask(gemini).usage.output_tokens == 100 + 8


def test_a_pages_own_words_are_not_shown(gemini_server, gemini):
    gemini_server.fail_raw(400, b"<html>Squid <b>error</b></html>")

    _, error = stream(gemini)

    assert "<" not in error.message
