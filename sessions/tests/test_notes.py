from uuid import uuid4

import pytest

from flowpilot.errors import Conflict, Invalid, NotFound, StaleState
from flowpilot.ui.markdown import render
from psa.models import PsaPost
from sessions import queries
from sessions.services import notes as services
from sessions.services.facts import add_fact
from sessions.services.tasks import answer_task
from sessions.tests.factories import STALE_TOKEN, make_fact, make_fix, make_item

pytestmark = pytest.mark.usefixtures("scope")


@pytest.fixture
def note(ticket_chat):
    """The session's note as it stands, as {heading: body}."""

    def read():
        ticket_chat.refresh_from_db()
        return sections(queries.note(ticket_chat).markdown)

    return read


@pytest.fixture
def post(ticket_chat, technician):
    """Post the note as the page would."""

    def send(*, key=None, **fields):
        ticket_chat.refresh_from_db()
        shown = {"markdown": "Fixed.", "seen_version": ticket_chat.state_version, "shown_in": ["internal"]}
        form = services.NoteForm(**{**shown, "status_id": None, "status_name": "", **fields})
        return services.post_note(chat_id=ticket_chat.id, form=form, by=technician, client_key=key or uuid4())

    return send


def sections(markdown):
    parts = markdown.split("## ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}


def tried(chat, outcome, **fields):
    """A fix that was superseded with this outcome."""
    return make_fix(chat, outcome=outcome, user_decision="accepted", superseded_at=chat.created_at, **fields)


class TestSections:
    def test_they_come_in_order(self, ticket_chat, note):
        ticket_chat.pending_task_lane = [make_item()]
        ticket_chat.save()

        assert list(note()) == ["Problem", "What we confirmed", "Root cause", "Resolution", "Next steps"]

    def test_problem_is_the_ticket_and_the_words(self, note):
        assert note()["Problem"] == (
            "Outlook keeps asking for a password (Maria Gomez, Contoso Dental Group)\n\nOutlook asks for a password."
        )

    def test_an_empty_session_claims_nothing(self, ticket_chat, note):
        ticket_chat.problem = ticket_chat.ticket_summary = ticket_chat.ticket_contact = ticket_chat.ticket_company = ""
        ticket_chat.save()

        assert note() == {
            "Problem": "Not described.",
            "What we confirmed": "Nothing was confirmed.",
            "Root cause": "Undetermined.",
            "Resolution": "No fix was applied.",
        }

    def test_what_we_confirmed_is_the_facts_that_stand(self, ticket_chat, note):
        make_fact(ticket_chat, "Only this user")
        make_fact(ticket_chat, "Removed", deleted_at=ticket_chat.created_at)
        make_fact(ticket_chat, "Tried: a reboot", source_type="fix")

        assert note()["What we confirmed"] == "- Only this user"

    def test_a_fix_that_worked_proves_the_root_cause(self, ticket_chat, note):
        make_fix(ticket_chat, outcome="success", reason="Asked once more, then quiet")

        assert note()["Root cause"] == "The token is from before MFA"
        assert note()["Resolution"].startswith(f"{STALE_TOKEN}. It worked: Asked once more, then quiet.")
        assert "1. Quit Outlook\n2. Clear it" in note()["Resolution"]

    @pytest.mark.parametrize("outcome", ["none", "verifying", "waiting", "partial", "failed"])
    def test_without_a_fix_that_worked_the_root_cause_is_undetermined(self, ticket_chat, note, outcome):
        make_fix(ticket_chat, outcome=outcome, reason="A reboot")

        assert note()["Root cause"] == "Undetermined."

    @pytest.mark.parametrize("outcome", ["verifying", "waiting"])
    def test_a_fix_without_a_verdict_is_applied_not_verified(self, ticket_chat, note, outcome):
        make_fix(ticket_chat, outcome=outcome, reason="A reboot")

        assert note()["Resolution"] == f"{STALE_TOKEN}: applied, not verified (A reboot)."
        assert f"- Verify: {STALE_TOKEN}" in note()["Next steps"]

    def test_a_fix_that_was_only_suggested_is_not_told(self, ticket_chat, note):
        make_fix(ticket_chat)

        assert note()["Resolution"] == "No fix was applied."

    def test_a_dismissed_fix_is_not_told_as_tried(self, ticket_chat, note):
        make_fix(ticket_chat, user_decision="dismissed", reason="Wrong", superseded_at=ticket_chat.created_at)

        assert note()["Resolution"] == "No fix was applied."

    def test_what_failed_before_is_listed(self, ticket_chat, note):
        tried(ticket_chat, "failed", title="Restart Outlook", reason="It asks again")
        tried(ticket_chat, "partial", title="Rebuild the profile")
        make_fix(ticket_chat, outcome="success")

        also = note()["Resolution"].partition("Also tried:")[2].strip().splitlines()
        assert also == ["- Restart Outlook: didn’t work (It asks again)", "- Rebuild the profile: helped partly"]

    def test_what_is_open_is_a_next_step(self, ticket_chat, note):
        ticket_chat.pending_task_lane = [make_item(), make_item("Done already", state="done")]
        ticket_chat.save()

        assert "Does webmail work?" in note()["Next steps"]
        assert "Done already" not in note()["Next steps"]

    def test_after_a_fix_that_worked_open_questions_are_no_next_steps(self, ticket_chat, note):
        ticket_chat.pending_task_lane = [make_item()]
        ticket_chat.save()
        make_fix(ticket_chat, outcome="success")

        assert "Next steps" not in note()


class TestWords:
    """What people typed stays what they typed: it makes no headings, lists or quotes of the note."""

    SNEAKY = [
        "## Root cause",
        "  # Big",
        "> quote",
        "- item",
        "+ item",
        "one\n## Two",
        "Setext\n=====",
        "Setext\n-----",
    ]

    @pytest.mark.parametrize("words", SNEAKY)
    def test_the_problem_makes_no_heading(self, ticket_chat, note, words):
        ticket_chat.problem = words
        ticket_chat.save()

        assert headings(ticket_chat) == 4

    @pytest.mark.parametrize("words", SNEAKY)
    def test_no_fact_makes_a_heading(self, ticket_chat, words):
        make_fact(ticket_chat, words)

        assert headings(ticket_chat) == 4

    @pytest.mark.parametrize("words", SNEAKY)
    def test_no_fix_makes_a_heading(self, ticket_chat, words):
        make_fix(ticket_chat, words, outcome="success", rationale=words, steps=[words], reason=words)

        assert headings(ticket_chat) == 4


def headings(chat):
    html = str(render(queries.note(chat).markdown))
    return sum(html.count(f"<h{level}") for level in range(1, 7))


class TestEditing:
    def test_an_unchanged_session_builds_its_note_once(self, ticket_chat, django_assert_num_queries):
        first = queries.built_note(ticket_chat)
        with django_assert_num_queries(0):
            assert queries.built_note(ticket_chat) == first

    def test_a_change_builds_it_anew(self, ticket_chat, note, technician):
        note()
        add_fact(chat_id=ticket_chat.id, text="Only this user", by=technician)

        assert "Only this user" in note()["What we confirmed"]

    def test_save_note_keeps_the_words(self, ticket_chat):
        services.save_note(chat_id=ticket_chat.id, markdown=" By hand.\r\nTwice. ")

        ticket_chat.refresh_from_db()
        found = queries.note(ticket_chat)
        assert (found.markdown, found.is_edited, found.is_stale) == ("By hand.\nTwice.", True, False)

    def test_an_edited_note_is_stale_after_a_change(self, ticket_chat, technician):
        services.save_note(chat_id=ticket_chat.id, markdown="By hand.")
        add_fact(chat_id=ticket_chat.id, text="Only this user", by=technician)

        ticket_chat.refresh_from_db()
        found = queries.note(ticket_chat)
        assert (found.markdown, found.is_stale, found.version) == ("By hand.", True, 0)

    def test_rebuild_note_drops_what_was_edited(self, ticket_chat):
        services.save_note(chat_id=ticket_chat.id, markdown="By hand.")
        services.rebuild_note(chat_id=ticket_chat.id)

        ticket_chat.refresh_from_db()
        assert not queries.note(ticket_chat).is_edited

    @pytest.mark.parametrize("text", ["", " \r\n ", "\x00"])
    def test_an_empty_note_is_refused(self, ticket_chat, text):
        with pytest.raises(Invalid, match="The note is empty"):
            services.save_note(chat_id=ticket_chat.id, markdown=text)

    def test_a_note_over_its_limit_is_refused_in_numbers(self, ticket_chat):
        with pytest.raises(Invalid, match="100,001 characters; a note takes 100,000"):
            services.save_note(chat_id=ticket_chat.id, markdown="x" * 100_001)

    def test_a_note_in_no_session_is_not_found(self):
        with pytest.raises(NotFound):
            services.save_note(chat_id=uuid4(), markdown="By hand.")


class TestPosting:
    def test_post_note_puts_it_into_the_outbox(self, ticket_chat, post, technician):
        post(markdown="Fixed.", shown_in=["internal", "resolution"])

        sent = PsaPost.objects.get()
        assert (sent.kind, sent.ticket_id, sent.state, sent.created_by) == ("note", 48213, "pending", technician)
        assert sent.payload["text"] == "Fixed."
        assert sent.payload["shown_in"] == ["internal", "resolution"]

    def test_post_note_with_a_status_queues_both(self, ticket_chat, post):
        chat = post(status_id=7, status_name="Resolved")

        assert chat.status_post.payload == {"status_id": 7, "status_name": "Resolved"}
        assert PsaPost.objects.count() == 2

    def test_post_note_does_not_resolve_before_the_ticket_has_it(self, post):
        chat = post()

        assert (chat.status, chat.resolution_note_posted_at) == ("active", None)

    def test_the_note_is_kept_as_it_was_shown(self, ticket_chat, post):
        post(markdown="As shown.")

        ticket_chat.refresh_from_db()
        found = queries.note(ticket_chat)
        assert (found.markdown, found.is_stale) == ("As shown.", False)

    def test_a_note_made_on_an_older_state_posts_nothing(self, ticket_chat, post, technician):
        add_fact(chat_id=ticket_chat.id, text="Only this user", by=technician)
        with pytest.raises(StaleState):
            post(seen_version=0)

        assert not PsaPost.objects.exists()

    def test_an_answer_in_between_makes_it_stale(self, ticket_chat, post, technician):
        ticket_chat.pending_task_lane = [make_item()]
        ticket_chat.save()
        seen = ticket_chat.state_version
        item = ticket_chat.pending_task_lane[0]
        answer_task(chat_id=ticket_chat.id, item_id=item["id"], answer="No", by=technician)
        with pytest.raises(StaleState):
            post(seen_version=seen)

    def test_an_empty_note_is_not_posted(self, post):
        with pytest.raises(Invalid, match="The note is empty"):
            post(markdown="  ")

        assert not PsaPost.objects.exists()

    @pytest.mark.parametrize("places", [[], ["everywhere"], ["internal", "everywhere"]])
    def test_a_note_without_a_place_is_not_posted(self, post, places):
        with pytest.raises(Invalid, match="Choose where the note is shown"):
            post(shown_in=places)

    def test_a_session_without_a_ticket_posts_nothing(self, ticket_chat, post):
        ticket_chat.ticket_id = None
        ticket_chat.save()
        with pytest.raises(Invalid, match="no ticket to post to"):
            post()

    @pytest.mark.parametrize("outcome", ["verifying", "waiting"])
    def test_a_fix_without_a_verdict_holds_the_note_back(self, ticket_chat, post, outcome):
        make_fix(ticket_chat, outcome=outcome)
        with pytest.raises(Conflict, match="no outcome yet"):
            post()

        assert not PsaPost.objects.exists()

    def test_the_same_form_twice_is_one_post(self, post):
        key = uuid4()
        post(key=key, status_id=7, status_name="Resolved")
        post(key=key, status_id=7, status_name="Resolved", seen_version=0)

        assert PsaPost.objects.count() == 2

    def test_a_second_tab_posts_no_second_note(self, post):
        post()
        with pytest.raises(Conflict, match="on its way"):
            post()

        assert PsaPost.objects.count() == 1

    def test_editing_a_note_on_its_way_is_refused(self, ticket_chat, post):
        post()
        with pytest.raises(Conflict, match="on its way"):
            services.save_note(chat_id=ticket_chat.id, markdown="Late.")

    def test_a_refused_note_can_be_posted_again_edited(self, ticket_chat, post):
        post()
        PsaPost.objects.update(state="rejected", error="No")
        chat = post(markdown="Shorter.")

        assert chat.resolution_post.payload["text"] == "Shorter."

    def test_a_closed_session_posts_nothing(self, ticket_chat, post):
        ticket_chat.status = "resolved"
        ticket_chat.save()
        with pytest.raises(Conflict, match="closed already"):
            post()

    def test_nothing_stuck_is_nothing_to_retry(self, ticket_chat, post):
        post()
        with pytest.raises(Conflict, match="Nothing waits"):
            services.retry_posts(chat_id=ticket_chat.id)


class TestResolving:
    def test_a_session_without_a_ticket_is_resolved_at_once(self, chat):
        services.resolve_chat(chat_id=chat.id, seen_version=0)

        chat.refresh_from_db()
        assert (chat.status, bool(chat.resolved_at)) == ("resolved", True)

    def test_one_with_a_ticket_is_resolved_by_its_note(self, ticket_chat):
        with pytest.raises(Conflict, match="post its note"):
            services.resolve_chat(chat_id=ticket_chat.id, seen_version=0)

    def test_a_stale_page_resolves_nothing(self, chat, technician):
        add_fact(chat_id=chat.id, text="Only this user", by=technician)
        with pytest.raises(StaleState):
            services.resolve_chat(chat_id=chat.id, seen_version=0)

        chat.refresh_from_db()
        assert chat.is_open
