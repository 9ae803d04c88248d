from uuid import uuid4

import pytest

from flowpilot.errors import Conflict, Invalid, NotFound
from sessions import lane
from sessions.services import tasks as services

pytestmark = pytest.mark.usefixtures("scope")


@pytest.fixture
def answer(chat, question, technician):
    """Answer the session's question."""

    def give(text="Yes", item=question):
        return services.answer_task(chat_id=chat.id, item_id=item["id"], answer=text, by=technician)

    return give


def item_of(chat, item):
    chat.refresh_from_db()
    return lane.find(chat.pending_task_lane, item["id"])


def known(chat):
    return list(chat.facts.filter(deleted_at=None).values_list("text", "source_type", "source_ref"))


def test_answer_becomes_a_fact_that_points_at_its_task(chat, question, answer):
    answer("Yes")

    assert known(chat) == [("Does webmail work? Yes", "question", question["id"])]


def test_answer_task_closes_it_in_the_persons_name(chat, question, answer, technician):
    answer("Yes")

    item = item_of(chat, question)
    assert (item["state"], item["answer"], item["answered_by"]) == ("answered", "Yes", str(technician))


def test_tick_off_needs_no_words(chat, check, answer):
    answer("", check)

    assert item_of(chat, check)["state"] == "done"
    assert known(chat) == [("Done: Start Outlook in safe mode", "check", check["id"])]


def test_tick_off_keeps_what_it_showed(chat, check, answer):
    answer("It opens", check)

    assert known(chat) == [("Start Outlook in safe mode: It opens", "check", check["id"])]


def test_each_write_moves_the_version_by_one(chat, question, check, answer, technician):
    answer()
    services.skip_task(chat_id=chat.id, item_id=check["id"], by=technician)
    services.reopen_task(chat_id=chat.id, item_id=question["id"])

    chat.refresh_from_db()
    assert chat.state_version == 3


@pytest.mark.parametrize("text", ["", "  ", "\x00"])
def test_question_without_an_answer_is_refused(chat, question, answer, text):
    with pytest.raises(Invalid, match="Choose an answer or type one"):
        answer(text)

    assert item_of(chat, question) == question
    assert chat.state_version == 0


def test_answer_takes_its_limit(chat, answer):
    answer("x" * 900)

    assert len(chat.facts.get().text) > 900


def test_answer_over_its_limit_is_refused_with_a_way_out(chat, question, answer):
    with pytest.raises(Invalid, match="901 characters; an answer takes 900"):
        answer("x" * 901)

    assert item_of(chat, question) == question


def test_answer_twice_is_refused_and_the_first_stays(chat, question, answer):
    answer("Yes")
    with pytest.raises(Conflict):
        answer("No")

    assert item_of(chat, question)["answer"] == "Yes"
    assert (chat.facts.count(), chat.state_version) == (1, 1)


def test_skip_makes_no_fact(chat, question, technician):
    services.skip_task(chat_id=chat.id, item_id=question["id"], by=technician)

    assert item_of(chat, question)["state"] == "skipped"
    assert known(chat) == []


def test_reopen_removes_the_fact(chat, question, answer):
    answer("Yes")
    services.reopen_task(chat_id=chat.id, item_id=question["id"])

    assert item_of(chat, question) == question
    assert known(chat) == []


def test_answer_changes_by_reopening(chat, question, answer):
    answer("Yes")
    services.reopen_task(chat_id=chat.id, item_id=question["id"])
    answer("No")

    assert known(chat) == [("Does webmail work? No", "question", question["id"])]


def test_reopen_of_an_open_task_is_refused(chat, question):
    with pytest.raises(Conflict):
        services.reopen_task(chat_id=chat.id, item_id=question["id"])

    chat.refresh_from_db()
    assert chat.state_version == 0


def test_task_of_another_session_is_not_found(chat, other_chat, answer):
    with pytest.raises(NotFound):
        answer("Yes", other_chat.pending_task_lane[0])

    chat.refresh_from_db()
    assert chat.state_version == 0


def test_task_in_no_session_is_not_found(question, technician):
    with pytest.raises(NotFound):
        services.answer_task(chat_id=uuid4(), item_id=question["id"], answer="Yes", by=technician)


@pytest.mark.parametrize("status", ["resolved", "escalated", "archived"])
@pytest.mark.parametrize("write", ["answer", "skip", "reopen"])
def test_no_task_of_a_closed_session_changes(chat, check, answer, technician, status, write):
    answer()
    chat.refresh_from_db()
    before, chat.status = chat.pending_task_lane, status
    chat.save()
    writes = {
        "answer": lambda: answer("", check),
        "skip": lambda: services.skip_task(chat_id=chat.id, item_id=check["id"], by=technician),
        "reopen": lambda: services.reopen_task(chat_id=chat.id, item_id=before[0]["id"]),
    }
    with pytest.raises(Conflict, match="closed"):
        writes[write]()

    chat.refresh_from_db()
    assert (chat.pending_task_lane, chat.state_version) == (before, 1)


def test_longest_answer_to_the_longest_question_still_is_a_fact(chat, question, answer):
    chat.pending_task_lane[0]["text"] = "q" * 500
    chat.save()
    answer("a" * 900)

    assert len(chat.facts.get().text) == 1000
