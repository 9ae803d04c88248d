from uuid import uuid4

import pytest

from flowpilot.errors import Conflict, Invalid, NotFound
from flowpilot.ui.markdown import render
from sessions import queries
from sessions.services import notes as services
from sessions.services.facts import add_fact
from sessions.tests.factories import STALE_TOKEN, make_fact, make_fix, make_item

pytestmark = pytest.mark.usefixtures("scope")


@pytest.fixture
def note(ticket_chat):
    """The session's note as it stands, as {heading: body}."""

    def read():
        ticket_chat.refresh_from_db()
        return sections(queries.reading(ticket_chat, "resolution").markdown)

    return read


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
            "Outlook keeps asking for a password (Maria Gomez, Contoso Dental Group)\nOutlook asks for a password."
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

    def test_a_dismissed_fix_is_told_as_ruled_out_never_as_tried(self, ticket_chat, note):
        make_fix(ticket_chat, user_decision="dismissed", reason="Wrong", superseded_at=ticket_chat.created_at)

        assert note()["Resolution"] == (f"No fix was applied.\nRuled out without trying:\n\n- {STALE_TOKEN} (Wrong)")

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
    html = str(render(queries.reading(chat, "resolution").markdown))
    return sum(html.count(f"<h{level}") for level in range(1, 7))


class TestEditing:
    @pytest.fixture
    def edit(self, ticket_chat, technician):
        """Save the note with one more line, or as given; return how it then stands."""

        def save(markdown=None, *, kind="resolution"):
            ticket_chat.refresh_from_db()
            text = markdown or queries.reading(ticket_chat, kind).document.editable + "\n\nBy hand."
            services.save_note(chat_id=ticket_chat.id, kind=kind, markdown=text, by=technician)
            ticket_chat.refresh_from_db()
            return queries.reading(ticket_chat, kind)

        return save

    def test_a_change_shows_at_once(self, ticket_chat, note, technician):
        note()
        add_fact(chat_id=ticket_chat.id, text="Only this user", by=technician)

        assert "Only this user" in note()["What we confirmed"]

    def test_what_is_left_keeps_its_sources_and_what_is_new_is_the_persons(self, ticket_chat, edit):
        fact = make_fact(ticket_chat, "Only this user")
        found = edit()

        sources = {each.text: each.sources for each in found.document.sentences}
        assert sources["Only this user"] == (f"fact:{fact.id}",)
        assert sources["By hand."] == ("edit",)
        assert (found.is_edited, found.is_stale, found.author) == (True, False, "J. Ortiz")

    def test_saving_what_was_shown_is_no_edit(self, ticket_chat, edit):
        found = edit(queries.reading(ticket_chat, "resolution").document.editable)

        assert not found.is_edited

    def test_an_edited_note_is_stale_after_a_change_and_says_which(self, ticket_chat, edit, technician):
        edit()
        add_fact(chat_id=ticket_chat.id, text="Only this user", by=technician)

        ticket_chat.refresh_from_db()
        found = queries.reading(ticket_chat, "resolution")
        assert (found.is_stale, found.version) == (True, 0)
        assert (list(found.came), list(found.went)) == (["Only this user"], ["Nothing was confirmed."])
        assert "Only this user" not in found.markdown

    def test_rebuild_note_takes_the_change_in_and_keeps_the_edit(self, ticket_chat, edit, technician):
        edit()
        add_fact(chat_id=ticket_chat.id, text="Only this user", by=technician)
        services.rebuild_note(chat_id=ticket_chat.id, kind="resolution", by=technician)

        ticket_chat.refresh_from_db()
        found = queries.reading(ticket_chat, "resolution")
        assert not found.is_stale
        assert "Only this user" in found.markdown
        assert "By hand." in found.markdown
        assert "Nothing was confirmed." not in found.markdown

    def test_rebuild_note_leaves_out_what_a_person_took_out(self, ticket_chat, edit, technician):
        make_fact(ticket_chat, "Not worth telling")
        text = queries.reading(ticket_chat, "resolution").document.editable
        edit(text.replace("- Not worth telling", "- Worth telling"))
        add_fact(chat_id=ticket_chat.id, text="Only this user", by=technician)
        services.rebuild_note(chat_id=ticket_chat.id, kind="resolution", by=technician)

        ticket_chat.refresh_from_db()
        told = [each.text for each in queries.reading(ticket_chat, "resolution").document.sentences]
        assert "Not worth telling" not in told
        assert {"Worth telling", "Only this user"} <= set(told)

    def test_drop_edits_forgets_them(self, ticket_chat, edit):
        edit()
        services.drop_edits(chat_id=ticket_chat.id, kind="resolution")

        ticket_chat.refresh_from_db()
        assert not queries.reading(ticket_chat, "resolution").is_edited

    def test_the_customers_reading_is_edited_by_itself(self, ticket_chat, edit):
        found = edit("All is well again.\nCall us if not.", kind="client")

        assert found.markdown == "All is well again.\nCall us if not."
        assert not queries.reading(ticket_chat, "resolution").is_edited

    def test_a_sentence_whose_fact_was_removed_is_unsupported_and_left_out(self, ticket_chat, edit):
        fact = make_fact(ticket_chat, "Only this user")
        edit()
        fact.delete()

        found = queries.reading(ticket_chat, "resolution")
        assert [each.text for each in found.document.unsupported] == ["Only this user"]
        assert "Only this user" not in found.markdown

    def test_keep_sentence_puts_it_in_the_persons_name(self, ticket_chat, edit, technician):
        fact = make_fact(ticket_chat, "Only this user")
        edit()
        fact.delete()
        [lost] = queries.reading(ticket_chat, "resolution").document.unsupported
        services.keep_sentence(chat_id=ticket_chat.id, kind="resolution", key=lost.key, by=technician)

        assert "- Only this user" in queries.reading(ticket_chat, "resolution").markdown

    def test_a_sentence_that_is_not_there_is_not_kept(self, ticket_chat, technician):
        with pytest.raises(Conflict, match="no longer part of the note"):
            services.keep_sentence(chat_id=ticket_chat.id, kind="resolution", key="0" * 16, by=technician)

    def test_mask_note_blackens_a_typed_secret(self, ticket_chat, edit, technician):
        edit(queries.reading(ticket_chat, "resolution").document.editable + "\n\nThe password is Hunter2!")
        services.mask_note(chat_id=ticket_chat.id, kinds=["resolution", "client"], by=technician)

        assert "The password is [masked: password]" in queries.reading(ticket_chat, "resolution").markdown

    @pytest.mark.parametrize("text", ["", " \r\n ", "\x00"])
    def test_an_empty_note_is_refused(self, ticket_chat, technician, text):
        with pytest.raises(Invalid, match="The note is empty"):
            services.save_note(chat_id=ticket_chat.id, kind="resolution", markdown=text, by=technician)

    def test_a_note_over_its_limit_is_refused_in_numbers(self, ticket_chat, technician):
        with pytest.raises(Invalid, match="100,001 characters; a note takes 100,000"):
            services.save_note(chat_id=ticket_chat.id, kind="resolution", markdown="x" * 100_001, by=technician)

    def test_a_note_in_no_session_is_not_found(self, technician):
        with pytest.raises(NotFound):
            services.save_note(chat_id=uuid4(), kind="resolution", markdown="By hand.", by=technician)


class TestClientSafe:
    @pytest.fixture
    def client(self, ticket_chat):
        """The customer's reading as it stands, sentence by sentence."""
        return lambda: queries.reading(ticket_chat, "client").markdown.splitlines()

    def test_a_fix_that_worked_is_said_plainly(self, ticket_chat, client):
        make_fix(ticket_chat, "Clear the saved sign-in", outcome="success")

        assert client() == [
            "You reported: Outlook keeps asking for a password.",
            "We made this change: clear the saved sign-in. It worked when we checked.",
            "If you notice anything further, please reply to this ticket.",
        ]

    @pytest.mark.parametrize(
        "title", ["Run Get-Mailbox in PowerShell", "Restart CONTOSO-LT-114", "Delete HKCU\\Software\\Old"]
    )
    def test_what_a_customer_should_not_read_is_left_out(self, ticket_chat, client, title):
        make_fix(ticket_chat, title, outcome="success")

        assert client()[1] == "We made a change to put it right. It worked when we checked."

    def test_nothing_is_promised_of_a_fix_without_a_verdict(self, ticket_chat, client):
        make_fix(ticket_chat, outcome="waiting", reason="A reboot")

        assert client()[1] == "We made a change and have not yet confirmed that it worked."

    def test_an_empty_session_says_what_is_known(self, ticket_chat, client):
        assert client()[1] == "The cause is not known yet."

    def test_it_has_two_to_five_sentences(self, ticket_chat, client):
        ticket_chat.pending_task_lane = [make_item()]
        for outcome in ("partial", "failed", "waiting"):
            tried(ticket_chat, outcome)

        assert 2 <= len(client()) <= 5
