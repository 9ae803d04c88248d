import http.client
import json
import urllib.error
import urllib.request

import pytest

from flowpilot.testing.messages_rules import check_request
from flowpilot.testing.messages_server import API_VERSION, MessagesServer, mcp_blocks
from flowpilot.testing.scripted_server import DEMO_ANSWER, BadRequest

PLAIN = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
MARK = {"type": "ephemeral"}
MCP = "mcp-client-2025-11-20"
SERVER = {"type": "url", "url": "https://learn.microsoft.com/api/mcp", "name": "microsoft-learn"}
TOOLSET = {"type": "mcp_toolset", "mcp_server_name": "microsoft-learn"}
WITH_MCP = {**PLAIN, "mcp_servers": [SERVER], "tools": [TOOLSET]}
JPEG_AS_PNG = {"type": "base64", "media_type": "image/png", "data": "/9j/4AAQ"}


@pytest.fixture(scope="module")
def served():
    with MessagesServer() as server:
        yield server


@pytest.fixture
def server(served):
    served.reset()
    return served


def post(server, body=PLAIN, path="/v1/messages", **headers):
    """A plain request; the SDK would hide what the server does."""
    known = {
        "authorization": f"Bearer {server.api_key}",
        "anthropic-version": API_VERSION,
        "content-type": "application/json",
    }
    request = urllib.request.Request(server.base_url + path, json.dumps(body).encode(), {**known, **headers})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def events(text):
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


def test_an_answer_without_stream_is_a_message(server):
    status, text = post(server)

    message = json.loads(text)
    assert status == 200
    assert [block["type"] for block in message["content"]] == ["thinking", "text"]
    assert message["content"][1]["text"] == DEMO_ANSWER


def test_a_stream_has_the_order_of_the_real_one(server):
    server.answer("a" * 40)

    found = events(post(server, {**PLAIN, "stream": True})[1])

    kinds = [event["type"] for event in found]
    assert kinds[:6] == [
        "message_start",
        *["content_block_start", "content_block_delta", "content_block_stop"],
        "ping",
        "content_block_start",
    ]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert kinds.count("content_block_delta") == 21
    assert found[-2]["usage"]["output_tokens"] > found[0]["message"]["usage"]["output_tokens"]


def test_pieces_are_sent_as_they_are_scripted(server):
    server.answer("[TITLE]", pieces=["[TI", "TLE]"])

    found = events(post(server, {**PLAIN, "stream": True})[1])

    assert [event["delta"]["text"] for event in found if event.get("delta", {}).get("type") == "text_delta"] == [
        "[TI",
        "TLE]",
    ]


def test_the_script_answers_what_nothing_was_queued_for():
    with MessagesServer(lambda body: body["messages"][-1]["content"].upper()) as server:
        assert "HELLO" in post(server)[1]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "", "x-api-key": "sk-ant-stand-in"}, 401),
        ({"anthropic-version": "2023-06-01"}, 400),
    ],
)
def test_headers_are_checked(server, headers, status):
    assert post(server, **headers)[0] == status
    assert server.requests[-1].status == status


@pytest.mark.parametrize("path", ["/v1/messages?beta=true", "/v1/complete"])
def test_other_addresses_are_not_found(server, path):
    assert post(server, path=path)[0] == 404


@pytest.mark.parametrize("status", [401, 429, 500, 529])
def test_a_failure_can_be_queued(server, status):
    server.fail(status)

    assert [post(server)[0], post(server)[0]] == [status, 200]


CALLED = mcp_blocks("microsoft_docs_search", {"query": "OneDrive"}, "Reset OneDrive")


def text(**fields):
    return {"type": "text", "text": "a", **fields}


def user(*content):
    return {"messages": [{"role": "user", "content": list(content)}]}


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 1},
        {"top_k": 5},
        {"mcp_servers": []},
        {"max_tokens": "5"},
        {"model": None},
        {"messages": []},
        {"messages": [{"role": "user", "content": ""}]},
        {"messages": [{"role": "user", "content": "a", "name": "b"}]},
        {"messages": [{"role": "system", "content": "a"}]},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "a"}]},
        {"system": 5},
        {"system": [text(text="")]},
        {"system": [text(ttl="1h")]},
        user(text(text="")),
        user(text(text=" \n")),
        user(text(extra=1)),
        user({"type": "document"}),
        user(*[text(cache_control=MARK)] * 5),
        user(text(cache_control={"type": "forever"})),
        user(text(cache_control=MARK), text(cache_control={**MARK, "ttl": "1h"})),
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "string", "maxLength": 5}}}},
        {"output_config": {"effort": "extreme"}},
        {"tool_choice": {"type": "any"}},
        {"tools": [{"type": "mcp_toolset", "mcp_server_name": "microsoft-learn"}]},
        {"messages": [*PLAIN["messages"], {"role": "assistant", "content": CALLED}, *PLAIN["messages"]]},
        user({"type": "image", "source": JPEG_AS_PNG}),
        user(text(citations=[{"type": "char_location"}])),
        user(text(text="x" * 4_400_000)),
    ],
)
def test_what_the_real_one_refuses_is_refused(change):
    check_request(PLAIN)

    with pytest.raises(BadRequest):
        check_request({**PLAIN, **change})


def test_without_its_beta_the_mcp_connector_is_unknown(server):
    status, body = post(server, WITH_MCP)

    assert status == 400
    assert "mcp_servers: Extra inputs are not permitted" in body


def test_with_its_beta_an_mcp_server_may_be_named(server):
    assert post(server, WITH_MCP, **{"anthropic-beta": MCP})[0] == 200


@pytest.mark.parametrize(
    "change",
    [
        {"tools": []},
        {"tools": [TOOLSET, TOOLSET]},
        {"mcp_servers": []},
        {"mcp_servers": [SERVER, SERVER]},
        {"mcp_servers": [{**SERVER, "tool_configuration": {}}]},
        {"mcp_servers": [{**SERVER, "url": "http://127.0.0.1"}]},
    ],
)
def test_an_mcp_server_and_its_toolset_belong_together(server, change):
    assert post(server, {**WITH_MCP, **change}, **{"anthropic-beta": MCP})[0] == 400


def test_an_unknown_beta_is_refused(server):
    assert "Unexpected value(s) `x-1`" in post(server, **{"anthropic-beta": "x-1"})[1]


def test_an_mcp_error_stays_until_it_is_taken_away(server):
    server.mcp_error = "Failed to connect to MCP server"

    with_mcp = [post(server, WITH_MCP, **{"anthropic-beta": MCP})[0] for _ in range(2)]

    assert (with_mcp, post(server)[0]) == ([400, 400], 200)


def test_tool_calls_stand_before_the_text_and_their_results_count_at_the_end(server):
    server.answer(
        "See the article.", blocks=CALLED, citations=[{"type": "search_result_location", "title": "OneDrive"}]
    )

    found = events(post(server, {**WITH_MCP, "stream": True}, **{"anthropic-beta": MCP})[1])

    kinds = [event["content_block"]["type"] for event in found if event["type"] == "content_block_start"]
    assert kinds == ["thinking", "mcp_tool_use", "mcp_tool_result", "text"]
    deltas = [event["delta"]["type"] for event in found if event["type"] == "content_block_delta"]
    assert deltas[:2] == ["signature_delta", "input_json_delta"]
    assert deltas[-1] == "citations_delta"
    assert found[-2]["usage"]["input_tokens"] > found[0]["message"]["usage"]["input_tokens"]


def test_a_paused_turn_goes_on_when_it_comes_back_unchanged(server):
    server.answer("", stop_reason="pause_turn", blocks=CALLED)
    paused = json.loads(post(server, WITH_MCP, **{"anthropic-beta": MCP})[1])
    again = [*PLAIN["messages"], {"role": "assistant", "content": paused["content"]}]
    changed = [*PLAIN["messages"], {"role": "assistant", "content": paused["content"][1:]}]

    statuses = [post(server, {**WITH_MCP, "messages": sent}, **{"anthropic-beta": MCP})[0] for sent in (changed, again)]

    assert paused["stop_reason"] == "pause_turn"
    assert statuses == [400, 200]


def test_a_proxys_page_can_be_queued(server):
    server.fail_raw(502, b"<html>Bad Gateway</html>")

    assert post(server) == (502, "<html>Bad Gateway</html>")


@pytest.mark.parametrize("at", [0, 1, 300])
def test_the_socket_drops_after_so_many_bytes(server, at):
    server.cut(at, "Yes.")

    with pytest.raises(http.client.IncompleteRead) as found:
        post(server, {**PLAIN, "stream": True})

    assert len(found.value.partial) == at
