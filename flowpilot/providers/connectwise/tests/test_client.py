"""What FlowPilot reads and writes, over HTTP to the sandbox."""

from datetime import UTC, datetime, timedelta

import pytest

from flowpilot.errors import Invalid, NotFound, Refused
from flowpilot.providers.connectwise.client import ORDERS

OUTLOOK = 48213


def create_note(connectwise, text="Checked the profile.", **changes):
    flags = {"is_internal": True, "is_discussion": False, "is_resolution": False} | changes
    return connectwise.create_note(OUTLOOK, text, **flags)


def test_test_says_what_the_server_is(connectwise):
    assert connectwise.test().version == "v2026.1.105333"


def test_get_ticket_returns_the_whole_ticket(connectwise):
    ticket = connectwise.get_ticket(OUTLOOK)

    assert ticket.summary == "Outlook keeps asking for a password since the MFA rollout"
    assert (ticket.company.name, ticket.contact.name) == ("Contoso", "M. Adeyemi")
    assert (ticket.owner.identifier, ticket.resources) == ("jortiz", ("jortiz", "sokafor"))
    assert (ticket.status.name, ticket.priority_rank, ticket.is_closed) == ("In progress", 2, False)
    assert timedelta() < datetime.now(UTC) - ticket.entered_at < timedelta(hours=1)
    assert ticket.due_at > datetime.now(UTC)


def test_get_ticket_of_an_unknown_number_is_not_found(connectwise):
    with pytest.raises(NotFound, match="404404"):
        connectwise.get_ticket(404404)


def test_search_tickets_shows_open_ones_latest_first(connectwise):
    page = connectwise.search_tickets(page_size=200)

    assert not any(ticket.is_closed for ticket in page.tickets)
    assert [t.updated_at for t in page.tickets] == sorted((t.updated_at for t in page.tickets), reverse=True)
    assert not page.has_more


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("48213", {48213}),
        ("#48213", {48213}),
        ("password outlook rollout", {48213}),
        ("vpn fabrikam", {48209, 48102}),
        ("adeyemi", {48213}),
        ("OUTLOOK KEEPS", {48213}),
        ("host names resolve", {48102}),
    ],
)
def test_search_tickets_by_text(connectwise, text, found):
    numbers = {ticket.id for ticket in connectwise.search_tickets(text=text, page_size=200).tickets}

    assert found <= numbers
    assert len(numbers) < 20


@pytest.mark.parametrize("text", ['" or id>0 or summary="', "x' or 'a'='a", ") or (id>0", '\\" or id>0', "[zz]%q_"])
def test_search_tickets_takes_any_text_as_text(connectwise, text):
    assert connectwise.search_tickets(text=text, page_size=200).tickets == ()


@pytest.mark.parametrize("text", ['"', "\\", "[", "%", "\t\n", "*_^"])
def test_search_tickets_without_a_word_to_search_for_shows_all(connectwise, text):
    assert connectwise.search_tickets(text=text).tickets == connectwise.search_tickets().tickets


def test_search_tickets_keeps_a_long_text_inside_the_address_limit(connectwise):
    names = [status.name for status in connectwise.list_statuses(1)]

    for text in ("übergröße " * 400, "\U0001f5a8" * 400):
        assert connectwise.search_tickets(text=text, status_names=names, board_id=1).tickets == ()


def test_search_tickets_refuses_control_characters(connectwise):
    with pytest.raises(Invalid):
        connectwise.search_tickets(text="a\x00b")


def test_search_tickets_by_board_and_status_names(connectwise):
    page = connectwise.search_tickets(
        board_id=2, status_names=["Waiting on customer", ">Closed"], open_only=False, page_size=200
    )

    assert {ticket.board.id for ticket in page.tickets} == {2}
    assert {ticket.status.name for ticket in page.tickets} == {"Waiting on customer", ">Closed"}


def test_search_tickets_of_a_member_finds_owned_and_shared_ones(connectwise):
    numbers = {ticket.id for ticket in connectwise.search_tickets(owner_identifier="SOkafor", page_size=200).tickets}

    assert {48213, 48159} <= numbers  # a resource there, the owner here


def test_search_tickets_of_a_member_leaves_out_longer_names(connectwise):
    assert connectwise.search_tickets(owner_identifier="okafor", page_size=200).tickets == ()


@pytest.mark.parametrize("order", ORDERS)
def test_search_tickets_pages_neither_repeat_nor_lose(connectwise, order):
    seen, page = [], 1
    while True:
        result = connectwise.search_tickets(open_only=False, page=page, page_size=40, order=order)
        seen += [ticket.id for ticket in result.tickets]
        if not result.has_more:
            break
        page += 1

    assert (len(seen), len(set(seen)), page) == (150, 150, 4)


def test_list_notes_is_newest_first_and_unescaped(connectwise):
    create_note(connectwise, "Value [0] (decimal)\nC:\\Users")
    notes = connectwise.list_notes(OUTLOOK)

    assert [note.author for note in notes] == ["FlowPilot API", "S. Okafor", "J. Ortiz", "M. Adeyemi"]
    assert notes[0].text == "Value [0] (decimal)\nC:\\Users"
    assert [(note.is_internal, note.is_discussion) for note in notes[1:]] == [
        (True, False),
        (False, True),
        (False, True),
    ]
    assert notes[-1].author_identifier == ""


def test_list_notes_reads_all_pages(connectwise, sandbox):
    for number in range(105):
        sandbox.store.add_note(
            sandbox.store.tables.tickets[OUTLOOK], {"text": f"{number}", "internalAnalysisFlag": True}
        )

    assert len(connectwise.list_notes(OUTLOOK)) == 108


@pytest.mark.parametrize("html", [True, False])
def test_list_notes_works_without_all_notes(connectwise, sandbox, html):
    sandbox.switches.has_all_notes, sandbox.switches.html_for_unknown_endpoint = False, html

    assert [note.author for note in connectwise.list_notes(OUTLOOK)] == ["S. Okafor", "J. Ortiz", "M. Adeyemi"]


def test_list_notes_of_an_unknown_ticket_is_not_found(connectwise):
    with pytest.raises(NotFound):
        connectwise.list_notes(404404)


@pytest.mark.parametrize("escapes", [True, False])
@pytest.mark.parametrize("joins", [True, False])
def test_find_note_by_its_reference(connectwise, sandbox, escapes, joins):
    sandbox.switches.escapes_note_text, sandbox.switches.joins_note_lines = escapes, joins
    made = create_note(connectwise, "Fixed.\n\n[FP-01JD0000000000000000000000]")

    found = connectwise.find_note(OUTLOOK, "01JD0000000000000000000000", since=datetime.now(UTC))

    assert found == made
    assert connectwise.find_note(OUTLOOK, "01JD9999999999999999999999", since=datetime.now(UTC)) is None


def test_find_note_misses_a_note_that_does_not_show_yet(connectwise, sandbox):
    sandbox.switches.note_lag = 3600.0
    create_note(connectwise, "Fixed. [FP-1]")
    at_once = connectwise.find_note(OUTLOOK, "FP-1", since=datetime.now(UTC))
    for there in sandbox.store.tables.notes_of(OUTLOOK):
        there["_visible_at"] = 0.0  # the hour is over

    assert at_once is None
    assert connectwise.find_note(OUTLOOK, "FP-1", since=datetime.now(UTC))


def test_find_note_stops_at_notes_older_than_the_attempt(connectwise, sandbox):
    for number in range(210):
        sandbox.store.add_note(
            sandbox.store.tables.tickets[OUTLOOK], {"text": f"{number}", "internalAnalysisFlag": True}
        )
    sandbox.app.seen.clear()

    assert connectwise.find_note(OUTLOOK, "M. Adeyemi", since=datetime.now(UTC) + timedelta(hours=1)) is None
    assert len(sandbox.seen) == 1


def test_list_configurations_asks_for_the_details_once(connectwise, sandbox):
    (laptop,) = connectwise.list_configurations(OUTLOOK)

    assert (laptop.name, laptop.type, laptop.os, laptop.ram) == ("CONTOSO-LT-114", "Laptop", "Windows 11 23H2", "16 GB")
    assert laptop.last_login == "contoso\\madeyemi"
    assert len(sandbox.seen) == 2


def test_list_boards_by_name(connectwise):
    assert [board.name for board in connectwise.list_boards()] == ["Alerts", "Network", "Onboarding", "Service desk"]


def test_list_statuses_leaves_out_inactive_ones(connectwise):
    statuses = connectwise.list_statuses(1)

    assert [status.name for status in statuses][-2:] == ["Resolved", ">Closed"]
    assert [status.is_closed for status in statuses] == [False] * 5 + [True] * 2
    assert {status.id for status in statuses}.isdisjoint(status.id for status in connectwise.list_statuses(2))


def test_list_members_are_the_people(connectwise):
    members = connectwise.list_members()

    assert len(members) == 12
    assert ("jortiz", "J. Ortiz", "j.ortiz@summit-it.example") in {(m.identifier, m.name, m.email) for m in members}


def test_list_members_and_boards_work_in_their_light_form(connectwise, sandbox):
    full = connectwise.list_members()
    sandbox.permissions.discard("members:inquire")

    assert connectwise.list_members() == full


def test_create_note_says_where_it_shows_and_mails_nobody(connectwise, sandbox):
    note = create_note(connectwise, is_internal=False, is_discussion=True, is_resolution=True, member_id=151)

    assert (note.is_internal, note.is_discussion, note.is_resolution, note.author) == (False, True, True, "J. Ortiz")
    assert sandbox.seen[-1].body["processNotifications"] is False
    assert sandbox.store.mails == []


def test_create_note_without_a_place_sends_nothing(connectwise, sandbox):
    with pytest.raises(ValueError, match="place"):
        create_note(connectwise, is_internal=False)

    assert sandbox.seen == []


def test_create_note_never_shows_internal_text_to_the_customer(connectwise, sandbox):
    with pytest.raises(ValueError, match="customer"):
        create_note(connectwise, is_discussion=True)

    assert sandbox.seen == []


def test_create_note_by_an_unknown_member_is_invalid(connectwise):
    with pytest.raises(Invalid, match="member 9999 not found"):
        create_note(connectwise, member_id=9999)


def test_set_status_returns_the_ticket_as_it_is_now(connectwise):
    ticket = connectwise.set_status(OUTLOOK, 106)

    assert (ticket.status.name, ticket.is_closed) == ("Resolved", True)
    assert connectwise.get_ticket(OUTLOOK).is_closed


def test_set_status_of_another_board_is_refused_by_name(connectwise):
    with pytest.raises(Refused, match="In progress"):
        connectwise.set_status(OUTLOOK, 206)

    assert connectwise.get_ticket(OUTLOOK).status.id == 102


def test_set_status_says_what_an_old_bad_value_stops(connectwise, sandbox):
    sandbox.store.spoiled.add(OUTLOOK)

    with pytest.raises(Invalid, match="requiredDate"):
        connectwise.set_status(OUTLOOK, 103)
