"""The client against the API's own description and recorded errors, where they are at hand.

Set FLOWPILOT_SHARED_CONNECTWISE to the folder that holds openapi-subset.json and fixtures/.
"""

import inspect
import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest

from flowpilot.errors import UserError
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.conditions import Criteria
from flowpilot.providers.connectwise.models import (
    BoardData,
    CallbackData,
    CompanyData,
    CompanyInfo,
    ContactData,
    MemberData,
    NoteData,
    PriorityData,
    ScheduleEntryData,
    ServerInfo,
    StatusData,
    SubTypeData,
    TicketData,
    TimeEntryData,
    TypeData,
    WorkTypeData,
)
from flowpilot.providers.connectwise.sandbox import Reply

FOLDER = os.environ.get("FLOWPILOT_SHARED_CONNECTWISE", "")
if not FOLDER:
    pytest.skip("FLOWPILOT_SHARED_CONNECTWISE is not set, so there is no API description", allow_module_level=True)

SPEC = json.loads((Path(FOLDER) / "openapi-subset.json").read_text())
ERRORS = {
    path.stem: json.loads(path.read_text()) for path in sorted((Path(FOLDER) / "fixtures" / "errors").glob("*.json"))
}
EVERY_CRITERION = {
    "text": "vpn",
    "board_id": 1,
    "status_names": ["New"],
    "priority_id": 4,
    "company_id": 301,
    "contact_id": 1001,
    "configuration_id": 2001,
    "owner_identifier": "jortiz",
    "is_unassigned": True,
    "open_only": True,
    "changed_since": datetime(2026, 5, 4, tzinfo=UTC),
    "entered_since": datetime(2026, 5, 4, tzinfo=UTC),
    "external_reference": "FP-1",
    "not_id": 1,
}
EVERY_FIELD = {
    "summary": "Printer offline",
    "company_id": 301,
    "board_id": 1,
    "contact_id": 1001,
    "description": "Since this morning.",
    "priority_id": 7,
    "type_id": 52,
    "sub_type_id": 1007,
    "status_id": 101,
    "owner_id": 151,
    "reference": "FP-1",
}
NOT_CALLS = {"close", "within", "signing_key"}  # the last is no part of the API
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
    connectwise.list_types(1)
    connectwise.list_sub_types(1)
    connectwise.list_priorities()
    connectwise.search_companies("cont")
    connectwise.get_company(301)
    connectwise.list_contacts(301, "adeyemi")
    connectwise.get_contact(1001)
    connectwise.list_configuration_refs(48213)
    connectwise.get_configurations([2001, 2002])
    connectwise.list_company_configurations(301)
    connectwise.list_members()
    connectwise.search_members("ortiz")
    connectwise.list_schedule_entries(48213)
    connectwise.list_time_entries(48213)
    connectwise.list_work_types()
    connectwise.list_rights()
    connectwise.list_callbacks()
    connectwise.count_tickets(is_unassigned=True)
    connectwise.find_ticket("FP-1", since=datetime.now(UTC))
    connectwise.search_tickets(**EVERY_CRITERION)
    write_everything(connectwise)


def write_everything(connectwise):
    now = datetime.now(UTC)
    connectwise.create_note(48213, "x", **INTERNAL, member_id=151)
    connectwise.set_status(48213, 103)
    connectwise.set_priority(48213, 4)
    connectwise.set_owner(48213, 152)
    connectwise.clear_owner(48213)
    connectwise.delete_schedule_entry(connectwise.create_schedule_entry(48213, 155).id)
    connectwise.create_ticket(**EVERY_FIELD)
    connectwise.create_time_entry(
        48213,
        starts_at=now - timedelta(minutes=20),
        ends_at=now,
        member_id=151,
        work_type_id=2,
        billable="NoCharge",
        notes="Fixed.",
        internal_notes="Really.",
        shown_in=frozenset({"internal"}),
    )
    callback = connectwise.create_callback(url="https://fp.example/psa/callback/x?recordId=", type="ticket")
    connectwise.delete_callback(callback.id)


def test_every_method_of_the_client_is_asked_below():
    methods = {name for name in dir(ConnectWise) if not name.startswith("_")} - NOT_CALLS
    called = {name for function in (ask_everything, write_everything) for name in function.__code__.co_names}

    assert methods <= called


def test_every_criterion_is_tried():
    assert EVERY_CRITERION.keys() == Criteria.__annotations__.keys()
    assert EVERY_FIELD.keys() == inspect.signature(ConnectWise.create_ticket).parameters.keys() - {"self"}


def test_every_request_is_one_the_api_describes(connectwise, sandbox):
    ask_everything(connectwise)
    for permission in ("members:inquire", "time:inquire", "service_tickets:inquire"):
        sandbox.permissions.discard(permission)
    connectwise.list_members()
    connectwise.search_members("ortiz")
    connectwise.list_work_types()
    connectwise.list_boards()

    assert len(sandbox.seen) > 40
    for seen in sandbox.seen:
        _, operation = operation_of(seen)
        parameters = {(each["in"], each["name"].lower()) for each in operation["parameters"]}
        assert {("query", name.lower()) for name in seen.query} <= parameters
        assert seen.headers["clientid"]
        assert seen.headers["accept"].startswith("application/vnd.connectwise.com+json; version=")


def test_every_body_fits_its_schema_and_names_no_unknown_property(connectwise, sandbox):
    ask_everything(connectwise)

    written = [seen for seen in sandbox.seen if seen.method in ("POST", "PATCH", "PUT")]
    assert len(written) >= 9
    for seen in written:
        schema = operation_of(seen)[1]["requestBody"]["content"]["application/json"]["schema"]
        check(seen.body, schema, SENT)
        assert_references_by_one_key(seen.body)
        if seen.method == "PATCH":
            ticket = SPEC["components"]["schemas"]["Ticket"]["properties"]
            assert {each["path"] for each in seen.body} <= set(ticket) - DERIVED
            assert not any(path.startswith("/") or "/" in path for path in (each["path"] for each in seen.body))
        else:
            assert set(seen.body) <= set(known_properties(schema))


def assert_references_by_one_key(body):
    """Every object inside what is sent is a reference by its id alone."""
    records = [each.get("value") for each in body] if isinstance(body, list) else body.values()
    assert all(set(record) == {"id"} for record in records if isinstance(record, dict))


def test_every_list_says_its_fields_and_its_order(connectwise, sandbox):
    ask_everything(connectwise)

    for seen in sandbox.seen:
        if seen.method == "GET" and not seen.path.endswith(("/count", "/system/info")):
            assert seen.query["fields"], seen.path
            assert re.search(r"/\d+$", seen.path) or "id" in seen.query["orderBy"], seen.path


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
        "/service/boards/1/types",
        "/service/boards/1/subtypes",
        "/company/companies",
        "/company/companies/301",
        "/company/contacts",
        "/company/contacts/1001",
        "/schedule/entries",
        "/time/entries",
        "/time/workTypes",
        "/time/workTypes/info",
        "/system/mySecurity",
        "/system/callbacks",
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
        (
            "400_schedule_objectid_not_found",
            lambda http: http.post(
                "/schedule/entries", json={"objectId": 123456, "member": {"id": 151}, "type": {"id": 1}}
            ),
        ),
        (
            "400_callback_invalid_url_and_level",
            lambda http: http.post(
                "/system/callbacks", json={"url": "nowhere", "objectId": 1, "type": "ticket", "level": "moon"}
            ),
        ),
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


RECORDED = {path.stem: json.loads(path.read_text()) for path in sorted((Path(FOLDER) / "fixtures").glob("*ed/*.json"))}
READERS = {
    "r7_get_ticket_by_id": TicketData,
    "r7_create_ticket": TicketData,
    "r7_update_ticket_few": TicketData,
    "r7_update_ticket_many": TicketData,
    "r7_get_tickets": TicketData,
    "ticket_two_resources": TicketData,
    "dj_service_ticket": TicketData,
    "dj_project_ticket": TicketData,
    "r7_create_ticket_note": NoteData,
    "r7_update_ticket_note": NoteData,
    "r7_get_ticket_notes": NoteData,
    "dj_service_notes": NoteData,
    "all_notes": NoteData,
    "schedule_entries_for_ticket": ScheduleEntryData,
    "dj_schedule_entries": ScheduleEntryData,
    "rp_time_entry": TimeEntryData,
    "dj_time_entries": TimeEntryData,
    "dj_boards": BoardData,
    "dj_board_statuses": StatusData,
    "dj_board_types": TypeData,
    "dj_board_subtypes": SubTypeData,
    "dj_priorities": PriorityData,
    "dj_members": MemberData,
    "r7_get_company": CompanyData,
    "dj_companies": CompanyData,
    "dj_contacts": ContactData,
    "contacts_list_one": ContactData,
    "dj_work_types": WorkTypeData,
    "dj_login_companyinfo": CompanyInfo,
    "callback_create_ticket_response": CallbackData,
    "dj_callback_entry": CallbackData,
    "system_info": ServerInfo,
}


def reader_of(name):
    known = [start for start in READERS if name.startswith(start) and not name.endswith("_count")]
    return READERS[max(known, key=len)] if known else None


@pytest.mark.parametrize("name", [name for name in RECORDED if reader_of(name)])
def test_recorded_answers_can_be_read(name):
    found = RECORDED[name]
    rows = found if isinstance(found, list) else [found]
    rows = [row for each in rows for row in (each if isinstance(each, list) else [each])]

    read = [reader_of(name).from_json(row) for row in rows]

    assert read
    assert all(getattr(each, "id", 1) is not None for each in read)


def test_most_recordings_are_read():
    assert sum(reader_of(name) is not None for name in RECORDED) >= 35


def test_a_recorded_ticket_keeps_what_a_page_shows():
    ticket = TicketData.from_json(RECORDED["r7_get_ticket_by_id"])

    assert ticket.summary
    assert ticket.board.name
    assert ticket.status.name
    assert ticket.company.name
    assert ticket.entered_at.tzinfo is not None


def test_two_resources_are_two():
    assert len(TicketData.from_json(RECORDED["ticket_two_resources"]).resources) == 2
