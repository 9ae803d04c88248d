"""Every way a call can fail, and the word for it."""

import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from flowpilot.errors import Invalid, NotFound, Refused, Unavailable
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.errors import BadCredentials, NotPermitted, Throttled, Uncertain, UnknownAddress
from flowpilot.providers.connectwise.sandbox import Reply

OUTLOOK = 48213
INTERNAL = {"is_internal": True, "is_discussion": False, "is_resolution": False}


@pytest.fixture
def connectwise(sandbox, base_url):
    """A client that soon gives up on what stalls."""
    with ConnectWise(base_url=base_url, **sandbox.credentials, read_timeout=0.4) as client:
        yield client


def notes_of(sandbox):
    return len(sandbox.store.tables.notes_of(OUTLOOK))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("401", BadCredentials),
        ("403", NotPermitted),
        ("404html", UnknownAddress),
        ("429", Throttled),
        ("500", Unavailable),
        ("503html", Unavailable),
        ("stall", Unavailable),
        ("drop", Unavailable),
        (Reply(200, "<html>Sign in to the guest network</html>"), Unavailable),
        (Reply(200, ["a list"]), Unavailable),
        (Reply(200, {"summary": "no id"}), Unavailable),
        (Reply(302, "", {"Location": "https://elsewhere.example/"}), UnknownAddress),
    ],
)
def test_each_failure_of_a_read_has_its_error(connectwise, sandbox, fault, error):
    sandbox.fail_next(fault, times=2)

    with pytest.raises(error) as caught:
        connectwise.get_ticket(OUTLOOK)

    assert not isinstance(caught.value, Uncertain)


@pytest.mark.parametrize("fault", ["503html", "drop", Reply(429, {"error": "x"}, {"Retry-After": "0"})])
def test_a_read_is_tried_twice_when_the_failure_may_pass(connectwise, sandbox, fault):
    sandbox.fail_next(fault)

    assert connectwise.get_ticket(OUTLOOK).id == OUTLOOK


@pytest.mark.parametrize("fault", ["401", "403", "404html", "500", "429", "stall"])
def test_a_read_is_tried_once_when_a_second_try_is_useless_or_late(connectwise, sandbox, fault):
    sandbox.fail_next(fault)

    with pytest.raises((Refused, Unavailable)):
        connectwise.get_ticket(OUTLOOK)

    assert len(sandbox.seen) == 1


@pytest.mark.parametrize(("says", "seconds"), [(True, 30), (False, 30)])
def test_throttled_says_how_long_to_wait(connectwise, sandbox, says, seconds):
    sandbox.switches.says_retry_after = says
    sandbox.fail_next("429", times=2)

    with pytest.raises(Throttled) as caught:
        connectwise.create_note(OUTLOOK, "x", **INTERNAL)

    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("fault", "added"),
    [
        ("stall", 0),
        ("drop", 0),
        ("500", 0),
        ("503html", 0),
        ("commit_then_drop", 1),
        ("commit_then_stall", 1),
        ("commit_then_500", 1),
        (Reply(200, "<html>proxy</html>"), 0),
        (Reply(201, {"text": "no id"}), 0),
        (Reply(408, ""), 0),
    ],
)
def test_a_write_nobody_knows_about_is_uncertain_and_sent_once(connectwise, sandbox, fault, added):
    before = notes_of(sandbox)
    sandbox.fail_next(fault)

    with pytest.raises(Uncertain):
        connectwise.create_note(OUTLOOK, "Fixed. [FP-1]", **INTERNAL)

    assert len(sandbox.seen) == 1
    assert notes_of(sandbox) == before + added


def test_a_write_can_land_after_the_caller_gave_up(connectwise, sandbox):
    sandbox.app.late_seconds = 0.7
    before = notes_of(sandbox)
    sandbox.fail_next("late_commit", match="POST")
    with pytest.raises(Uncertain):
        connectwise.create_note(OUTLOOK, "Fixed. [FP-1]", **INTERNAL)
    at_once = notes_of(sandbox)
    time.sleep(0.6)

    assert (at_once, notes_of(sandbox)) == (before, before + 1)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("401", BadCredentials),
        ("403", NotPermitted),
        ("404html", UnknownAddress),
        ("429", Throttled),
        (Reply(409, ""), Unavailable),
    ],
)
def test_a_write_that_was_surely_not_done_is_not_uncertain(connectwise, sandbox, fault, error):
    sandbox.fail_next(fault)

    with pytest.raises(error) as caught:
        connectwise.create_note(OUTLOOK, "x", **INTERNAL)

    assert not isinstance(caught.value, Uncertain)
    assert len(sandbox.seen) == 1


def test_more_calls_than_connections_wait_their_turn(connectwise, sandbox):
    sandbox.app.latency = (0.02, 0.05)
    with ThreadPoolExecutor(12) as threads:
        tickets = list(threads.map(lambda _: connectwise.get_ticket(OUTLOOK), range(24)))

    assert len(tickets) == 24


def test_a_write_without_a_connection_was_surely_not_done(sandbox):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/v4_6_release/apis/3.0"
    with ConnectWise(base_url=address, **sandbox.credentials) as client, pytest.raises(Unavailable) as caught:
        client.create_note(OUTLOOK, "x", **INTERNAL)

    assert not isinstance(caught.value, Uncertain)


def test_a_status_change_without_an_answer_is_uncertain(connectwise, sandbox):
    sandbox.fail_next("commit_then_drop", match="PATCH")

    with pytest.raises(Uncertain):
        connectwise.set_status(OUTLOOK, 103)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("missing", "call", "named"),
    [
        ("service_tickets:inquire", lambda cw: cw.search_tickets(), "Service Desk > Service Tickets (inquire)"),
        (
            "service_tickets:add",
            lambda cw: cw.create_note(OUTLOOK, "x", **INTERNAL),
            "Service Desk > Service Tickets (add)",
        ),
        ("service_tickets:edit", lambda cw: cw.set_status(OUTLOOK, 103), "Service Desk > Service Tickets (edit)"),
        ("configurations:inquire", lambda cw: cw.list_configurations(OUTLOOK), "Companies > Configurations (inquire)"),
    ],
)
def test_a_missing_permission_is_named(connectwise, sandbox, status, missing, call, named):
    sandbox.switches.permission_status = status
    sandbox.permissions.discard(missing)

    with pytest.raises(NotPermitted) as caught:
        call(connectwise)

    assert caught.value.permission == named
    assert named in caught.value.message


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("wrong", ["company_id", "public_key", "private_key", "client_id"])
def test_wrong_keys_are_told_apart_from_permissions(sandbox, base_url, wrong, status):
    sandbox.switches.client_id_failure_status = status
    with (
        ConnectWise(base_url=base_url, **(sandbox.credentials | {wrong: "ключ"})) as client,
        pytest.raises(BadCredentials),
    ):
        client.test()


def test_wrong_keys_in_the_cloud_may_look_like_a_wrong_address(sandbox, base_url):
    sandbox.switches.auth_failure_status = 404
    with (
        ConnectWise(base_url=base_url, **(sandbox.credentials | {"private_key": "x"})) as client,
        pytest.raises(UnknownAddress, match="keys"),
    ):
        client.test()


@pytest.mark.parametrize("is_open", [True, False])
def test_test_is_not_fooled_by_an_open_system_info(sandbox, base_url, is_open):
    sandbox.switches.open_system_info = is_open
    with (
        ConnectWise(base_url=base_url, **(sandbox.credentials | {"private_key": "x"})) as client,
        pytest.raises(BadCredentials),
    ):
        client.test()


@pytest.mark.parametrize("path", ["", "/v4_6_release/apis/3.0/v4_6_release/apis/3.0", "/v4_6_release"])
def test_a_wrong_address_is_called_one(sandbox, base_url, path):
    root = base_url.removesuffix("/v4_6_release/apis/3.0")
    with ConnectWise(base_url=root + path, **sandbox.credentials) as client, pytest.raises(UnknownAddress):
        client.test()


@pytest.mark.parametrize("is_text", [True, False])
def test_an_upgraded_cloud_is_found_again(sandbox, base_url, is_text):
    sandbox.switches.company_info_is_text = is_text
    with ConnectWise(base_url=base_url.replace("v4_6_release", "v2025_1"), **sandbox.credentials) as client:
        client.create_note(OUTLOOK, "Once.", **INTERNAL)
        client.get_ticket(OUTLOOK)

    assert [seen.path.split("/")[1] for seen in sandbox.seen] == ["v2025_1", "login", "v2026_1", "v2026_1"]
    assert len(sandbox.writes) == 1


def test_a_release_that_never_was_is_looked_up_once_a_minute(sandbox, base_url):
    sandbox.switches.codebase = "v2019_1"
    old = base_url.replace("v4_6_release", "v2018_1")
    credentials = sandbox.credentials | {"company_id": "nobody"}
    with ConnectWise(base_url=old, **credentials) as client:
        for _ in range(3):
            with pytest.raises(UnknownAddress):
                client.get_ticket(OUTLOOK)

    assert sum("companyinfo" in seen.path for seen in sandbox.seen) == 1


def test_a_missing_endpoint_is_no_sign_of_an_upgrade(sandbox, base_url):
    sandbox.switches.has_all_notes = False
    with ConnectWise(base_url=base_url.replace("v4_6_release", "v2026_1"), **sandbox.credentials) as client:
        client.list_notes(OUTLOOK)

    assert not any("companyinfo" in seen.path for seen in sandbox.seen)


def test_an_unreadable_date_does_not_lose_the_ticket(connectwise, sandbox):
    sandbox.store.tables.tickets[OUTLOOK]["resolutionGoalUTC"] = "soon"

    assert connectwise.get_ticket(OUTLOOK).due_at is None


def test_a_refused_text_carries_what_connectwise_says(connectwise, sandbox):
    with pytest.raises(Invalid, match="The text field is required"):
        connectwise.create_note(OUTLOOK, " ", **INTERNAL)


def test_a_note_for_an_unknown_ticket_is_not_found(connectwise):
    with pytest.raises(NotFound):
        connectwise.create_note(404404, "x", **INTERNAL)


def test_each_call_is_logged_without_what_it_says(connectwise, caplog):
    caplog.set_level(logging.DEBUG)
    connectwise.search_tickets(text="secretword")
    connectwise.create_note(OUTLOOK, "secrettext", **INTERNAL)

    lines = [record for record in caplog.records if record.name == "flowpilot.psa"]
    assert [line.psa["path"] for line in lines] == ["/service/tickets", "/service/tickets/{id}/notes"]
    assert lines[1].psa["status"] == "201"
    assert lines[1].psa["request_id"] in lines[1].getMessage()
    told = [record.getMessage() for record in caplog.records if record.name in ("flowpilot.psa", "httpx")]
    assert not any("secret" in line for line in told)
