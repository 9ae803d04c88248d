"""The client against the API's own description and recorded errors, where they are at hand.

Set FLOWPILOT_SHARED_CONNECTWISE to the folder that holds openapi-subset.json and fixtures/.
"""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from flowpilot.errors import UserError
from flowpilot.providers.connectwise.sandbox import Reply

FOLDER = os.environ.get("FLOWPILOT_SHARED_CONNECTWISE", "")
if not FOLDER:
    pytest.skip("FLOWPILOT_SHARED_CONNECTWISE is not set, so there is no API description", allow_module_level=True)

SPEC = json.loads((Path(FOLDER) / "openapi-subset.json").read_text())
ERRORS = {
    path.stem: json.loads(path.read_text()) for path in sorted((Path(FOLDER) / "fixtures" / "errors").glob("*.json"))
}
DERIVED = {"resources", "_info", "closedFlag", "slaStatus", "isInSla"}
INTERNAL = {"is_internal": True, "is_discussion": False, "is_resolution": False}


def as_json_schema(node, without=("nullable",)):
    """OpenAPI 3.0 says `nullable`; JSON Schema wants null among the types."""
    if isinstance(node, list):
        return [as_json_schema(item, without) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: as_json_schema(value, without) for key, value in node.items() if key not in without}
    if node.get("nullable") and isinstance(node.get("type"), str):
        made["type"] = [node["type"], "null"]
    return made


SENT = {"components": as_json_schema(SPEC["components"])}
# what is required is required of who writes: answers leave out nulls
ANSWERED = {"components": as_json_schema(SPEC["components"], without=("nullable", "required"))}


def check(value, schema, schemas):
    jsonschema.validate(value, as_json_schema(schema) | schemas)


def operation_of(seen):
    path = seen.path.removeprefix("/v4_6_release/apis/3.0")
    for template, operations in SPEC["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", r"\\d+", template), path):
            return template, operations[seen.method.lower()]
    raise AssertionError(f"{path} is not in the API description")


def known_properties(schema):
    name = schema["$ref"].rsplit("/", 1)[-1]
    return SPEC["components"]["schemas"][name]["properties"]


def ask_everything(connectwise):
    connectwise.test()
    connectwise.search_tickets(text="vpn 12", board_id=2, status_names=["New"], owner_identifier="jortiz", order="due")
    connectwise.get_ticket(48213)
    connectwise.list_notes(48213)
    connectwise.find_note(48213, "none", since=datetime.now(UTC))
    connectwise.list_configurations(48213)
    connectwise.list_boards()
    connectwise.list_statuses(1)
    connectwise.list_members()
    connectwise.create_note(48213, "x", **INTERNAL, member_id=151)
    connectwise.set_status(48213, 103)


def test_every_request_is_one_the_api_describes(connectwise, sandbox):
    ask_everything(connectwise)
    sandbox.permissions.discard("members:inquire")
    connectwise.list_members()

    assert len(sandbox.seen) > 12
    for seen in sandbox.seen:
        _, operation = operation_of(seen)
        parameters = {(each["in"], each["name"].lower()) for each in operation["parameters"]}
        assert {("query", name.lower()) for name in seen.query} <= parameters
        assert seen.headers["clientid"]
        assert seen.headers["accept"].startswith("application/vnd.connectwise.com+json; version=")


def test_every_body_fits_its_schema_and_names_no_unknown_property(connectwise, sandbox):
    ask_everything(connectwise)

    written = [seen for seen in sandbox.seen if seen.method != "GET"]
    assert len(written) == 2
    for seen in written:
        schema = operation_of(seen)[1]["requestBody"]["content"]["application/json"]["schema"]
        check(seen.body, schema, SENT)
        if seen.method == "PATCH":
            ticket = SPEC["components"]["schemas"]["Ticket"]["properties"]
            assert {each["path"] for each in seen.body} <= set(ticket) - DERIVED
        else:
            assert set(seen.body) <= set(known_properties(schema))


def test_every_field_asked_for_exists(connectwise, sandbox):
    ask_everything(connectwise)

    for seen in sandbox.seen:
        names = [name.split("/")[0] for name in seen.query.get("fields", "").split(",") if name]
        template, operation = operation_of(seen)
        schema = next(iter(operation["responses"]["200"]["content"].values()))["schema"] if seen.method == "GET" else {}
        if names:
            assert set(names) <= set(known_properties(schema.get("items", schema))), template


@pytest.mark.parametrize(
    "path",
    [
        "/service/tickets/48213",
        "/service/tickets",
        "/service/tickets/48213/notes",
        "/service/tickets/48213/allNotes",
        "/service/tickets/48213/configurations",
        "/company/configurations",
        "/service/boards",
        "/service/info/boards",
        "/service/boards/1/statuses",
        "/system/members",
        "/system/info/members",
        "/system/info",
        "/service/priorities",
    ],
)
def test_what_the_sandbox_answers_fits_the_api(http, sandbox, path):
    answer = http.get(path)
    operation = operation_of(sandbox.seen[-1])[1]
    schema = next(iter(operation["responses"]["200"]["content"].values()))["schema"]

    check(answer.json(), schema, ANSWERED)
    rows = answer.json() if isinstance(answer.json(), list) else [answer.json()]
    known = known_properties(schema.get("items", schema))
    assert all(set(row) <= set(known) for row in rows)


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("call", [lambda cw: cw.get_ticket(48213), lambda cw: cw.create_note(48213, "x", **INTERNAL)])
def test_recorded_errors_become_words(connectwise, sandbox, name, call):
    status = int(name[:3].replace("4xx", "403"))
    sandbox.fail_next(Reply(status, ERRORS[name]), times=3)

    with pytest.raises(UserError) as caught:
        call(connectwise)

    assert len(caught.value.message) > 20


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("400_create_ticket_note_no_flag", lambda http: http.post("/service/tickets/48213/notes", json={"text": "x"})),
        ("400_get_tickets_invalid_conditions", lambda http: http.get("/service/tickets?conditions=ticket=1")),
        (
            "400_get_ticket_notes_invalid_conditions",
            lambda http: http.get("/service/tickets/48213/notes?conditions=note=1"),
        ),
        ("400_condition_enum", lambda http: http.get('/service/tickets?conditions=severity="x"')),
        ("404_ticket_not_found", lambda http: http.get("/service/tickets/404")),
        ("404_note_not_found", lambda http: http.get("/service/tickets/48213/notes/404")),
        ("404_endpoint_does_not_exist", lambda http: http.get("/service/nothing")),
        ("500_string_not_boolean", lambda http: http.get("/service/tickets?conditions=closedFlag=maybe")),
        ("400_cannot_route", lambda http: http.get("/v4_6_release/apis/3.0/service/boards")),
    ],
)
def test_the_sandbox_speaks_word_for_word(http, name, ask):
    answer = ask(http)
    body = answer.json() if "json" in answer.headers["content-type"] else answer.text

    assert (answer.status_code, body) == (int(name[:3]), ERRORS[name])


@pytest.mark.parametrize(("kind", "name"), [("403", "403_security"), ("429", "429_too_many_requests")])
def test_faults_speak_word_for_word(http, sandbox, kind, name):
    sandbox.fail_next(kind)

    assert http.get("/service/tickets/48213").json() == ERRORS[name]
