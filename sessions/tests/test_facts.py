from uuid import uuid4

import pytest
from django.utils import timezone

from flowpilot.errors import Conflict, Invalid, NotFound
from sessions.models import SessionFact
from sessions.services import facts as services
from sessions.services.tasks import answer_task, reopen_task
from sessions.tests.factories import make_fact

pytestmark = pytest.mark.usefixtures("scope")


@pytest.fixture
def fact(scope, chat):
    return make_fact(chat)


@pytest.fixture
def answer(scope, chat, question, technician):
    """A fact that is an answer of the task lane."""
    answer_task(chat_id=chat.id, item_id=question["id"], answer="Yes", by=technician)
    chat.refresh_from_db()
    return chat.facts.get()


def version(chat):
    chat.refresh_from_db()
    return chat.state_version


def test_add_fact_keeps_it_in_the_persons_name(chat, technician):
    services.add_fact(chat_id=chat.id, text="  Only\nthis  user ", by=technician)

    fact = chat.facts.get()
    assert (fact.text, fact.source_type, fact.author) == ("Only this user", "hand", technician)
    assert version(chat) == 1


def test_edit_fact_changes_words_and_author(chat, fact, technician):
    services.edit_fact(chat_id=chat.id, fact_id=fact.id, text="Two users", by=technician)

    fact.refresh_from_db()
    assert (fact.text, fact.author) == ("Two users", technician)
    assert version(chat) == 1


def test_remove_fact_hides_it_and_restore_fact_brings_it_back(chat, fact):
    services.remove_fact(chat_id=chat.id, fact_id=fact.id)
    assert not chat.facts.filter(deleted_at=None).exists()

    services.restore_fact(chat_id=chat.id, fact_id=fact.id)
    assert chat.facts.filter(deleted_at=None).exists()
    assert version(chat) == 2


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\x00"])
def test_add_fact_without_words_is_refused(chat, technician, text):
    with pytest.raises(Invalid, match="A fact needs words"):
        services.add_fact(chat_id=chat.id, text=text, by=technician)

    assert not chat.facts.exists()
    assert version(chat) == 0


def test_add_fact_takes_its_limit(chat, technician):
    services.add_fact(chat_id=chat.id, text="x" * 1000, by=technician)

    assert len(chat.facts.get().text) == 1000


def test_add_fact_over_its_limit_is_refused_in_numbers(chat, technician):
    with pytest.raises(Invalid, match=r"1,001 characters; a fact takes 1,000"):
        services.add_fact(chat_id=chat.id, text="x" * 1001, by=technician)

    assert version(chat) == 0


def test_edit_fact_over_its_limit_changes_nothing(chat, fact, technician):
    with pytest.raises(Invalid):
        services.edit_fact(chat_id=chat.id, fact_id=fact.id, text="x" * 1001, by=technician)

    fact.refresh_from_db()
    assert fact.text == "Only this user is affected"
    assert version(chat) == 0


def test_edit_fact_that_is_an_answer_is_refused(chat, answer, technician):
    with pytest.raises(Conflict, match="Change the answer there"):
        services.edit_fact(chat_id=chat.id, fact_id=answer.id, text="No", by=technician)

    assert version(chat) == 1


def test_remove_fact_that_is_an_answer_is_refused(chat, answer):
    with pytest.raises(Conflict, match="Take the answer back there"):
        services.remove_fact(chat_id=chat.id, fact_id=answer.id)

    assert version(chat) == 1


def test_remove_fact_twice_is_not_found(chat, fact):
    services.remove_fact(chat_id=chat.id, fact_id=fact.id)
    with pytest.raises(NotFound):
        services.remove_fact(chat_id=chat.id, fact_id=fact.id)

    assert version(chat) == 1


def test_edit_fact_that_was_removed_is_not_found(chat, fact, technician):
    services.remove_fact(chat_id=chat.id, fact_id=fact.id)
    with pytest.raises(NotFound):
        services.edit_fact(chat_id=chat.id, fact_id=fact.id, text="Two users", by=technician)


def test_restore_fact_that_stands_is_not_found(chat, fact):
    with pytest.raises(NotFound):
        services.restore_fact(chat_id=chat.id, fact_id=fact.id)

    assert version(chat) == 0


def test_fact_of_another_session_is_not_found(other_chat, fact, technician):
    with pytest.raises(NotFound):
        services.edit_fact(chat_id=other_chat.id, fact_id=fact.id, text="Two users", by=technician)

    assert version(other_chat) == 0


def test_fact_in_no_session_is_not_found(technician):
    with pytest.raises(NotFound):
        services.add_fact(chat_id=uuid4(), text="Only this user", by=technician)

    assert not SessionFact.objects.exists()


def test_restore_fact_of_a_reopened_task_is_refused(chat, answer, question):
    reopen_task(chat_id=chat.id, item_id=question["id"])
    with pytest.raises(Conflict, match="Answer the task again"):
        services.restore_fact(chat_id=chat.id, fact_id=answer.id)

    assert version(chat) == 2


@pytest.mark.parametrize("status", ["resolved", "escalated", "archived"])
@pytest.mark.parametrize("write", ["add", "edit", "remove", "restore"])
def test_no_fact_of_a_closed_session_changes(chat, fact, technician, status, write):
    removed = make_fact(chat, "Printer is fine", deleted_at=timezone.now())
    chat.status = status
    chat.save()
    writes = {
        "add": lambda: services.add_fact(chat_id=chat.id, text="Late", by=technician),
        "edit": lambda: services.edit_fact(chat_id=chat.id, fact_id=fact.id, text="Late", by=technician),
        "remove": lambda: services.remove_fact(chat_id=chat.id, fact_id=fact.id),
        "restore": lambda: services.restore_fact(chat_id=chat.id, fact_id=removed.id),
    }
    with pytest.raises(Conflict, match="closed"):
        writes[write]()

    assert version(chat) == 0
