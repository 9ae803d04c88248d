from uuid import uuid4

import pytest

from flowpilot.errors import Conflict, Invalid, NotFound, StaleState
from psa.models import PsaPost
from sessions import queries
from sessions.services import notes, resolving
from sessions.services._posts import SecretFound, StaleNote
from sessions.services.facts import add_fact
from sessions.services.tasks import answer_task
from sessions.tests.factories import make_fact, make_fix, make_item

pytestmark = pytest.mark.usefixtures("scope")


@pytest.fixture
def form(ticket_chat):
    """The form as the page has it now, changed as given."""

    def fill(**fields):
        ticket_chat.refresh_from_db()
        shown = {
            "internal": queries.reading(ticket_chat, "resolution").markdown,
            "client": queries.reading(ticket_chat, "client").markdown,
            "seen_version": ticket_chat.state_version,
            "shown_in": ["internal"],
        }
        return resolving.NoteForm(**{**shown, **fields})

    return fill


@pytest.fixture
def post(ticket_chat, technician, form):
    """Post the note as the page would."""

    def send(filled=None, *, key=None, **fields):
        filled = filled or form(**fields)
        return resolving.post_note(chat_id=ticket_chat.id, form=filled, by=technician, client_key=key or uuid4())

    return send


@pytest.fixture
def type_in(ticket_chat, technician):
    """Add a line to a note by hand."""

    def save(line, kind="resolution"):
        text = f"{queries.reading(ticket_chat, kind).document.editable}\n\n{line}"
        notes.save_note(chat_id=ticket_chat.id, kind=kind, markdown=text, by=technician)

    return save


def test_post_note_puts_the_internal_reading_into_the_outbox(ticket_chat, post, technician):
    post()

    sent = PsaPost.objects.get()
    assert (sent.kind, sent.ticket_id, sent.state, sent.created_by) == ("note", 48213, "pending", technician)
    assert sent.payload["text"].startswith("## Problem")
    assert sent.payload["shown_in"] == ["internal"]


@pytest.mark.parametrize("places", [["resolution"], ["discussion"], ["discussion", "resolution"]])
def test_where_customers_read_the_client_safe_reading_goes(post, form, places):
    filled = form(shown_in=places)
    post(filled)

    sent = PsaPost.objects.get()
    assert sent.payload["text"] == filled.client
    assert sent.payload["shown_in"] == places


def test_both_readings_are_two_notes_of_one_click(post):
    chat = post(shown_in=["internal", "discussion"])

    told = [(each.payload["role"], each.payload["shown_in"]) for each in queries.posting(chat.resolution_batch).posts]
    assert told == [("note", ["internal"]), ("client_note", ["discussion"])]


def test_a_status_comes_after_the_note(post):
    chat = post(status_id=7, status_name="Resolved", status_before="New")

    _, status = queries.posting(chat.resolution_batch).posts
    assert status.payload == {"status_id": 7, "status_name": "Resolved", "before": "New"}


def test_post_note_does_not_resolve_before_the_ticket_has_it(post):
    chat = post()

    assert (chat.status, chat.resolution_note_posted_at) == ("active", None)


def test_the_note_is_kept_as_it_was_shown(ticket_chat, post, type_in):
    type_in("As shown.")
    post()

    ticket_chat.refresh_from_db()
    found = queries.reading(ticket_chat, "resolution")
    assert (found.origin, found.is_stale) == ("posted", False)
    assert found.markdown == ticket_chat.resolution_note_markdown == PsaPost.objects.get().payload["text"]
    assert "As shown." in found.markdown


def test_a_note_made_on_an_older_state_posts_nothing_and_says_what_changed(ticket_chat, post, form, technician):
    filled = form()
    add_fact(chat_id=ticket_chat.id, text="Only this user", by=technician)
    with pytest.raises(StaleNote) as stale:
        post(filled)

    assert (stale.value.came, stale.value.went) == (["Only this user"], ["Nothing was confirmed."])
    assert not PsaPost.objects.exists()


def test_an_answer_in_between_makes_it_stale(ticket_chat, post, form, technician):
    ticket_chat.pending_task_lane = [make_item()]
    ticket_chat.save()
    filled = form()
    answer_task(chat_id=ticket_chat.id, item_id=ticket_chat.pending_task_lane[0]["id"], answer="No", by=technician)

    with pytest.raises(StaleNote) as stale:
        post(filled)
    assert "Does webmail work? No" in stale.value.came


def test_words_that_were_not_shown_are_not_posted(post, form):
    with pytest.raises(StaleNote):
        post(form(internal="## Problem\n\nAnything."))

    assert not PsaPost.objects.exists()


def test_an_edit_in_another_tab_makes_it_stale(post, form, type_in):
    filled = form()
    type_in("From the other tab.")
    with pytest.raises(StaleNote) as stale:
        post(filled)

    assert stale.value.came == ["From the other tab."]


def test_an_edited_note_is_not_posted_on_a_newer_state(ticket_chat, post, type_in, technician):
    type_in("By hand.")
    add_fact(chat_id=ticket_chat.id, text="Only this user", by=technician)
    with pytest.raises(StaleNote) as stale:
        post()
    assert "Only this user" in stale.value.came

    notes.rebuild_note(chat_id=ticket_chat.id, kind="resolution", by=technician)
    post()
    assert "By hand." in PsaPost.objects.get().payload["text"]


@pytest.mark.parametrize("places", [[], ["everywhere"], ["internal", "everywhere"]])
def test_a_note_without_a_place_is_not_posted(post, places):
    with pytest.raises(Invalid, match="Choose where the note is shown"):
        post(shown_in=places)


def test_a_session_without_a_ticket_posts_nothing(ticket_chat, post):
    ticket_chat.ticket_id = None
    ticket_chat.save()
    with pytest.raises(Invalid, match="no ticket to post to"):
        post()


@pytest.mark.parametrize("outcome", ["verifying", "waiting"])
def test_a_fix_without_a_verdict_holds_the_note_back(ticket_chat, post, outcome):
    make_fix(ticket_chat, outcome=outcome)
    with pytest.raises(Conflict, match="no outcome yet"):
        post()

    assert not PsaPost.objects.exists()


def test_a_secret_in_a_fact_is_masked_by_itself(ticket_chat, post):
    make_fact(ticket_chat, "Signed in with password: Hunter2!")
    post()

    assert "Hunter2!" not in PsaPost.objects.get().payload["text"]


def test_a_typed_secret_stops_the_post(ticket_chat, post, type_in):
    type_in("The password is Hunter2!")
    with pytest.raises(SecretFound) as stopped:
        post()

    assert [(each.kind, each.hint) for each in stopped.value.found] == [("password", "Hu…")]
    assert not PsaPost.objects.exists()


def test_a_confirmed_secret_may_leave(ticket_chat, post, type_in):
    type_in("The password is Hunter2!")
    with pytest.raises(SecretFound) as stopped:
        post()
    post(confirmed=[each.mark for each in stopped.value.found])

    assert "Hunter2!" in PsaPost.objects.get().payload["text"]


def test_confirming_one_secret_lets_no_other_leave(ticket_chat, post, type_in):
    type_in("The password is Hunter2!")
    with pytest.raises(SecretFound) as first:
        post()
    type_in("The password is Other3!")
    with pytest.raises(SecretFound):
        post(confirmed=[each.mark for each in first.value.found])


def test_the_same_form_twice_is_one_post(post, form):
    key, filled = uuid4(), form(status_id=7, status_name="Resolved")
    post(filled, key=key)
    post(filled, key=key)

    assert PsaPost.objects.count() == 2


def test_a_second_tab_posts_no_second_note(post, form):
    filled = form()
    post(filled)
    with pytest.raises(Conflict, match="on its way"):
        post(filled)

    assert PsaPost.objects.count() == 1


def test_editing_a_note_on_its_way_is_refused(post, type_in):
    post()
    with pytest.raises(Conflict, match="on its way"):
        type_in("Late.")


def test_a_refused_note_can_be_posted_again_edited(post, type_in):
    post()
    PsaPost.objects.update(state="rejected", error="No")
    type_in("Shorter.")
    chat = post()

    assert "Shorter." in queries.posting(chat.resolution_batch).lead.payload["text"]


def test_a_closed_session_posts_nothing(ticket_chat, post, form):
    filled = form()
    ticket_chat.status = "resolved"
    ticket_chat.save()
    with pytest.raises(Conflict, match="closed already"):
        post(filled)


def test_nothing_stuck_is_nothing_to_retry(ticket_chat, post):
    post()
    with pytest.raises(Conflict, match="Nothing waits"):
        resolving.retry_post(chat_id=ticket_chat.id, post_id=PsaPost.objects.get().id)


def test_a_part_of_another_session_is_not_retried(other_chat, post):
    post()
    with pytest.raises(NotFound):
        resolving.retry_post(chat_id=other_chat.id, post_id=PsaPost.objects.get().id)


class TestWithoutATicket:
    def test_a_session_is_resolved_at_once_and_keeps_its_note(self, chat, technician):
        resolving.resolve_chat(chat_id=chat.id, seen_version=0, by=technician)

        chat.refresh_from_db()
        assert (chat.status, bool(chat.resolved_at)) == ("resolved", True)
        assert chat.resolution_note_markdown.startswith("## Problem")

    def test_one_with_a_ticket_is_resolved_by_its_note(self, ticket_chat, technician):
        with pytest.raises(Conflict, match="post its note"):
            resolving.resolve_chat(chat_id=ticket_chat.id, seen_version=0, by=technician)

    def test_a_stale_page_resolves_nothing(self, chat, technician):
        add_fact(chat_id=chat.id, text="Only this user", by=technician)
        with pytest.raises(StaleState):
            resolving.resolve_chat(chat_id=chat.id, seen_version=0, by=technician)

        chat.refresh_from_db()
        assert chat.is_open
