import asyncio
from itertools import pairwise

import pytest

from flowpilot.errors import Invalid
from flowpilot.providers.ai.anthropic import build_anthropic_messages, build_anthropic_system
from flowpilot.providers.ai.base import Message, SystemBlock

EPHEMERAL = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
CHAT = [Message("user", " one\n"), Message("assistant", "two "), Message("user", "three")]


def sent(server, claude, system, messages):
    async def run():
        request = claude.generate_text_stream(system_prompt=system, messages=messages, model="m", max_tokens=9)
        return [piece async for piece in request][-1]

    return asyncio.run(run()), server.requests[-1].body


def controls(body):
    blocks = [*body["system"], *(block for message in body["messages"] for block in message["content"])]
    return [block.get("cache_control") for block in blocks]


def test_history_is_byte_for_byte_and_the_breakpoint_stands_on_the_new_message():
    assert build_anthropic_messages(CHAT, "Answer with markers.") == [
        {"role": "user", "content": [{"type": "text", "text": " one\n"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "two "}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "three", "cache_control": EPHEMERAL},
                {"type": "text", "text": "Answer with markers."},
            ],
        },
    ]


def test_images_stand_before_the_text_that_carries_the_breakpoint():
    (message,) = build_anthropic_messages([Message("user", "See", (("image/png", b"png"),))])

    assert message["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "cG5n"}},
        {"type": "text", "text": "See", "cache_control": EPHEMERAL},
    ]


def test_blank_messages_are_left_out():
    assert len(build_anthropic_messages([Message("assistant", "  "), *CHAT])) == 3


@pytest.mark.parametrize("messages", [[], [Message("user", " \n")], CHAT[:2]])
def test_without_a_question_nothing_is_asked(messages):
    with pytest.raises(Invalid):
        build_anthropic_messages(messages)


@pytest.mark.parametrize(
    ("prompt", "built"),
    [
        ("plain", "plain"),
        (" ", ""),
        ([SystemBlock("a"), SystemBlock("b")], [EPHEMERAL, None]),
        ([SystemBlock("a"), SystemBlock("b", HOUR)], [None, HOUR]),
        ([SystemBlock(" "), SystemBlock("b")], [EPHEMERAL]),
    ],
)
def test_a_system_prompt_is_cached_as_its_author_says_or_by_its_first_block(prompt, built):
    found = build_anthropic_system(prompt)

    assert (found if isinstance(found, str) else [block.get("cache_control") for block in found]) == built


@pytest.mark.parametrize(
    ("system", "marks"),
    [
        ([SystemBlock("s", EPHEMERAL)], [EPHEMERAL, None, None, EPHEMERAL]),
        ([SystemBlock("s", HOUR)], [HOUR, None, None, HOUR]),
        ([SystemBlock("s", EPHEMERAL)] * 4, [EPHEMERAL] * 4 + [None] * 3),
    ],
)
def test_a_chat_is_cached_as_long_as_its_prompt(server, claude, system, marks):
    _, body = sent(server, claude, system, CHAT)

    assert controls(body) == marks


def test_a_plain_prompt_is_not_cached_and_its_chat_neither(server, claude):
    _, body = sent(server, claude, "plain " * 1000, CHAT)

    assert "cache_control" not in str(body)


def test_each_turn_reads_what_the_one_before_wrote(server, claude):
    system = [SystemBlock("You are FlowPilot. " * 200, EPHEMERAL)]
    chat, reads, rest = [], [], []
    for turn in range(6):
        chat.append(Message("user", f"turn {turn}: " + "it still fails. " * 30))
        completion, _ = sent(server, claude, system, chat)
        chat.append(Message("assistant", completion.text))
        reads.append(completion.usage.cache_read_input_tokens)
        rest.append(completion.usage.input_tokens)

    assert reads[0] == 0
    assert all(later > earlier for earlier, later in pairwise(reads))
    assert rest == [0] * 6
