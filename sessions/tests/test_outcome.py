import json

import pytest
from django.utils import timezone

from sessions.outcome import apply_answer
from sessions.services.tasks import answer_task, reopen_task, skip_task
from sessions.tests.factories import STALE_TOKEN, make_fact, make_turn

pytestmark = pytest.mark.usefixtures("scope")


@pytest.fixture
def apply(chat):
    """End a turn with this answer; return the session."""

    def end(raw):
        return apply_answer(make_turn(chat, raw_answer=raw))

    return end


def promote(*facts):
    return f"[PROMOTE]{json.dumps(list(facts))}[/PROMOTE]"


def suggest(title=STALE_TOKEN, **fields):
    return f"[SUGGEST_FIX]{json.dumps({'title': title, 'confidence': 70, **fields})}[/SUGGEST_FIX]"


def ask(*questions):
    return f"[QUESTIONS]{json.dumps([{'text': text, 'kind': 'yes_no'} for text in questions])}[/QUESTIONS]"


def known(chat):
    return list(chat.facts.filter(deleted_at=None).values_list("text", "source_type", "source_ref"))


def test_the_shown_answer_holds_no_marker(chat, apply):
    apply(f"Look.\n\n{ask('Is it on VPN?')}\n\nThen wait.")

    assert chat.turns.get().answer == "Look.\n\nThen wait."


def test_an_answer_without_markers_changes_nothing_but_the_version(chat, apply):
    after = apply("Just words.")

    assert (after.title, after.pending_task_lane) == (chat.title, chat.pending_task_lane)
    assert after.state_version == 1


def test_a_title_becomes_the_sessions(apply):
    assert apply("[TITLE]VPN drops every hour[/TITLE]").title == "VPN drops every hour"


def test_a_promoted_fact_points_at_its_message(chat, apply):
    apply(promote({"text": "Only this user"}))

    assert known(chat) == [("Only this user", "turn", str(chat.turns.get().id))]


def test_a_promoted_fact_may_point_at_a_task(chat, question, apply):
    apply(promote({"text": "Webmail works", "source_ref": question["id"]}))

    assert known(chat) == [("Webmail works", "question", question["id"])]


@pytest.mark.parametrize("ref", ["nobody", "5e551011-0000-4000-8000-00000000dead"])
def test_an_unknown_source_is_refused_and_logged(chat, apply, caplog, ref):
    apply(promote({"text": "Only this user", "source_ref": ref}))

    assert known(chat) == []
    assert "marker.invalid" in caplog.text
    assert "Only this user" not in caplog.text


def test_a_source_in_another_session_is_refused(chat, other_chat, apply):
    apply(promote({"text": "Only this user", "source_ref": other_chat.pending_task_lane[0]["id"]}))

    assert known(chat) == []


def test_a_refused_source_leaves_the_other_facts(chat, apply):
    apply(promote({"text": "Lost", "source_ref": "nobody"}, {"text": "Kept"}))

    assert [text for text, *_ in known(chat)] == ["Kept"]


def test_the_same_fact_is_not_doubled(chat, apply):
    make_fact(chat, "Only this user")
    apply(promote({"text": "Only this user"}, {"text": "Twice"}, {"text": "Twice"}))

    assert [text for text, *_ in known(chat)] == ["Only this user", "Twice"]


def test_an_answer_in_the_lane_is_not_restated(chat, question, apply, technician):
    answer_task(chat_id=chat.id, item_id=question["id"], answer="Yes", by=technician)
    apply(promote({"text": "Webmail is fine", "source_ref": question["id"]}))

    assert known(chat) == [("Does webmail work? Yes", "question", question["id"])]


def test_one_answer_promotes_a_task_once(chat, question, apply):
    ref = question["id"]
    apply(promote({"text": "Webmail works", "source_ref": ref}, {"text": "Webmail is fine", "source_ref": ref}))

    assert len(known(chat)) == 1


def test_a_promoted_task_is_answered_by_the_assistant(question, apply):
    item = apply(promote({"text": "Webmail works", "source_ref": question["id"]})).pending_task_lane[0]

    assert (item["state"], item["answer"], item["answered_by"]) == ("answered", "Webmail works", "FlowPilot")
    assert item["is_told"]


def test_a_promoted_task_stays_though_the_answer_asks_something_else(chat, question, apply):
    after = apply(promote({"text": "Webmail works", "source_ref": question["id"]}) + "\n" + ask("Is it on VPN?"))

    assert [item["text"] for item in after.pending_task_lane] == [question["text"], "Is it on VPN?"]
    assert known(chat) == [("Webmail works", "question", question["id"])]


def test_a_title_given_by_hand_stays(chat, apply):
    chat.title, chat.is_named_by_hand = "Mine", True
    chat.save()

    assert apply("[TITLE]VPN drops every hour[/TITLE]").title == "Mine"


def test_a_fix_keeps_the_facts_it_rests_on_as_they_were(chat, apply):
    fact, gone = make_fact(chat, "Only this user"), make_fact(chat, "Old", deleted_at=timezone.now())
    apply(suggest(facts=[str(fact.id), str(gone.id), "nobody", str(fact.id)]))

    assert chat.fixes.get().evidence == [{"id": str(fact.id), "text": "Only this user"}]


def test_answering_a_promoted_task_again_leaves_one_fact(chat, question, apply, technician):
    apply(promote({"text": "Webmail works", "source_ref": question["id"]}))
    reopen_task(chat_id=chat.id, item_id=question["id"])
    answer_task(chat_id=chat.id, item_id=question["id"], answer="No", by=technician)

    assert known(chat) == [("Does webmail work? No", "question", question["id"])]


def test_reopening_takes_a_promoted_fact_along(chat, check, apply, technician):
    skip_task(chat_id=chat.id, item_id=check["id"], by=technician)
    apply(promote({"text": "Safe mode changes nothing", "source_ref": check["id"]}))
    reopen_task(chat_id=chat.id, item_id=check["id"])

    assert known(chat) == []


def test_questions_and_actions_land_in_the_lane(chat, apply):
    action = '[ACTIONS][{"text": "Ping it", "command": "ping srv", "expect": "a reply"}][/ACTIONS]'
    chat = apply(f"{ask('Is it on VPN?')}\n{action}")

    assert [(item["kind"], item["text"], item["command"]) for item in chat.pending_task_lane] == [
        ("question", "Is it on VPN?", ""),
        ("action", "Ping it", "ping srv"),
    ]


def test_a_suggested_fix_becomes_the_active_one(chat, apply):
    apply(suggest(steps=["Quit Outlook"], rationale="Old token", script={"language": "powershell", "purpose": "Clear"}))

    fix = chat.fixes.get(superseded_at=None)
    assert (fix.title, fix.steps, fix.confidence, fix.outcome) == (STALE_TOKEN, ["Quit Outlook"], 70, "none")
    assert fix.script == {"language": "powershell", "purpose": "Clear"}
    assert fix.turn == chat.turns.get()


def test_another_suggestion_supersedes_the_first(chat, apply):
    apply(suggest())
    apply(suggest("Rebuild the profile"))

    assert chat.fixes.get(superseded_at=None).title == "Rebuild the profile"
    assert chat.fixes.count() == 2


def test_the_same_suggestion_keeps_its_place(chat, apply):
    apply(suggest())
    first = chat.fixes.get()
    apply(suggest())

    assert chat.fixes.get() == first


@pytest.mark.parametrize("outcome", ["verifying", "waiting"])
def test_the_same_suggestion_leaves_a_fix_that_is_being_tried(chat, apply, outcome):
    apply(suggest())
    chat.fixes.update(outcome=outcome, user_decision="accepted")
    apply(suggest())

    assert chat.fixes.get().outcome == outcome


@pytest.mark.parametrize("outcome", ["failed", "partial"])
def test_the_same_suggestion_after_a_verdict_is_a_new_try(chat, apply, outcome):
    apply(suggest())
    chat.fixes.update(outcome=outcome, user_decision="accepted")
    apply(suggest())

    assert sorted(chat.fixes.values_list("outcome", flat=True)) == sorted([outcome, "none"])


@pytest.mark.parametrize(
    "raw", ["[QUESTIONS]not json[/QUESTIONS]", "[SUGGEST_FIX]{}[/SUGGEST_FIX]", "[ACTIONS][{]", "[TITLE][/TITLE]"]
)
def test_a_bad_marker_is_dropped_and_logged_and_the_rest_stands(chat, apply, caplog, raw):
    after = apply(f"Words.\n\n{promote({'text': 'Kept'})}\n\n{raw}")

    assert chat.turns.get().answer == "Words."
    assert [text for text, *_ in known(after)] == ["Kept"]
    assert "marker.invalid" in caplog.text
