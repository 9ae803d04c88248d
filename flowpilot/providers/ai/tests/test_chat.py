"""Claude's chat with Microsoft Learn as a tool: what is asked, what falls back, what is continued."""

import asyncio
import json
import logging

import pytest
from asgiref.sync import async_to_sync

from flowpilot.errors import Invalid, UserError
from flowpilot.providers.ai import calls
from flowpilot.providers.ai.base import Completion, Interrupted, Message, Source
from flowpilot.providers.ai.breaker import breaker
from flowpilot.providers.ai.chat import MCP_BETA, build_anthropic_chat_messages, chat_call_cached
from flowpilot.providers.ai.tests.asking import HELLO, call
from flowpilot.testing.messages_server import mcp_blocks

LEARN = "https://learn.microsoft.com/api/mcp"
FOUND = json.dumps(
    {
        "results": [
            {"title": "Disabling ADAL or WAM", "contentUrl": "https://learn.microsoft.com/exchange/adal"},
            {"title": "Elsewhere", "contentUrl": "https://evil.example/learn.microsoft.com"},
        ]
    }
)
UNREACHABLE = "Failed to connect to MCP server 'microsoft-learn'"


@pytest.fixture
def chat(claude):
    """Everything a chat's answer brings: its pieces, its Completion or error, and how often the connector was left out."""

    def run(url=LEARN, messages=HELLO):
        left_out = []

        async def leave_out():
            left_out.append(True)

        async def ask():
            pieces, last = [], None
            how = call(claude, messages=messages)
            try:
                async for piece in chat_call_cached(claude, **how, mcp_url=url, on_mcp_failure=leave_out):
                    if isinstance(piece, Completion):
                        last = piece
                    else:
                        pieces.append(piece)
            except UserError as error:
                last = error
            return "".join(pieces), last, len(left_out)

        return asyncio.run(ask())

    return run


def test_with_the_connector_the_beta_is_asked_with_one_toolset(server, chat):
    server.answer("It is the token.")

    assert chat()[0] == "It is the token."
    (request,) = server.requests
    assert request.headers["anthropic-beta"] == MCP_BETA
    assert request.body["mcp_servers"] == [{"type": "url", "url": LEARN, "name": "microsoft-learn"}]
    assert request.body["tools"] == [{"type": "mcp_toolset", "mcp_server_name": "microsoft-learn"}]


def test_without_it_the_plain_endpoint_is_asked(server, chat):
    server.answer("It is the token.")
    chat(url="")

    assert "anthropic-beta" not in server.requests[0].headers
    assert server.requests[0].body.keys().isdisjoint({"mcp_servers", "tools"})


def test_the_articles_that_were_found_are_its_sources(server, chat, caplog):
    server.answer("See the article.", blocks=mcp_blocks("microsoft_docs_search", {"query": "ADAL"}, FOUND))
    with caplog.at_level(logging.INFO, "flowpilot.ai"):
        text, last, _ = chat()

    assert text == "See the article."
    assert last.sources == (Source("Disabling ADAL or WAM", "https://learn.microsoft.com/exchange/adal"),)
    assert "mcp.turn mcp_available=true mcp_invoked=true tools=microsoft_docs_search fallback=false" in caplog.text


def test_a_cited_article_is_a_source(server, chat):
    cited = {"type": "search_result_location", "title": "WAM", "source": "https://learn.microsoft.com/wam"}
    server.answer("See WAM.", citations=[cited])

    assert chat()[1].sources == (Source("WAM", "https://learn.microsoft.com/wam"),)


def test_a_tool_that_failed_spoils_no_answer(server, chat):
    server.answer("I could not look it up.", blocks=mcp_blocks("microsoft_docs_search", {}, "timeout", is_error=True))
    text, last, left_out = chat()

    assert (text, last.sources, left_out) == ("I could not look it up.", (), 0)
    assert last.tools == ("microsoft_docs_search",)


@pytest.mark.parametrize("message", [UNREACHABLE, "Invalid authorization token for MCP server 'microsoft-learn'"])
def test_a_connector_that_fails_is_left_out_silently(server, chat, caplog, message):
    server.mcp_error = message
    server.answer("Without it.")
    with caplog.at_level(logging.INFO, "flowpilot.ai"):
        text, _, left_out = chat()

    assert (text, left_out) == ("Without it.", 1)
    assert [("mcp_servers" in request.body) for request in server.requests] == [True, False]
    assert f"mcp.fallback error=BadRequestError message={message}" in caplog.text
    assert "mcp.turn mcp_available=false mcp_invoked=false tools=- fallback=true" in caplog.text


@pytest.mark.parametrize("fault", ["drop", "end"])
def test_a_connector_that_breaks_before_the_first_word_is_left_out(server, chat, fault):
    server.break_off(fault, after=0)
    server.answer("Without it.")

    assert chat()[::2] == ("Without it.", 1)
    assert len(server.requests) == 2


def test_a_server_error_under_the_connector_is_asked_again_without_it(server, chat):
    server.fail(500)
    server.answer("Without it.")

    assert chat()[::2] == ("Without it.", 1)
    assert len(server.requests) == 2


@pytest.mark.parametrize(("status", "message"), [(401, ""), (402, ""), (413, ""), (400, "prompt is too long: 9 > 8")])
def test_what_would_fail_again_is_not_asked_again(server, chat, status, message):
    server.fail(status, message)
    _, error, left_out = chat()

    assert isinstance(error, UserError)
    assert (len(server.requests), left_out) == (1, 0)


@pytest.mark.parametrize("status", [429, 529])
def test_a_busy_service_is_asked_again_and_keeps_the_connector(server, chat, status):
    server.fail(status)
    server.answer("It is the token.")

    assert chat()[::2] == ("It is the token.", 0)
    assert ["mcp_servers" in request.body for request in server.requests] == [True, True]


def test_nothing_is_shown_twice(server, chat):
    server.break_off("drop", after=3)
    text, error, left_out = chat()

    assert isinstance(error, Interrupted)
    assert text
    assert (len(server.requests), left_out) == (1, 0)


def test_an_answer_that_pauses_is_continued_unchanged(server, chat):
    server.answer(
        "One moment. ", stop_reason="pause_turn", blocks=mcp_blocks("microsoft_docs_search", {"query": "a"}, FOUND)
    )
    server.answer("Here it is.")
    text, last, _ = chat()

    first, second = server.requests
    assert text == last.text == "One moment. Here it is."
    assert last.stop_reason == "end_turn"
    assert second.body["messages"][:-1] == first.body["messages"]
    assert second.body["messages"][-1]["role"] == "assistant"
    assert second.body["tools"] == first.body["tools"]
    assert last.tools == ("microsoft_docs_search",)


def test_an_answer_that_never_stops_pausing_is_cut(server, chat):
    for _ in range(20):
        server.answer("More. ", stop_reason="pause_turn")

    _, last, _ = chat()
    assert last.stop_reason == "max_tokens"
    assert len(server.requests) == 8


def test_a_continuation_that_fails_leaves_what_was_shown(server, chat):
    server.answer("One moment. ", stop_reason="pause_turn")
    server.fail(500)
    text, error, _ = chat()

    assert text == "One moment. "
    assert isinstance(error, Interrupted)


def test_the_new_message_carries_the_breakpoint_and_the_reminder_none():
    history = [Message("user", "First"), Message("assistant", "Answer")]
    *earlier, last = build_anthropic_chat_messages(history, "Second", format_reminder="Mind the form.")

    assert [block.keys() & {"cache_control"} for message in earlier for block in message["content"]] == [set(), set()]
    assert last["content"] == [
        {"type": "text", "text": "Second", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Mind the form."},
    ]


def test_images_stand_before_their_words():
    (message,) = build_anthropic_chat_messages([], "Look", images=(("image/png", b"png"),))

    assert [block["type"] for block in message["content"]] == ["image", "text"]


def test_an_empty_message_is_not_sent():
    with pytest.raises(Invalid):
        build_anthropic_chat_messages([], "  ")


class TestThroughTheDoor:
    """The flag, and how long a chat goes on without the connector."""

    @pytest.fixture
    def ask(self, account, server, settings):
        settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = server.api_key, server.base_url
        settings.ENABLE_MCP_MICROSOFT_LEARN = True
        breaker.reset()

        async def run(chat_id, service="chat"):
            how = {"service": service, "system_prompt": "Be brief.", "messages": HELLO, "chat_id": chat_id}
            async for _ in calls.generate_text_stream(account_id=account.id, **how):
                pass

        return async_to_sync(run)

    def test_it_is_used_where_it_is_switched_on(self, server, ask):
        ask(_CHAT)

        assert "mcp_servers" in server.requests[0].body

    def test_other_services_do_without(self, server, ask):
        ask(None, service="script_builder")

        assert "mcp_servers" not in server.requests[0].body

    def test_after_a_failure_the_chat_goes_on_without_it_for_a_while(self, server, ask):
        server.mcp_error = UNREACHABLE
        ask(_CHAT)
        server.mcp_error = ""
        ask(_CHAT)
        ask(_OTHER)

        assert [("mcp_servers" in request.body) for request in server.requests] == [True, False, False, True]


_CHAT, _OTHER = "5e551011-0000-4000-8000-0000000000c1", "5e551011-0000-4000-8000-0000000000c2"
