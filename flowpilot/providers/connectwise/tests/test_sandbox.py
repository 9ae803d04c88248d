"""The sandbox is as strict as ConnectWise, seen through a plain HTTP client."""

import httpx
import pytest

OUTLOOK = "/service/tickets/48213"
SECURITY = {"code": "Security", "message": "You do not have security permission to perform this action."}


def patch(http, *operations):
    return http.patch(OUTLOOK, json=[dict(zip(("op", "path", "value"), each, strict=False)) for each in operations])


def test_without_keys_nobody_is_let_in(sandbox, base_url):
    answer = httpx.get(f"{base_url}/service/boards", trust_env=False)

    assert (answer.status_code, answer.json()) == (401, {"code": "ConnectWiseApi", "message": "UserNotAuthenticated"})


def test_a_malformed_authorization_is_a_server_error(sandbox, base_url):
    answer = httpx.get(f"{base_url}/service/boards", headers={"Authorization": "Basic ***"}, trust_env=False)

    assert (answer.status_code, answer.json()["code"]) == (500, "ConnectWiseApi")


def test_every_answer_has_a_request_id_and_neither_version_nor_total(http):
    answer = http.get(OUTLOOK)

    assert answer.headers["x-cw-request-id"]
    assert answer.headers["content-type"].startswith("application/json")
    assert not {"etag", "x-total-count"} & set(answer.headers)


@pytest.mark.parametrize(("as_html", "kind"), [(False, "application/json"), (True, "text/html")])
def test_unknown_endpoint_in_both_positions(http, sandbox, as_html, kind):
    sandbox.switches.html_for_unknown_endpoint = as_html

    answer = http.get("/service/tickets/48213/members")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith(kind)


def test_wrong_verb(http):
    assert http.put(OUTLOOK, json={}).status_code == 405


def test_a_missing_permission_is_403_with_security(http, sandbox):
    sandbox.permissions.discard("service_tickets:inquire")

    answer = http.get(OUTLOOK)
    assert (answer.status_code, answer.json()) == (403, SECURITY)


def test_a_list_has_25_rows_by_default_and_links_with_a_double_slash(http):
    answer = http.get("/service/tickets", params={"orderBy": "id asc"})

    assert len(answer.json()) == 25
    assert set(answer.links) == {"next", "last"}
    assert "/apis/3.0//service/tickets?" in answer.links["next"]["url"]
    assert "orderBy=id+asc" in answer.links["next"]["url"]


def test_links_at_the_end_past_it_and_when_all_fits(http):
    last = http.get("/service/tickets", params={"page": 2, "pageSize": 100})
    past = http.get("/service/tickets", params={"page": 9, "pageSize": 100})
    whole = http.get("/service/tickets", params={"pageSize": 5000})

    assert (len(last.json()), set(last.links)) == (50, {"prev", "first"})
    assert past.json() == []
    assert (len(whole.json()), "link" in whole.headers) == (150, False)


def test_forward_only_paging(http):
    headers = {"pagination-type": "forward-only"}
    first = http.get("/service/tickets", params={"pageSize": 100, "page": 7}, headers=headers)
    after = first.json()[-1]["id"]
    rest = http.get("/service/tickets", params={"pageSize": 100, "pageId": after}, headers=headers)

    assert f"pageId={after}" in first.links["next"]["url"]
    assert (len(rest.json()), rest.headers["link"]) == (50, "")
    assert http.get("/service/tickets", params={"orderBy": "id asc"}, headers=headers).status_code == 400


def test_count_follows_the_same_conditions(http):
    assert http.get("/service/tickets/count", params={"conditions": "board/id=1"}).json()["count"] > 20


def test_fields_choose_and_info_comes_only_when_named(http):
    some = http.get(OUTLOOK, params={"fields": "id,status/name,_info/lastUpdated,closedDate"}).json()

    assert set(some) == {"id", "status", "_info"}
    assert (set(some["status"]), set(some["_info"])) == ({"name"}, {"lastUpdated"})
    assert http.get(OUTLOOK, params={"fields": "id,summary"}).json().keys() == {"id", "summary"}
    assert http.get("/service/tickets", params={"fields": "*"}).json()[0].keys() == {"id"}


@pytest.mark.parametrize(("refuses", "status"), [(False, 200), (True, 400)])
def test_unknown_field_in_both_positions(http, sandbox, refuses, status):
    sandbox.switches.refuses_unknown_fields = refuses

    assert http.get(OUTLOOK, params={"fields": "id,colour"}).status_code == status


def test_nulls_are_left_out(http):
    ticket = http.get("/service/tickets/48198").json()

    assert not {"owner", "resources", "closedDate"} & set(ticket)
    assert None not in ticket.values()


def test_without_an_order_none_is_promised(http):
    answers = {tuple(row["id"] for row in http.get("/service/tickets").json()) for _ in range(3)}

    assert len(answers) > 1


def test_a_long_address_is_cut_off_without_json(http):
    answer = http.get("/service/tickets", params={"conditions": "id>0 and " * 300 + "id>0"})

    assert answer.status_code == 414
    assert "json" not in answer.headers["content-type"]


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"page": "one"}, 500),
        ({"orderBy": "colour asc"}, 400),
        ({"childConditions": "x=1"}, 400),
        ({"orderBy": "id up"}, 400),
    ],
)
def test_malformed_arguments(http, params, status):
    assert http.get("/service/tickets", params=params).status_code == status


def test_note_without_flag_is_refused_word_for_word(http):
    answer = http.post(f"{OUTLOOK}/notes", json={"text": "x"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == (
        "Please choose where to display the notes in order to save this record."
    )


def test_note_is_created_whole_and_twice_when_sent_twice(http):
    body = {"text": "[x]\ny", "internalAnalysisFlag": True}
    first, second = (http.post(f"{OUTLOOK}/notes", json=body) for _ in range(2))

    assert first.status_code == 201
    assert second.json()["id"] == first.json()["id"] + 1
    assert first.json()["text"] == "\\[x\\]\ny"
    assert first.json()["internalFlag"] is first.json()["externalFlag"] is True
    assert first.json()["member"]["identifier"] == "flowpilot"


@pytest.mark.parametrize(
    ("sent", "by_default", "mails"), [(None, True, 1), (None, False, 0), (True, False, 1), (False, True, 0)]
)
def test_mails_in_both_positions(http, sandbox, sent, by_default, mails):
    sandbox.switches.mails_by_default = by_default
    extra = {} if sent is None else {"processNotifications": sent}
    http.post(f"{OUTLOOK}/notes", json={"text": "x", "detailDescriptionFlag": True} | extra)

    assert len(sandbox.store.mails) == mails


def test_a_deleted_note_is_gone(http):
    note = http.get(f"{OUTLOOK}/notes").json()[0]["id"]

    assert http.delete(f"{OUTLOOK}/notes/{note}").status_code == 204
    again = http.delete(f"{OUTLOOK}/notes/{note}")
    assert (again.status_code, again.json()["message"]) == (404, f"Service Note {note} not found")


def test_note_type_cannot_be_asked_for_on_notes(http):
    answer = http.get(f"{OUTLOOK}/notes", params={"conditions": 'noteType="TicketNote"'})

    assert answer.json()["message"] == "noteType is not a recognized name."


@pytest.mark.parametrize("path", ["status", "/status"])
def test_patch_takes_paths_with_and_without_slash(http, path):
    answer = patch(http, ("replace", path, {"id": 106}))

    assert (answer.status_code, answer.json()["status"]["name"], answer.json()["closedFlag"]) == (200, "Resolved", True)
    assert {"closedDate", "closedBy"} <= answer.json().keys()


def test_opening_again_takes_the_closing_back(http):
    patch(http, ("replace", "status", {"id": 106}))

    assert not {"closedDate", "closedBy"} & patch(http, ("replace", "status", {"id": 102})).json().keys()


@pytest.mark.parametrize(
    ("path", "value"), [("status", {"id": 202}), ("status", {"id": 108}), ("resources", "hmbeki"), ("closedFlag", True)]
)
def test_patch_with_success_that_changes_nothing(http, path, value):
    before = http.get(OUTLOOK).json()
    answer = patch(http, ("replace", path, value))

    assert answer.status_code == 200
    assert answer.json() | {"_info": 0} == before | {"_info": 0}


@pytest.mark.parametrize(("ignores", "status"), [(False, 103), (True, 102)])
def test_sub_paths_in_both_positions(http, sandbox, ignores, status):
    sandbox.switches.ignores_sub_paths = ignores

    assert patch(http, ("replace", "status/id", 103)).json()["status"]["id"] == status


@pytest.mark.parametrize(("ignores", "status"), [(False, 400), (True, 200)])
@pytest.mark.parametrize("path", ["Summary", "colour"])
def test_unknown_paths_in_both_positions(http, sandbox, ignores, status, path):
    sandbox.switches.ignores_unknown_patch_paths = ignores

    assert patch(http, ("replace", path, "x")).status_code == status


@pytest.mark.parametrize(("cuts", "status"), [(False, 400), (True, 200)])
def test_long_summary_in_both_positions(http, sandbox, cuts, status):
    sandbox.switches.truncates_long_summary = cuts

    assert patch(http, ("replace", "summary", "x" * 101)).status_code == status


@pytest.mark.parametrize(("refuses", "status"), [(False, 200), (True, 400)])
def test_removing_the_owner_in_both_positions(http, sandbox, refuses, status):
    sandbox.switches.refuses_owner_removal = refuses

    assert patch(http, ("remove", "owner")).status_code == status
    assert "owner" not in patch(http, ("replace", "owner", None)).json()


def test_a_new_owner_joins_the_resources(http):
    ticket = patch(http, ("replace", "owner", {"identifier": "tbrandt"})).json()

    assert (ticket["owner"]["id"], ticket["resources"]) == (155, "jortiz, sokafor, tbrandt")
    assert patch(http, ("replace", "owner", {"id": 1})).json()["errors"][0]["field"] == "owner/id"


def test_a_write_moves_last_updated(http):
    before = http.get(OUTLOOK).json()["_info"]["lastUpdated"]

    assert patch(http, ("replace", "priority", {"id": 4})).json()["_info"]["lastUpdated"] > before


@pytest.mark.parametrize("body", ["{", "[1]", '{"op":"replace"}', "null"])
def test_a_malformed_patch_is_refused(http, body):
    assert http.patch(OUTLOOK, content=body).status_code == 400
