"""Tickets made and merged, the schedule, time, documents: the sandbox does what ConnectWise does, in each position of its switches."""

from datetime import UTC, datetime, timedelta

import pytest

OUTLOOK = "/service/tickets/48213"
NUMBER = 48213
NEW = {"summary": "Printer offline", "company": {"id": 301}}


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def reasons(answer):
    return [(each["code"], each["message"], each["field"]) for each in answer.json()["errors"]]


def time_entry(**changes):
    begun = datetime.now(UTC) - timedelta(hours=1)
    body = {"chargeToId": NUMBER, "chargeToType": "ServiceTicket", "member": {"id": 151}, "timeStart": stamp(begun)}
    return body | {"timeEnd": stamp(begun + timedelta(minutes=45))} | changes


def scheduled(**changes):
    return {"objectId": NUMBER, "member": {"id": 155}, "type": {"id": 4}} | changes


class TestNewTickets:
    def test_a_ticket_takes_its_boards_defaults_and_is_returned_whole(self, http):
        answer = http.post("/service/tickets", json=NEW | {"board": {"id": 2}})

        ticket = answer.json()
        assert answer.status_code == 201
        assert (ticket["board"]["name"], ticket["status"]["name"], ticket["status"]["id"]) == ("Network", "New", 201)
        assert ticket["priority"]["name"] == "Priority 3 - Medium"
        assert ticket["company"]["name"] == "Contoso"
        assert not {"initialDescription", "owner"} & ticket.keys()

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            ({"company": {"id": 301}}, ("MissingRequiredField", "The summary field is required.", "summary")),
            ({"summary": "x"}, ("MissingRequiredField", "The company field is required.", "company")),
            (NEW | {"company": {"id": 19299}}, ("NotFound", "company 19299 not found", "company/id")),
            (
                NEW | {"board": {"id": 1}, "status": {"id": 201}},
                ("NotFound", "Service Status 201 not found for Service Board 1", "status/id"),
            ),
            (NEW | {"contact": {"id": 1}}, ("NotFound", "contact 1 not found", "contact/id")),
        ],
    )
    def test_what_is_missing_or_unknown_is_named(self, http, body, reason):
        answer = http.post("/service/tickets", json=body)

        assert (answer.status_code, reasons(answer)) == (400, [reason])

    def test_the_same_ticket_twice_is_two_tickets(self, http):
        first, second = (http.post("/service/tickets", json=NEW | {"externalXRef": "FP-1"}).json() for _ in range(2))
        found = http.get("/service/tickets", params={"conditions": 'externalXRef="FP-1"', "orderBy": "id asc"}).json()

        assert [row["id"] for row in found] == [first["id"], second["id"]]

    def test_a_first_description_becomes_the_contacts_note(self, http):
        ticket = http.post(
            "/service/tickets", json=NEW | {"contact": {"id": 1001}, "initialDescription": "Help"}
        ).json()
        [note] = http.get(f"/service/tickets/{ticket['id']}/notes").json()

        assert (note["text"], note["detailDescriptionFlag"], note["contact"]["id"]) == ("Help", True, 1001)

    def test_fields_choose_in_the_answer_of_a_write_too(self, http):
        assert http.post("/service/tickets?fields=id,summary", json=NEW).json().keys() == {"id", "summary"}

    def test_a_list_of_addresses_gets_its_semicolon(self, http):
        answer = http.patch(OUTLOOK, json=[{"op": "replace", "path": "automaticEmailCc", "value": "a@b.example"}])

        assert answer.json()["automaticEmailCc"] == "a@b.example;"

    def test_another_board_brings_its_own_status_and_type(self, http):
        ticket = http.patch(OUTLOOK, json=[{"op": "replace", "path": "board", "value": {"id": 2}}]).json()

        assert (ticket["board"]["id"], ticket["status"]["id"], ticket["type"]["id"] // 50) == (2, 202, 2)

    @pytest.mark.parametrize(("rule", "status"), [("", "New"), ("In progress", "In progress")])
    def test_a_workflow_rule_may_move_what_gets_its_first_owner(self, http, sandbox, rule, status):
        sandbox.switches.workflow_status = rule
        ticket = http.patch(
            "/service/tickets/48198", json=[{"op": "replace", "path": "owner", "value": {"id": 151}}]
        ).json()

        assert ticket["status"]["name"] == status

    def test_offsets_become_utc_and_fractions_are_refused(self, http):
        def answer(value):
            return http.patch(OUTLOOK, json=[{"op": "replace", "path": "requiredDate", "value": value}])

        assert answer("2026-05-04T14:00:00+02:00").json()["requiredDate"] == "2026-05-04T12:00:00Z"
        assert reasons(answer("2026-05-04T14:00:00.5Z"))[0][1] == "Unsupported format applied to requiredDate"

    def test_merging_needs_both_and_closes_the_children(self, http):
        refused = http.post(f"{OUTLOOK}/merge", json={"mergeTicketIds": [48198]})
        done = http.post(f"{OUTLOOK}/merge", json={"mergeTicketIds": [48198], "status": {"id": 106}})

        child = http.get("/service/tickets/48198").json()
        assert (refused.status_code, done.json()["success"]) == (400, True)
        assert (child["mergedParentTicket"]["id"], child["closedFlag"]) == (NUMBER, True)
        assert http.get(OUTLOOK).json()["hasMergedChildTicketFlag"]

    def test_a_childs_notes_show_among_all_of_its_parents(self, http):
        http.post(f"{OUTLOOK}/attachChildren", json={"childTicketIds": [48198]})

        notes = http.get(f"{OUTLOOK}/allNotes").json()
        assert {note["ticket"]["id"] for note in notes} == {NUMBER, 48198}
        assert {note["createdByParentFlag"] for note in notes} == {True, False}

    def test_search_by_post_takes_the_conditions_in_the_body(self, http):
        found = http.post("/service/tickets/search?pageSize=5", json={"conditions": "board/id=2", "orderBy": "id asc"})

        assert found.status_code == 200
        assert {row["board"]["id"] for row in found.json()} == {2}

    def test_hidden_boards_hide_their_tickets(self, http, sandbox):
        sandbox.switches.hidden_boards = frozenset({1})

        assert http.get(OUTLOOK).status_code == 404
        assert {row["board"]["id"] for row in http.get("/service/tickets?pageSize=1000").json()} == {2, 3, 4}
        assert 1 not in {row["id"] for row in http.get("/service/boards").json()}

    def test_two_writes_of_one_second_look_equal(self, http):
        moments = {
            http.patch(OUTLOOK, json=[{"op": "replace", "path": "summary", "value": text}]).json()["_info"][
                "lastUpdated"
            ]
            for text in "ab"
        }

        assert all(len(moment) == 20 for moment in moments)


class TestSchedule:
    def test_an_entry_is_named_by_the_server_and_moves_resources(self, http):
        answer = http.post("/schedule/entries", json=scheduled())

        entry = answer.json()
        assert answer.status_code == 201
        assert entry["name"].startswith("Contoso / Ticket# 48213 - Outlook")
        assert entry["type"].keys() == {"id", "identifier", "_info"}
        assert http.get(OUTLOOK).json()["resources"] == "jortiz, sokafor, tbrandt"

    def test_the_type_may_be_named_by_its_letter(self, http):
        assert http.post("/schedule/entries", json=scheduled(type={"identifier": "S"})).status_code == 201

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"type": None}, ("MissingRequiredField", "The type field is required.", "type")),
            ({"type": {"id": 1}}, ("NotFound", "Activity 48213 not found", "objectId")),
            ({"objectId": 1}, ("NotFound", "Service Ticket 1 not found", "objectId")),
            ({"member": {"id": 9}}, ("NotFound", "member 9 not found", "member/id")),
        ],
    )
    def test_what_is_wrong_with_an_entry_is_named(self, http, changes, reason):
        answer = http.post("/schedule/entries", json=scheduled(**changes))

        assert (answer.status_code, reasons(answer)) == (400, [reason])

    def test_deleting_drops_the_resource_and_twice_is_not_found(self, http):
        entry = http.post("/schedule/entries", json=scheduled()).json()["id"]
        answers = [http.delete(f"/schedule/entries/{entry}").status_code for _ in range(2)]

        assert answers == [204, 404]
        assert http.get(OUTLOOK).json()["resources"] == "jortiz, sokafor"

    @pytest.mark.parametrize(("refuses", "statuses"), [(False, [201, 201]), (True, [201, 400])])
    def test_a_second_entry_of_a_member_in_both_positions(self, http, sandbox, refuses, statuses):
        sandbox.switches.refuses_double_entries = refuses

        assert [http.post("/schedule/entries", json=scheduled()).status_code for _ in range(2)] == statuses

    @pytest.mark.parametrize(("schedules", "entries"), [(True, 3), (False, 2)])
    def test_a_new_owner_is_scheduled_in_both_positions(self, http, sandbox, schedules, entries):
        sandbox.switches.schedules_owners = schedules
        http.patch(OUTLOOK, json=[{"op": "replace", "path": "owner", "value": {"id": 155}}])

        assert len(sandbox.store.tables.entries_of(NUMBER)) == entries
        assert "tbrandt" in http.get(OUTLOOK).json()["resources"]

    @pytest.mark.parametrize(("unschedules", "left"), [(False, "jortiz, sokafor"), (True, "sokafor")])
    def test_clearing_the_owner_in_both_positions(self, http, sandbox, unschedules, left):
        sandbox.switches.clearing_owner_unschedules = unschedules

        assert http.patch(OUTLOOK, json=[{"op": "remove", "path": "owner"}]).json()["resources"] == left

    def test_resources_may_show_a_change_late(self, http, sandbox):
        sandbox.switches.resources_lag = 60.0
        http.post("/schedule/entries", json=scheduled())

        assert http.get(OUTLOOK).json()["resources"] == "jortiz, sokafor"

    def test_done_is_patched(self, http):
        entry = http.post("/schedule/entries", json=scheduled()).json()["id"]

        changed = http.patch(f"/schedule/entries/{entry}", json=[{"op": "replace", "path": "doneFlag", "value": True}])
        assert changed.json()["doneFlag"]

    @pytest.mark.parametrize(
        ("level", "ask"),
        [
            ("inquire", lambda http: http.get("/schedule/entries")),
            ("add", lambda http: http.post("/schedule/entries", json=scheduled())),
            ("delete", lambda http: http.delete("/schedule/entries/9001")),
        ],
    )
    def test_each_level_of_scheduling_is_a_right_of_its_own(self, http, sandbox, level, ask):
        sandbox.permissions.discard(f"scheduling:{level}")

        assert ask(http).json()["code"] == "Security"


class TestTime:
    def test_hours_follow_from_start_and_end(self, http):
        entry = http.post("/time/entries", json=time_entry()).json()

        assert (entry["actualHours"], entry["status"], entry["company"]["name"]) == (0.75, "Open", "Contoso")

    def test_hours_between_a_start_and_an_end_cannot_be_patched(self, http):
        entry = http.post("/time/entries", json=time_entry()).json()["id"]
        patch = [{"op": "replace", "path": "actualHours", "value": 9}, {"op": "replace", "path": "notes", "value": "x"}]

        changed = http.patch(f"/time/entries/{entry}", json=patch).json()
        assert (changed["actualHours"], changed["notes"]) == (0.75, "x")

    def test_an_api_member_has_no_time_of_its_own(self, http):
        answer = http.post("/time/entries", json=time_entry(member=None))

        assert (answer.status_code, answer.json()["code"]) == (403, "Security")

    def test_a_closed_period_is_named(self, http):
        begun = datetime.now(UTC) - timedelta(days=90)
        answer = http.post("/time/entries", json=time_entry(timeStart=stamp(begun), timeEnd=stamp(begun)))

        assert "report periods" in reasons(answer)[0][1]

    def test_a_status_may_take_no_time(self, http):
        http.patch(OUTLOOK, json=[{"op": "replace", "path": "status", "value": {"id": 107}}])

        assert "not allowed" in reasons(http.post("/time/entries", json=time_entry()))[0][1]

    @pytest.mark.parametrize(
        ("changes", "at"),
        [
            ({"timeStart": None}, "timeStart"),
            ({"timeStart": "2026-05-04T13:00:00.250Z"}, "timeStart"),
            ({"chargeToId": 1}, "chargeToId"),
            ({"chargeToType": "Moon"}, "chargeToType"),
            ({"workType": {"id": 99}}, "workType/id"),
        ],
    )
    def test_what_is_wrong_with_an_entry_is_named(self, http, changes, at):
        answer = http.post("/time/entries", json=time_entry(**changes))

        assert (answer.status_code, reasons(answer)[0][2]) == (400, at)

    def test_what_is_billed_cannot_be_changed_or_deleted(self, http, sandbox):
        billed = next(row["id"] for row in sandbox.store.tables.times.values() if row["status"] == "Billed")
        patch = [{"op": "replace", "path": "notes", "value": "x"}]

        assert http.patch(f"/time/entries/{billed}", json=patch).status_code == 400
        assert http.delete(f"/time/entries/{billed}").status_code == 400

    def test_an_open_one_is_deleted(self, http):
        entry = http.post("/time/entries", json=time_entry()).json()["id"]

        assert http.delete(f"/time/entries/{entry}").status_code == 204

    def test_its_notes_show_on_the_ticket_where_asked(self, http):
        http.post("/time/entries", json=time_entry(notes="Hidden."))
        http.post("/time/entries", json=time_entry(notes="Shown.", addToInternalAnalysisFlag=True))

        shown = [note for note in http.get(f"{OUTLOOK}/allNotes").json() if note["noteType"] == "TimeEntryNote"]
        assert [(note["text"], note["internalAnalysisFlag"]) for note in shown] == [("Shown.", True)]

    def test_mails_only_when_told(self, http, sandbox):
        http.post("/time/entries", json=time_entry())
        http.post("/time/entries", json=time_entry(emailContactFlag=True))

        assert len(sandbox.store.mails) == 1


class TestAround:
    def test_devices_are_attached_and_detached(self, http):
        attached = http.post(f"{OUTLOOK}/configurations", json={"id": 2003})
        listed = {row["id"] for row in http.get(f"{OUTLOOK}/configurations").json()}
        answers = [http.delete(f"{OUTLOOK}/configurations/2003").status_code for _ in range(2)]

        assert (attached.status_code, attached.json().keys()) == (201, {"id", "deviceIdentifier", "_info"})
        assert 2003 in listed
        assert answers == [204, 404]

    def test_child_conditions_ask_what_conditions_cannot(self, http):
        by_mail = 'communicationItems/value like "m.adeyemi@%" and communicationItems/communicationType="Email"'
        found = http.get("/company/contacts", params={"childConditions": by_mail}).json()
        approvers = http.get("/company/contacts", params={"childConditions": "types/id=46"}).json()
        refused = http.get("/company/contacts", params={"conditions": "types/name='Approver'"})

        assert [row["lastName"] for row in found] == ["Adeyemi"]
        assert len(approvers) == 8
        assert (refused.status_code, refused.json()["code"]) == (400, "ApiFindCondition")

    def test_custom_field_conditions(self, http):
        assert (
            http.get("/company/contacts", params={"customFieldConditions": 'caption="Floor" and value != null'}).json()
            == []
        )

    @pytest.mark.parametrize(("sends_null", "keys"), [(True, True), (False, False)])
    def test_an_empty_custom_value_in_both_positions(self, http, sandbox, sends_null, keys):
        sandbox.switches.sends_null_custom_values = sends_null

        assert ("value" in http.get("/company/contacts/1001").json()["customFields"][0]) is keys

    def test_statuses_without_a_board_are_none(self, http):
        assert http.get("/service/statuses").json() == []

    def test_documents_come_as_a_form(self, http):
        assert http.post("/system/documents", json={"recordId": NUMBER}).status_code == 415
        data, files = {"recordType": "Ticket", "recordId": str(NUMBER)}, {"file": ("a.txt", b"x")}
        assert http.post("/system/documents", data=data, files=files).status_code == 201
        assert http.post("/system/documents", data={"recordType": "Ticket"}, files=files).status_code == 400

    def test_rights_are_listed_as_the_role_has_them(self, http, sandbox):
        sandbox.permissions.discard("scheduling:add")
        rights = {row["moduleFunctionName"]: row for row in http.get("/system/mySecurity").json()}

        assert rights["Resource Scheduling"]["addLevel"] == "None"
        assert rights["Resource Scheduling"]["deleteLevel"] == "All"

    def test_rights_may_be_a_right_of_their_own(self, http, sandbox):
        sandbox.switches.may_list_rights = False

        assert http.get("/system/mySecurity").json()["code"] == "Security"
