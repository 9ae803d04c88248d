"""The invented MSP, and what it remembers."""

from datetime import UTC, datetime

import pytest

from flowpilot.errors import Unavailable
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.sandbox import Sandbox

START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
INTERNAL = {"is_internal": True, "is_discussion": False, "is_resolution": False}


def test_the_msp_has_its_size(sandbox):
    tables = sandbox.store.tables

    assert [len(each) for each in (tables.boards, tables.companies, tables.configurations, tables.tickets)] == [
        4,
        8,
        40,
        150,
    ]
    assert len([ticket for ticket in tables.tickets.values() if not ticket["closedFlag"]]) > 40
    assert len({ticket["summary"] for ticket in tables.tickets.values()}) > 140


def test_every_ticket_starts_with_what_its_contact_wrote(sandbox):
    for number, ticket in sandbox.store.tables.tickets.items():
        first = sandbox.store.tables.notes_of(number)[0]
        assert (first["contact"], first["detailDescriptionFlag"]) == (ticket["contact"], True)
        assert len(ticket["summary"]) <= 100
        assert "{" not in "".join(note["text"] for note in sandbox.store.tables.notes_of(number))


def test_notes_are_numbered_as_they_were_written_and_none_is_of_tomorrow():
    notes = list(Sandbox(start=START).store.tables.notes.values())

    assert [note["dateCreated"] for note in notes] == sorted(note["dateCreated"] for note in notes)
    assert notes[-1]["dateCreated"] <= "2026-05-04T09:00:00Z"


def test_the_same_moment_gives_the_same_msp():
    assert Sandbox(start=START).store.tables == Sandbox(start=START).store.tables


def test_the_journal_brings_back_what_was_done(tmp_path):
    first = Sandbox(tmp_path / "journal")
    with first.serve() as base_url, ConnectWise(base_url=base_url, **first.credentials) as client:
        note = client.create_note(48213, "Fixed. [FP-1]", **INTERNAL)
        client.set_status(48213, 106)
    (tmp_path / "journal").open("a").write('{"note": {"id"')  # the process died while it wrote

    second = Sandbox(tmp_path / "journal")
    assert second.store.tables == first.store.tables
    assert note.id in second.store.tables.notes
    assert Sandbox(tmp_path / "journal").store.tables == first.store.tables


def test_reset_forgets_the_journal(tmp_path):
    sandbox = Sandbox(tmp_path / "journal")
    ticket = sandbox.store.tables.tickets[48213]
    note = sandbox.store.add_note(ticket, {"text": "x", "internalAnalysisFlag": True})
    sandbox.reset()

    assert note["id"] not in Sandbox(tmp_path / "journal").store.tables.notes


def test_a_served_sandbox_stops_while_someone_still_waits():
    other = Sandbox()
    other.fail_next("stall")
    started = datetime.now(UTC)
    with other.serve() as base_url:
        client = ConnectWise(base_url=base_url, **other.credentials, read_timeout=0.1)
        with pytest.raises(Unavailable):
            client.get_ticket(48213)

    assert (datetime.now(UTC) - started).total_seconds() < 5
