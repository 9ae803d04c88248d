"""The way in, the limiter, outages, callbacks and the levers of the sandbox."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx
import pytest

from flowpilot.providers.connectwise.sandbox import Sandbox
from flowpilot.providers.connectwise.sandbox.sender import signature
from flowpilot.providers.connectwise.system import is_signed

OUTLOOK = "/service/tickets/48213"
CALLBACK = {"objectId": 1, "type": "ticket", "level": "owner"}


@pytest.fixture
def root(base_url):
    return base_url.removesuffix("/v4_6_release/apis/3.0")


@pytest.fixture
def hook():
    """Somebody who is called back: gives the address, what came, and the statuses to answer with."""
    came, statuses = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append((self.path, body, self.headers["x-content-signature"]))
            self.send_response(statuses.pop(0) if statuses else 200)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook?recordId=", came, statuses
        server.shutdown()
        thread.join()


@pytest.fixture
def quick(sandbox):
    """Callbacks are tried again soon."""
    sandbox.sender.pauses = (0.02, 0.04)
    yield sandbox
    sandbox.sender.pauses = (2.0, 4.0)


def rename(http, text="New"):
    return http.patch(OUTLOOK, json=[{"op": "replace", "path": "summary", "value": text}])


@pytest.mark.parametrize(("is_text", "value"), [(True, "True"), (False, True)])
def test_company_info_is_open_in_both_positions(sandbox, root, is_text, value):
    sandbox.switches.company_info_is_text = is_text
    info = httpx.get(f"{root}/login/companyinfo/summit", trust_env=False).json()

    assert (info["Codebase"], info["IsCloud"]) == ("v2026_1/", value)


def test_company_info_of_an_unknown_company_is_null(sandbox, root):
    answer = httpx.get(f"{root}/login/companyinfo/nobody", trust_env=False)

    assert (answer.status_code, answer.json()) == (200, None)


def test_after_an_upgrade_the_old_release_is_gone(http, sandbox, root):
    sandbox.switches.codebase = "v2026_2"

    assert http.get(f"{root}/v2026_1/apis/3.0{OUTLOOK}").status_code == 404
    assert http.get(f"{root}/v2026_2/apis/3.0{OUTLOOK}").status_code == 200
    assert http.get(OUTLOOK).status_code == 200


@pytest.mark.parametrize(("needs", "status"), [(True, 403), (False, 200)])
def test_a_cloud_host_without_prefix_in_both_positions(http, sandbox, needs, status):
    sandbox.switches.needs_api_prefix = needs
    answer = http.get(OUTLOOK, headers={"Host": "eu.myconnectwise.net"})

    assert answer.status_code == status
    assert http.get(OUTLOOK, headers={"Host": "api-eu.myconnectwise.net"}).status_code == 200


@pytest.mark.parametrize("version", ["2020.4", "2026.1", "1999.1"])
def test_any_version_is_answered(http, version):
    accept = f"application/vnd.connectwise.com+json; version={version}"

    assert http.get(OUTLOOK, headers={"Accept": accept, "If-Match": '"x"'}).status_code == 200


def test_the_limiter_counts_calls_a_minute(http, sandbox):
    sandbox.switches.calls_a_minute = 3
    answers = [http.get(OUTLOOK) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].headers["retry-after"] == "30"


def test_the_limiter_steps_in_when_many_come_at_once(http, sandbox):
    sandbox.app.latency = 0.1
    sandbox.switches.most_at_once = 4
    with ThreadPoolExecutor(10) as threads:
        statuses = [answer.status_code for answer in threads.map(lambda _: http.get(OUTLOOK), range(10))]

    assert {200, 429} == set(statuses)


@pytest.mark.parametrize("kind", ["502html", "503html", "504html"])
def test_gateways_answer_html(http, sandbox, kind):
    sandbox.fail_next(kind)
    answer = http.get(OUTLOOK)

    assert (answer.status_code, answer.headers["content-type"]) == (int(kind[:3]), "text/html")


def test_a_closed_house_opens_again_elsewhere(http, sandbox, root):
    sandbox.close_for(0.2, "v2026_2")
    closed = http.get(OUTLOOK).status_code
    time.sleep(0.25)

    assert (closed, http.get(f"{root}/v2026_2/apis/3.0{OUTLOOK}").status_code) == (503, 200)


def test_a_callback_carries_the_record_as_text_and_its_signature(http, sandbox, hook):
    url, came, _ = hook
    http.post("/system/callbacks", json=CALLBACK | {"url": url})
    rename(http)
    sandbox.sender.wait()

    [(path, body, signed)] = came
    told = json.loads(body)
    assert path == "/hook?recordId=48213&action=updated"
    assert (told["Action"], told["ID"], told["Type"]) == ("updated", 48213, "ticket")
    assert json.loads(told["Entity"])["summary"] == "New"
    key = httpx.get(told["Metadata"]["key_url"], trust_env=False).json()["signing_key"]
    assert is_signed(body, signed, key)
    assert not is_signed(body + b" ", signed, key)


@pytest.mark.parametrize(
    ("statuses", "tries"),
    [([429, 429, 200], 3), ([404] * 5, 3), ([500], 1), ([200], 1), ([409, 204], 2), ([419, 200], 2)],
)
def test_a_callback_is_tried_three_times_for_a_few_answers(http, quick, hook, statuses, tries):
    url, came, answers = hook
    http.post("/system/callbacks", json=CALLBACK | {"url": url})
    answers += statuses
    rename(http)
    quick.sender.wait()

    assert len(came) == tries


def test_a_callback_to_nobody_is_given_up(http, quick):
    http.post("/system/callbacks", json=CALLBACK | {"url": "http://127.0.0.1:1/?recordId="})
    rename(http)
    quick.sender.wait()

    assert [status for _, status in quick.sender.sent] == [0]


def test_callbacks_are_kept_once(http):
    first = http.post("/system/callbacks", json=CALLBACK | {"url": "https://x.example/?recordId="})
    again = http.post("/system/callbacks", json=CALLBACK | {"url": "https://x.example/?recordId="})

    assert first.json()["payloadVersion"] == "3.0.0"
    assert again.json()["errors"][0]["code"] == "ObjectExists"
    assert http.delete(f"/system/callbacks/{first.json()['id']}").status_code == 204


@pytest.mark.parametrize("missing", ["url", "objectId", "type", "level"])
def test_a_callback_needs_all_of_it(http, missing):
    body = {name: value for name, value in (CALLBACK | {"url": "https://x.example/"}).items() if name != missing}

    assert http.post("/system/callbacks", json=body).json()["errors"][0]["field"] == missing


@pytest.mark.parametrize(
    ("level", "number", "calls"), [("board", 1, 1), ("board", 2, 0), ("ticket", 48213, 1), ("ticket", 1, 0)]
)
def test_a_level_narrows_what_is_told(http, sandbox, hook, level, number, calls):
    url, came, _ = hook
    http.post("/system/callbacks", json={"url": url, "objectId": number, "type": "ticket", "level": level})
    rename(http)
    sandbox.sender.wait()

    assert len(came) == calls


def test_signature_is_of_the_raw_body():
    assert signature(b"a") != signature(b"a ")


def test_levers_need_the_keys(sandbox, root):
    assert httpx.get(f"{root}/_sandbox/writes", trust_env=False).status_code == 401


def test_levers_set_what_the_object_sets(http, sandbox, root):
    assert http.put(f"{root}/_sandbox/latency", json={"seconds": [0.0, 0.01]}).status_code == 204
    assert http.put(f"{root}/_sandbox/permissions", json={"without": ["time:add"]}).status_code == 204
    assert http.put(f"{root}/_sandbox/switches", json={"note_lag": 1.5}).status_code == 204
    assert http.post(f"{root}/_sandbox/faults", json={"kind": "409", "match": "PATCH"}).status_code == 204

    assert (sandbox.app.latency, sandbox.switches.note_lag) == ((0.0, 0.01), 1.5)
    assert "time:add" not in sandbox.permissions
    assert (rename(http).status_code, rename(http).status_code) == (409, 200)


@pytest.mark.parametrize(("method", "lever", "body"), [("PUT", "switches", {"moon": 1}), ("GET", "moon", None)])
def test_unknown_levers_are_named(http, root, method, lever, body):
    assert http.request(method, f"{root}/_sandbox/{lever}", json=body).status_code in (400, 404)


def test_levers_list_the_writes_that_were_taken(http, root):
    rename(http)
    http.patch(OUTLOOK, json=[{"op": "replace", "path": "summary", "value": ""}])

    [write] = http.get(f"{root}/_sandbox/writes").json()
    assert (write["method"], write["body"][0]["value"]) == ("PATCH", "New")
    assert http.post(f"{root}/_sandbox/reset").status_code == 204
    assert http.get(f"{root}/_sandbox/writes").json() == []


def test_a_hundred_thousand_tickets_are_there_soon():
    started = time.monotonic()
    large = Sandbox(more_tickets=100_000)

    assert len(large.store.tables.tickets) == 100_150
    assert time.monotonic() - started < 20


def test_more_tickets_come_back_with_the_journal(tmp_path):
    first = Sandbox(tmp_path / "journal", more_tickets=500)
    first.store.patch_ticket(
        first.store.tables.tickets[100_100], [{"op": "replace", "path": "summary", "value": "New"}]
    )

    again = Sandbox(tmp_path / "journal")
    assert len(again.store.tables.tickets) == 650
    assert again.store.tables.tickets[100_100]["summary"] == "New"


def test_the_journal_brings_back_schedule_time_and_callbacks(tmp_path):
    first = Sandbox(tmp_path / "journal")
    entry = first.store.add_entry({"objectId": 48213, "member": {"id": 155}, "type": {"id": 4}})
    first.store.delete_entry(first.store.tables.entries[9001])
    first.store.add_callback(CALLBACK | {"url": "https://x.example/"})
    made = first.store.create_ticket({"summary": "New", "company": {"id": 301}})

    again = Sandbox(tmp_path / "journal").store.tables
    assert again == first.store.tables
    assert entry["id"] in again.entries
    assert 9001 not in again.entries
    assert made["id"] in again.tickets


def test_what_was_asked_before_a_reset_takes_no_fault_away(http, sandbox):
    sandbox.app.latency = 0.3
    with ThreadPoolExecutor() as pool:
        early = pool.submit(http.get, "/service/tickets/48213")
        while not sandbox.app.door.inside:
            time.sleep(0.01)
        sandbox.reset()
        sandbox.fail_next("500")
        assert early.result().status_code == 404

    assert http.get("/service/tickets/48213").status_code == 500
