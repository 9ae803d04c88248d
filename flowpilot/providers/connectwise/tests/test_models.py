"""What comes back may lack nearly everything."""

from datetime import UTC, datetime

import pytest

from flowpilot.providers.connectwise.models import MemberData, NoteData, Ref, TicketData


def test_a_ticket_of_an_id_is_a_ticket():
    assert TicketData.from_json({"id": 7}) == TicketData(id=7, summary="")


def test_nulls_and_empty_references_are_nothing():
    ticket = TicketData.from_json({"id": 7, "summary": None, "owner": None, "company": {"_info": {}}, "_info": None})

    assert (ticket.summary, ticket.owner, ticket.company) == ("", None, None)


@pytest.mark.parametrize("text", ["a, b", "a,b", "a;b;", " a  b "])
def test_resources_in_any_writing(text):
    assert TicketData.from_json({"id": 1, "resources": text}).resources == ("a", "b")


def test_times_are_aware_and_in_utc():
    info = {"dateEntered": "2026-05-04T14:00:00+02:00", "lastUpdated": "2026-05-04T12:00:00"}
    ticket = TicketData.from_json({"id": 1, "_info": info})

    assert ticket.entered_at == ticket.updated_at == datetime(2026, 5, 4, 12, tzinfo=UTC)


def test_a_time_entry_note_has_its_start_as_its_time():
    note = NoteData.from_json({"id": 1, "timeStart": "2026-05-04T13:00:00Z", "originalAuthor": "Test Contact"})

    assert (note.created_at.hour, note.author) == (13, "Test Contact")


@pytest.mark.parametrize(
    ("text", "is_markdown", "read"),
    [
        ("\\[FP\\-1\\] \\(x\\) a\\_b", True, "[FP-1] (x) a_b"),
        ("\\[FP-1\\] \\(x\\)", False, "[FP-1] (x)"),
        ("\\\\server\\share\\_old", False, "\\\\server\\share\\_old"),
    ],
)
def test_note_text_loses_the_backslashes_connectwise_adds(text, is_markdown, read):
    assert NoteData.from_json({"id": 1, "text": text, "isMarkdownFlag": is_markdown}).text == read


def test_a_default_email_that_is_a_word_is_no_address():
    assert MemberData.from_json({"id": 1, "identifier": "x", "defaultEmail": "Office"}) == MemberData(1, "x", "x")


def test_a_reference_without_id_is_none():
    assert Ref.from_json({"name": "x"}) is None
