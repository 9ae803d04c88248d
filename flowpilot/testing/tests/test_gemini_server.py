import json
import urllib.error
import urllib.request

import pytest

from flowpilot.testing.gemini_rules import ImplicitCache, check_request
from flowpilot.testing.gemini_server import GeminiServer
from flowpilot.testing.scripted_server import DEMO_ANSWER, BadRequest

PLAIN = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
WHOLE = "/v1/models/gemini-3.8-flash:generateContent"
STREAM = "/v1/models/gemini-3.8-flash:streamGenerateContent?alt=sse"


@pytest.fixture(scope="module")
def served():
    with GeminiServer() as server:
        yield server


@pytest.fixture
def server(served):
    served.reset()
    return served


def post(server, body=PLAIN, path=WHOLE, **headers):
    """A plain request; the SDK would hide what the server does."""
    known = {"x-goog-api-key": server.api_key, "content-type": "application/json"}
    request = urllib.request.Request(server.base_url + path, json.dumps(body).encode(), {**known, **headers})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def chunks(text):
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


def test_an_answer_without_stream_is_one_candidate(server):
    status, text = post(server)

    answer = json.loads(text)
    assert status == 200
    assert answer["candidates"][0]["content"]["parts"] == [{"text": DEMO_ANSWER}]
    assert answer["candidates"][0]["finishReason"] == "STOP"


def test_a_stream_ends_with_its_reason_and_what_it_took(server):
    server.answer("a" * 40)

    found = chunks(post(server, path=STREAM)[1])

    assert len(found) == 22
    assert found[0]["candidates"][0]["content"]["parts"][0]["thought"] is True
    assert [chunk["candidates"][0].get("finishReason") for chunk in found[-2:]] == [None, "STOP"]
    assert found[-1]["usageMetadata"]["candidatesTokenCount"] == 10


def test_a_wrong_key_is_a_bad_request(server):
    status, text = post(server, **{"x-goog-api-key": "wrong"})

    error = json.loads(text)["error"]
    assert (status, error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["details"][0]["reason"] == "API_KEY_INVALID"


def test_no_key_is_forbidden(server):
    assert post(server, **{"x-goog-api-key": ""})[0] == 403


@pytest.mark.parametrize(
    "path",
    [
        WHOLE.replace("3.8-flash", "flash-latest"),
        WHOLE.replace("gemini-3.8-flash", "claude-sonnet-5-5"),
        WHOLE.replace("/v1/", "/v1beta/"),
        STREAM.replace("?alt=sse", ""),
        "/v1/models/gemini-3.8-flash:countTokens",
    ],
)
def test_what_v1_does_not_know_is_not_found(server, path):
    status, text = post(server, path=path)

    assert (status, json.loads(text)["error"]["status"]) == (404, "NOT_FOUND")


def test_a_quota_says_how_long_to_wait(server):
    server.fail(429, retry_after=34)

    status, text = post(server)

    error = json.loads(text)["error"]
    assert (status, error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["details"] == [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}]


def test_a_blocked_prompt_has_no_candidate(server):
    server.answer("", stop_reason="blocked")

    answer = json.loads(post(server)[1])

    assert "candidates" not in answer
    assert answer["promptFeedback"]["blockReason"]


@pytest.mark.parametrize("reason", ["max_tokens", "refusal"])
def test_an_answer_that_was_cut_before_its_first_word_has_no_parts(server, reason):
    server.answer("", stop_reason=reason)

    (candidate,) = json.loads(post(server)[1])["candidates"]

    assert "parts" not in candidate["content"]
    assert candidate["finishReason"] in ("MAX_TOKENS", "SAFETY")


@pytest.mark.parametrize(
    "change",
    [
        {"contents": []},
        {"contents": [{"role": "assistant", "parts": [{"text": "a"}]}]},
        {"contents": [{"role": "user", "parts": []}]},
        {"contents": [{"role": "user", "parts": [{}]}]},
        {"contents": [{"role": "user", "parts": [{"text": "a", "cache_control": {}}]}]},
        {"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "text/html", "data": ""}}]}]},
        {"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "?"}}]}]},
        {"contents": [{"role": "user", "parts": [{"text": "x" * 4_400_000}]}]},
        {"system": "a"},
        {"generationConfig": {"maxTokens": 5}},
        {"generationConfig": {"maxOutputTokens": 0}},
        {"generationConfig": {"responseJsonSchema": {}}},
        {"generationConfig": {"responseJsonSchema": {}, "responseSchema": {}, "responseMimeType": "application/json"}},
    ],
)
def test_what_the_real_one_refuses_is_refused(change):
    check_request(PLAIN)

    with pytest.raises(BadRequest):
        check_request({**PLAIN, **change})


def test_both_manners_of_names_are_taken():
    assert check_request({**PLAIN, "generation_config": {"max_output_tokens": 5}})["generationConfig"] == {
        "maxOutputTokens": 5
    }


def turns(*texts):
    return {"contents": [{"role": "user", "parts": [{"text": each}]} for each in texts]}


def test_the_longest_prefix_of_an_earlier_request_is_found():
    cache = ImplicitCache(cacheable_from=20)
    cache.use("m", turns("a" * 100, "b" * 40))

    found = [cache.use("m", turns(*texts)) for texts in (["a" * 100, "c"], ["a" * 100, "b" * 40, "d"], ["x" * 100])]

    assert found == [25, 35, 0]


def test_a_short_prefix_is_not_found():
    cache = ImplicitCache()
    cache.use("m", turns("a" * 100))

    assert cache.use("m", turns("a" * 100)) == 0
