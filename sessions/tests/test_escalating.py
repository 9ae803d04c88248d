from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync

from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict, Invalid
from flowpilot.testing.fixtures import make_person
from psa import services as psa
from psa.models import PsaPost
from sessions import posting, queries
from sessions.models import Attachment, ChatSession
from sessions.queries import escalation
from sessions.services import escalating, notes
from sessions.services._posts import StaleNote
from sessions.services.facts import add_fact
from sessions.tests.conftest import TICKET
from sessions.tests.factories import make_chat, make_fact, make_fix, make_item, make_turn

ASK = escalating.AskForm("Compare the lifetime on both ends", "today 15:00", "Told that we look into it")


@pytest.fixture
def colleague(account):
    """S. Okafor, who is a member of ConnectWise and signs in here."""
    person = make_person(account, "s.okafor@summit-it.example", name="S. Okafor")
    with account_scope(account.id):
        psa.link_member(user=person, member_id=154, identifier="sokafor")
    return person


@pytest.fixture
def form(ticket_chat, colleague):
    """The form as the page has it now, changed as given."""

    def fill(**fields):
        ticket_chat.refresh_from_db()
        shown = {
            "package": queries.reading(ticket_chat, "escalation").markdown,
            "seen_version": ticket_chat.state_version,
            "ask": ASK,
            "member_id": 154,
            "member_name": "S. Okafor",
        }
        return escalating.HandOverForm(**{**shown, **fields})

    return fill


@pytest.fixture
def hand_over(ticket_chat, technician, form):
    """Hand the session over as the page would."""

    def send(filled=None, *, key=None, **fields):
        filled = filled or form(**fields)
        return escalating.escalate_chat(chat_id=ticket_chat.id, form=filled, by=technician, client_key=key or uuid4())

    return send


def package(chat):
    chat.refresh_from_db()
    return queries.reading(chat, "escalation")


@pytest.mark.usefixtures("scope")
class TestPackage:
    def test_its_parts_come_in_the_order_a_reader_needs(self, ticket_chat, hand_over):
        ticket_chat.pending_task_lane = [
            make_item(),
            make_item("Read the log", kind="action"),
            make_item("Restart it", kind="action", state="done", answer="No change"),
        ]
        ticket_chat.save()
        make_fact(ticket_chat, "FAB-FW01, Firewall", source_type="ticket", source_ref="configuration:7")
        make_fix(ticket_chat, "Raise the timeout", outcome="failed", superseded_at=ticket_chat.created_at)
        make_fix(ticket_chat, "Match the lifetimes", rationale="Both ends differ.")
        chat = hand_over()

        assert [line[3:] for line in chat.escalation_package_markdown.splitlines() if line.startswith("## ")] == [
            "The ask",
            "What is happening",
            "Environment",
            "What was tried",
            "What is ruled out",
            "Current hypothesis",
            "What to check first",
            "What we do not know",
            "Client side",
            "References",
        ]

    def test_the_package_links_to_its_session_and_names_what_goes_with_it(
        self, account, ticket_chat, technician, settings
    ):
        settings.PUBLIC_URL = "https://flowpilot.example"
        with account_scope(account.id):
            turn = make_turn(ticket_chat, status="done")
            image = {"uploaded_by": technician, "kind": "image", "media_type": "image/png", "size": 1}
            Attachment.objects.create(chat=ticket_chat, turn=turn, name="prompt.png", file="a", **image)
            Attachment.objects.create(chat=ticket_chat, name="not-sent.png", file="b", **image)
            other = make_chat(
                title=ticket_chat.title, ticket_id=47001, ticket_company=ticket_chat.ticket_company, status="resolved"
            )
            make_fix(other, "Reset the token broker", outcome="success")
            words = package(ticket_chat).markdown

        assert f"Session: https://flowpilot.example{ticket_chat.get_absolute_url()}" in words
        assert "Attachments in the session: prompt.png" in words
        assert "not-sent.png" not in words
        assert f"Related: ticket #47001 {other.title}, worked: Reset the token broker" in words

    def test_a_note_links_to_its_session_where_people_can_reach_it(self, ticket_chat, settings):
        assert "## References" not in queries.reading(ticket_chat, "resolution").markdown

        settings.PUBLIC_URL = "https://flowpilot.example"
        assert (
            f"Session: https://flowpilot.example{ticket_chat.get_absolute_url()}"
            in queries.reading(ticket_chat, "resolution").markdown
        )
        assert "flowpilot.example" not in queries.reading(ticket_chat, "client").markdown

    def test_what_is_missing_is_named_and_not_blocked(self, ticket_chat, hand_over):
        assert "what you ask for" in escalation.missing_parts(ticket_chat, package(ticket_chat))

        hand_over(ask=escalating.AskForm())

    def test_nothing_is_missing_that_is_there(self, ticket_chat, technician):
        escalating.save_ask(chat_id=ticket_chat.id, form=ASK)
        found = escalation.missing_parts(ticket_chat, package(ticket_chat))

        assert not {"what you ask for", "by when", "what the client knows"} & set(found)

    def test_the_ask_is_shown_as_soon_as_it_is_kept(self, ticket_chat):
        escalating.save_ask(chat_id=ticket_chat.id, form=ASK)

        assert package(ticket_chat).markdown.startswith(
            "## The ask\n\nCompare the lifetime on both ends\nBy when: today 15:00"
        )

    def test_an_edited_package_keeps_the_ask_of_the_form(self, ticket_chat, technician):
        notes.save_note(
            chat_id=ticket_chat.id, kind="escalation", markdown="## Hint\n\nLook at the log.", by=technician
        )
        escalating.save_ask(chat_id=ticket_chat.id, form=ASK)

        text = package(ticket_chat).markdown
        assert text.startswith("## The ask\n\nCompare the lifetime")
        assert text.endswith("## Hint\n\nLook at the log.")

    def test_every_sentence_names_something_that_exists(self, ticket_chat):
        make_fix(ticket_chat, "Raise the timeout", outcome="failed")
        found = package(ticket_chat)

        known = {*queries.note_state(ticket_chat).items, "edit"}
        assert all(each.sources and set(each.sources) <= known for each in found.document.sentences)


@pytest.mark.usefixtures("scope")
class TestHandingOver:
    def test_the_session_is_the_colleagues_to_pick_up(self, hand_over, colleague, technician):
        chat = hand_over()

        assert (chat.status, chat.escalated_to, chat.escalated_by) == ("escalated", colleague, technician)
        assert not chat.is_open

    def test_package_owner_place_and_status_are_one_batch(self, hand_over, technician):
        psa.link_member(user=technician, member_id=151, identifier="jortiz")
        chat = hand_over(is_staying=True, status_id=7, status_name="Escalated")

        told = [(each.kind, each.payload.get("member_id")) for each in queries.posting(chat.escalation_batch).posts]
        assert told == [("note", 151), ("owner", 154), ("resource", 151), ("status", None)]

    def test_a_co_assignee_leaves_the_owner_alone(self, hand_over):
        chat = hand_over(role="beside", is_staying=True)

        assert [each.kind for each in queries.posting(chat.escalation_batch).posts] == ["note", "resource"]

    def test_what_changed_meanwhile_is_shown_and_nothing_sent(self, ticket_chat, hand_over, form, technician):
        filled = form()
        add_fact(chat_id=ticket_chat.id, text="It is the firewall", by=technician)
        make_fix(ticket_chat, "Raise the timeout", outcome="failed")
        with pytest.raises(StaleNote) as stale:
            hand_over(filled)

        assert any("Raise the timeout" in line for line in stale.value.came)
        assert not PsaPost.objects.exists()

    def test_a_secret_in_the_ask_stops_it(self, hand_over):
        with pytest.raises(Invalid, match="looks like a secret"):
            hand_over(ask=escalating.AskForm("Use password: Hunter2!x"))

    def test_nobody_chosen_is_asked_for(self, hand_over):
        with pytest.raises(Invalid, match="Choose who gets"):
            hand_over(member_id=None)

    def test_it_is_not_handed_to_oneself(self, hand_over, technician):
        psa.link_member(user=technician, member_id=151, identifier="jortiz")
        with pytest.raises(Invalid, match="somebody else"):
            hand_over(member_id=151)

    def test_the_same_form_twice_is_one_hand_over(self, hand_over, form):
        key, filled = uuid4(), form()
        hand_over(filled, key=key)
        hand_over(filled, key=key)

        assert PsaPost.objects.filter(kind="note").count() == 1

    def test_without_a_ticket_a_person_here_gets_it(self, ticket_chat, hand_over, colleague):
        ticket_chat.ticket_id = None
        ticket_chat.save()
        chat = hand_over(member_id=None, user_id=colleague.pk)

        assert (chat.status, chat.escalated_to) == ("escalated", colleague)
        assert not PsaPost.objects.exists()


@pytest.mark.usefixtures("scope")
class TestTheOtherSide:
    def test_the_package_is_there_to_read(self, hand_over, client, colleague):
        chat = hand_over()

        found = escalation.handed_over(chat)
        assert found.markdown == chat.escalation_package_markdown

    def test_pick_up_makes_it_ones_own(self, hand_over, colleague):
        chat = escalating.pick_up(chat_id=hand_over().id, by=colleague)

        assert (chat.status, chat.owner) == ("active", colleague)
        assert chat.picked_up_at

    def test_only_one_picks_up(self, hand_over, colleague):
        chat = hand_over()
        escalating.pick_up(chat_id=chat.id, by=colleague)
        with pytest.raises(Conflict, match="somebody was faster"):
            escalating.pick_up(chat_id=chat.id, by=colleague)

    @pytest.mark.parametrize("is_picked_up", [True, False])
    def test_hand_back_returns_it_with_its_reason(self, hand_over, colleague, technician, is_picked_up):
        chat = hand_over()
        if is_picked_up:
            escalating.pick_up(chat_id=chat.id, by=colleague)
        chat = escalating.hand_back(chat_id=chat.id, reason="Not a firewall matter", by=colleague)

        assert (chat.status, chat.owner, chat.escalated_to) == ("active", technician, None)
        assert chat.facts.filter(text="Handed back by S. Okafor: Not a firewall matter").exists()

    def test_what_was_not_handed_over_does_not_go_back(self, ticket_chat, technician):
        with pytest.raises(Conflict, match="was not handed over"):
            escalating.hand_back(chat_id=ticket_chat.id, reason="No", by=technician)


def test_the_hand_over_reaches_the_ticket(connected, ticket_chat, technician, form, sandbox, ticket):
    with account_scope(connected.id):
        filled = form(is_staying=True)
        escalating.escalate_chat(chat_id=ticket_chat.id, form=filled, by=technician, client_key=uuid4())
    is_over = async_to_sync(posting.deliver)(connected.id, ticket_chat.id)

    with account_scope(connected.id):
        chat = ChatSession.objects.get(pk=ticket_chat.id)
    places = [each["member"]["id"] for each in sandbox.store.tables.entries_of(TICKET)]
    assert (is_over, chat.status, bool(chat.escalation_package_external_id)) == (True, "escalated", True)
    assert ticket["owner"]["id"] == 154
    assert 151 in places
