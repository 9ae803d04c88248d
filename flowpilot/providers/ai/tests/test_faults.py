"""Every way an AI can fail × each way it is asked × each provider: nothing uncaught, nothing shown twice, an outcome in words, few calls."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

import pytest

from flowpilot.errors import Invalid, Refused, Unavailable, UserError
from flowpilot.providers.ai.base import Completion, Interrupted, Message
from flowpilot.providers.ai.chat import chat_call_cached
from flowpilot.providers.ai.remote import Limits
from flowpilot.providers.ai.tests.asking import SCHEMA, call
from flowpilot.testing.messages_server import mcp_blocks
from flowpilot.testing.scripted_server import Reply, ScriptedServer

TEXT = '{"title": "Outlook asks"}'
SAID = "The customer Maria Gomez cannot open her mail."
LEARN = "https://learn.microsoft.com/api/mcp"
PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
PIECES = [TEXT[:10], TEXT[10:]]
PATIENT = Limits(first=20.0, idle=10.0, total=60.0, retries=0)


@dataclass(frozen=True)
class Fault:
    """What the server does, how often it may be asked, and what may come of it in a chat and for JSON."""

    script: Callable[[ScriptedServer], None]
    calls: int
    chat: type
    json: type


def refused(status):
    return Fault(lambda server: server.fail(status, times=3), 1, Refused, Refused)


def busy(status):
    return Fault(lambda server: server.fail(status, times=3), 2, Unavailable, Unavailable)


def breaks(kind, after, chat, json=Completion, times=1, calls=2):
    return Fault(lambda server: server.break_off(kind, after, times=times), calls, chat, json)


FAULTS = {
    "400": refused(400),
    "401": refused(401),
    "403": refused(403),
    "404": refused(404),
    "413": Fault(lambda server: server.fail(413, times=3), 1, Invalid, Invalid),
    "429": busy(429),
    "429 for a moment": Fault(lambda server: server.fail(429, retry_after=0.01), 2, Completion, Completion),
    "429 for an hour": Fault(lambda server: server.fail(429, retry_after=3600, times=3), 1, Unavailable, Unavailable),
    "500": busy(500),
    "500 once": Fault(lambda server: server.fail(500), 2, Completion, Completion),
    "503": busy(503),
    "529": busy(529),
    "an error before the first word": breaks("error", 0, Completion),
    "errors before the first word": breaks("error", 0, Unavailable, Unavailable, times=3),
    "an error after the first word": breaks("error", 1, Interrupted),
    "errors after the first word": breaks("error", 1, Interrupted, Unavailable, times=3),
    "dropped before the first word": breaks("drop", 0, Completion),
    "dropped after some words": breaks("drop", 3, Interrupted),
    "ended before the first word": breaks("end", 0, Completion),
    "ended after some words": breaks("end", 3, Interrupted),
    "no JSON in the stream": breaks("garbage", 3, Interrupted, Unavailable),
    "silent from the start": breaks("stall", None, Unavailable, Unavailable, calls=1),
    "silent before the first word": breaks("stall", 0, Unavailable, Unavailable, calls=1),
    "silent after some words": breaks("stall", 3, Interrupted, Unavailable, calls=1),
    "a proxy's 502": Fault(lambda server: server.fail_raw(502, PAGE, times=3), 2, Unavailable, Unavailable),
    "a proxy's page": Fault(lambda server: server.fail_raw(200, PAGE, times=3), 2, Unavailable, Unavailable),
    "a proxy's 403": Fault(lambda server: server.fail_raw(403, PAGE, times=3), 1, Refused, Refused),
    "an empty body": Fault(lambda server: server.fail_raw(200, b"", times=3), 2, Unavailable, Unavailable),
    "declined": Fault(lambda server: server.answer("", stop_reason="refusal"), 1, Completion, Refused),
    "cut at its longest": Fault(lambda server: server.answer("{", stop_reason="max_tokens"), 1, Completion, Invalid),
    "no JSON as the answer": Fault(lambda server: server.answer("Hello"), 2, Completion, Completion),
}


def of_mcp(message):
    return Fault(lambda server: setattr(server, "mcp_error", message), 2, Completion, Completion)


def using(*blocks):
    return Fault(lambda server: server.answer(TEXT, blocks=blocks), 1, Completion, Completion)


TOOL_ERROR = mcp_blocks("microsoft_docs_fetch", {"url": "https://learn.microsoft.com/x"}, "timeout", is_error=True)
MCP_FAULTS = {
    "the connector's server cannot be reached": of_mcp("Failed to connect to MCP server 'microsoft-learn'"),
    "the connector is not let in": of_mcp("Invalid authorization token for MCP server 'microsoft-learn'"),
    "a tool of the connector fails": using(*TOOL_ERROR),
    "a tool's result is plain text": using(TOOL_ERROR[0], {**TOOL_ERROR[1], "is_error": False, "content": "plain"}),
    "a tool's result is empty": using(TOOL_ERROR[0], {**TOOL_ERROR[1], "is_error": False, "content": []}),
}
CASES = [
    *((provider, how, name) for provider in ("claude", "gemini") for how in ("chat", "json") for name in FAULTS),
    *(("claude", "learn", name) for name in [*FAULTS, *MCP_FAULTS]),
]


@pytest.fixture
def scripted(remote):
    """Each provider in turn; its server answers TEXT unless told otherwise."""
    usual, remote.server.script = remote.server.script, lambda body: TEXT
    yield remote
    remote.server.script = usual


async def outcome_of(provider, how, said=SAID):
    """What was shown, and what came of it."""
    asked = call(provider, messages=[Message("user", said)])
    shown = []
    try:
        if how == "json":
            value, completion = await provider.generate_json(**asked, schema=SCHEMA)
            assert value == json.loads(TEXT)
            return "", completion
        stream = (
            chat_call_cached(provider, **asked, mcp_url=LEARN)
            if how == "learn"
            else provider.generate_text_stream(**asked)
        )
        async for piece in stream:
            if isinstance(piece, Completion):
                return "".join(shown), piece
            shown.append(piece)
    except UserError as error:
        return "".join(shown), error


@pytest.mark.parametrize(("remote", "how", "name"), CASES, indirect=["remote"])
def test_a_fault_ends_in_words_and_shows_nothing_twice(scripted, how, name):
    fault = {**FAULTS, **MCP_FAULTS}[name]
    fault.script(scripted.server)

    shown, outcome = asyncio.run(outcome_of(scripted.provider, how))

    wanted = fault.json if how == "json" else fault.chat
    # Where the connector was named, what passes is made good by asking without it.
    assert type(outcome) is wanted or (how == "learn" and type(outcome) is Completion)
    assert len(scripted.server.requests) <= fault.calls + (how == "learn")
    assert_told_once(shown, outcome)


def assert_told_once(shown, outcome):
    if isinstance(outcome, Completion):
        assert outcome.text in (shown, TEXT)
        return
    assert TEXT.startswith(shown)
    assert (shown != "") is isinstance(outcome, Interrupted)
    assert re.fullmatch(r"[A-Z][^<>]+[.)]", outcome.message)
    assert "Gomez" not in outcome.message


def cut_as_told(body):
    """An answer whose socket drops after as many bytes as the message says."""
    (at,) = map(int, re.findall(r"drop after (\d+)", json.dumps(body)))
    return Reply(TEXT, PIECES, cut=at)


@pytest.mark.parametrize("how", ["chat", "json"])
def test_a_socket_that_drops_at_any_byte_breaks_nothing(scripted, how):
    asyncio.run(outcome_of(scripted.provider, how))
    (whole,) = scripted.server.requests
    bytes_of_a_stream = len(scripted.server.recording(whole.body, Reply(TEXT, PIECES)))
    scripted.server.reset()
    scripted.server.script, scripted.provider._limits = cut_as_told, PATIENT

    async def run():
        gate = asyncio.Semaphore(24)

        async def one(at):
            async with gate:
                return await outcome_of(scripted.provider, how, f"drop after {at} bytes")

        return await asyncio.gather(*(one(at) for at in range(bytes_of_a_stream + 1)))

    found = asyncio.run(run())

    assert len(scripted.server.requests) == bytes_of_a_stream + 1
    for shown, outcome in found:
        assert_told_once(shown, outcome)
    kinds = [type(outcome) for _, outcome in found]
    wanted = [Unavailable, Interrupted, Completion] if how == "chat" else [Unavailable, Completion]
    assert [kind for kind, _ in groupby(kinds)] == wanted  # nothing, then a part, then all of it
