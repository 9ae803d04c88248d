import json
import urllib.error
import urllib.request

import pytest

from flowpilot.testing.messages_rules import BadRequest, PrefixCache, check_request
from flowpilot.testing.messages_server import API_VERSION, DEMO_ANSWER, MessagesServer

PLAIN = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
MARK = {"type": "ephemeral"}


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
    ],
)
def test_what_the_real_one_refuses_is_refused(change):
    check_request(PLAIN)

    with pytest.raises(BadRequest):
        check_request({**PLAIN, **change})


def prompt(*texts, mark=(), system=None):
    content = [text(text=each, **({"cache_control": MARK} if at in mark else {})) for at, each in enumerate(texts)]
    return {**PLAIN, **user(*content), **({"system": system} if system else {})}


def test_a_prefix_is_written_once_and_read_again():
    cache = PrefixCache(cacheable_from=10)

    first = cache.use(prompt("a" * 95, "b" * 35, mark=[0]))
    second = cache.use(prompt("a" * 95, "c" * 35, mark=[0, 1]))

    assert first == {"input_tokens": 10, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 25}
    assert second == {"input_tokens": 0, "cache_read_input_tokens": 25, "cache_creation_input_tokens": 10}


def test_a_changed_byte_before_the_breakpoint_is_a_miss():
    cache = PrefixCache(cacheable_from=10)
    cache.use(prompt("a" * 95, mark=[0]))

    assert cache.use(prompt("a" * 94 + "b", mark=[0]))["cache_read_input_tokens"] == 0


def test_a_short_prefix_is_not_cached():
    cache = PrefixCache(cacheable_from=512)
    cache.use(prompt("a" * 95, mark=[0]))

    assert cache.use(prompt("a" * 95, mark=[0]))["input_tokens"] == 25


def test_a_breakpoint_looks_back_over_twenty_blocks():
    cache = PrefixCache(cacheable_from=10)
    cache.use(prompt("a" * 95, mark=[0]))

    reads = [cache.use(prompt("a" * 95, *["x"] * more, mark=[more]))["cache_read_input_tokens"] for more in (20, 19)]

    assert reads == [0, 25]
