"""Who works on a ticket. Each rule is checked by the requests that reach ConnectWise."""

import pytest

from flowpilot.errors import NotFound
from flowpilot.providers.connectwise.errors import NotPermitted, Uncertain
from flowpilot.providers.connectwise.models import MemberData, Ref, ScheduleEntryData, TicketData
from psa.resources import assign, merged, resources, unassign

OUTLOOK, MAILBOX = 48213, 48198  # owned by J. Ortiz with S. Okafor beside; nobody's
ORTIZ, OKAFOR, BRANDT = 151, 154, 155
TICKET = f"/v4_6_release/apis/3.0/service/tickets/{OUTLOOK}"
ENTRIES = "/v4_6_release/apis/3.0/schedule/entries"


def member(sandbox, number):
    row = sandbox.store.tables.members[number]
    return MemberData(number, row["identifier"], f"{row['firstName']} {row['lastName']}")


def written(sandbox):
    return [(seen.method, seen.path, seen.body) for seen in sandbox.writes]


def names(found):
    return [(each.identifier, each.is_owner) for each in found.people]


def test_resources_are_the_owner_and_those_beside(connected):
    found = resources(connected.id, OUTLOOK)

    assert names(found) == [("jortiz", True), ("sokafor", False)]
    assert [len(each.entry_ids) for each in found.people] == [1, 1]


def test_resources_show_a_member_once_however_often_scheduled(connected, sandbox):
    body = {"objectId": OUTLOOK, "member": {"id": OKAFOR}, "type": {"id": 4}}
    sandbox.store.add_entry(body)
    sandbox.store.add_entry(body)

    found = resources(connected.id, OUTLOOK)

    assert names(found) == [("jortiz", True), ("sokafor", False)]
    assert len(found.of(OKAFOR).entry_ids) == 3


def test_assign_without_an_owner_sets_the_owner(connected, sandbox):
    found = assign(connected.id, MAILBOX, member(sandbox, BRANDT))

    path = TICKET.replace(str(OUTLOOK), str(MAILBOX))
    assert written(sandbox) == [("PATCH", path, [{"op": "replace", "path": "owner", "value": {"id": BRANDT}}])]
    assert names(found) == [("tbrandt", True)]


@pytest.mark.parametrize("schedules", [True, False])
def test_assign_beside_an_owner_schedules_and_the_owner_stays(connected, sandbox, schedules):
    sandbox.switches.schedules_owners = schedules
    found = assign(connected.id, OUTLOOK, member(sandbox, BRANDT))

    body = {"objectId": OUTLOOK, "member": {"id": BRANDT}, "type": {"id": 4}}
    assert written(sandbox) == [("POST", ENTRIES, body)]
    assert names(found) == [("jortiz", True), ("sokafor", False), ("tbrandt", False)]
    assert sandbox.store.tables.tickets[OUTLOOK]["resources"] == "jortiz, sokafor, tbrandt"


@pytest.mark.parametrize("number", [ORTIZ, OKAFOR])
def test_assign_of_who_is_on_it_already_writes_nothing(connected, sandbox, number):
    found = assign(connected.id, OUTLOOK, member(sandbox, number))

    assert written(sandbox) == []
    assert len(found.people) == 2


@pytest.mark.parametrize("takes_entry", [True, False])
def test_unassign_the_owner_clears_it_and_reads_again(connected, sandbox, takes_entry):
    sandbox.switches.clearing_owner_unschedules = takes_entry
    found = unassign(connected.id, OUTLOOK, ORTIZ)

    assert written(sandbox) == [("PATCH", TICKET, [{"op": "remove", "path": "owner"}])]
    assert names(found) == ([] if takes_entry else [("jortiz", False)]) + [("sokafor", False)]
    after = [seen.method for seen in sandbox.seen if seen.path == TICKET]
    assert after[after.index("PATCH") + 1] == "GET"


def test_unassign_the_owner_replaces_by_null_where_removing_is_refused(connected, sandbox):
    sandbox.switches.refuses_owner_removal = True
    found = unassign(connected.id, OUTLOOK, ORTIZ)

    patches = [seen.body for seen in sandbox.seen if seen.method == "PATCH"]
    assert patches == [[{"op": "remove", "path": "owner"}], [{"op": "replace", "path": "owner", "value": None}]]
    assert found.owner is None


def test_unassign_somebody_else_deletes_each_entry(connected, sandbox):
    sandbox.store.add_entry({"objectId": OUTLOOK, "member": {"id": OKAFOR}, "type": {"identifier": "S"}})
    entries = resources(connected.id, OUTLOOK).of(OKAFOR).entry_ids
    found = unassign(connected.id, OUTLOOK, OKAFOR)

    assert written(sandbox) == [("DELETE", f"{ENTRIES}/{number}", None) for number in entries]
    assert names(found) == [("jortiz", True)]


def test_unassign_who_is_not_on_it_writes_nothing(connected, sandbox):
    unassign(connected.id, OUTLOOK, BRANDT)

    assert written(sandbox) == []


@pytest.mark.parametrize("status", [401, 403])
def test_without_the_schedule_the_ticket_itself_tells_and_the_permission_is_named(connected, sandbox, status):
    sandbox.switches.permission_status = status
    sandbox.permissions.discard("scheduling:inquire")

    found = resources(connected.id, OUTLOOK)

    assert names(found) == [("jortiz", True), ("sokafor", False)]
    assert found.missing == "Service Desk > Resource Scheduling (inquire)"


def test_without_the_schedule_who_is_on_it_is_still_not_assigned_twice(connected, sandbox):
    sandbox.permissions.discard("scheduling:inquire")

    assign(connected.id, OUTLOOK, member(sandbox, OKAFOR))

    assert written(sandbox) == []


@pytest.mark.parametrize(
    ("missing", "act", "named"),
    [
        ("scheduling:add", lambda a, s: assign(a.id, OUTLOOK, member(s, BRANDT)), "Resource Scheduling (add)"),
        ("scheduling:delete", lambda a, s: unassign(a.id, OUTLOOK, OKAFOR), "Resource Scheduling (delete)"),
        ("service_tickets:edit", lambda a, s: unassign(a.id, OUTLOOK, ORTIZ), "Service Tickets (edit)"),
        ("service_tickets:edit", lambda a, s: assign(a.id, MAILBOX, member(s, BRANDT)), "Service Tickets (edit)"),
    ],
)
def test_a_missing_permission_is_named_and_nothing_is_written(connected, sandbox, missing, act, named):
    sandbox.permissions.discard(missing)

    with pytest.raises(NotPermitted, match="Service Desk > ") as caught:
        act(connected, sandbox)

    assert named in caught.value.message
    assert written(sandbox) == []


def test_an_assignment_whose_answer_was_lost_is_found_by_looking(connected, sandbox):
    sandbox.fail_next("commit_then_drop", match=f"POST {ENTRIES}")

    found = assign(connected.id, OUTLOOK, member(sandbox, BRANDT))

    assert ("tbrandt", False) in names(found)
    assert len(sandbox.store.tables.entries_of(OUTLOOK)) == 3


def test_an_assignment_that_never_arrived_is_uncertain_and_not_repeated(connected, sandbox):
    sandbox.fail_next("drop", match=f"POST {ENTRIES}")

    with pytest.raises(Uncertain):
        assign(connected.id, OUTLOOK, member(sandbox, BRANDT))

    assert sum(seen.method == "POST" for seen in sandbox.seen) == 1


def test_an_unknown_ticket_has_no_resources(connected):
    with pytest.raises(NotFound):
        resources(connected.id, 404404)


def test_merged_keeps_the_owner_first_and_drops_entries_of_nobody():
    ticket = TicketData(1, "x", owner=Ref(5, "Ann", "ann"), resources=("ann", "bob"))
    entries = [
        ScheduleEntryData(9, 1, None),
        ScheduleEntryData(8, 1, Ref(6, "Bob", "bob")),
        ScheduleEntryData(7, 1, Ref(5, "Ann", "ann")),
    ]

    assert [(each.name, each.entry_ids) for each in merged(ticket, entries).people] == [("Ann", (7,)), ("Bob", (8,))]
