"""Answers in the AI's words: the rule's fact stands at once, and gives way only while its answer stands."""

import json

import pytest
from asgiref.sync import async_to_sync

from flowpilot.accounts.scope import account_scope
from sessions import synthesis
from sessions.services.facts import remove_fact
from sessions.services.tasks import answer_task, reopen_task
from sessions.tests.factories import make_fix

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def answered(account, chat, question, technician, ai):
    """The question was answered; returns the words of its fact once the AI has had its turn."""
    with account_scope(account.id):
        answer_task(chat_id=chat.id, item_id=question["id"], answer="Yes, on 2 PCs", by=technician)

    def word(wording):
        ai.answer(json.dumps({"fact": wording}) if isinstance(wording, str) else wording)
        async_to_sync(synthesis.synthesise)(account.id, chat.id, question["id"])
        with account_scope(account.id):
            chat.refresh_from_db()
            return list(chat.facts.filter(deleted_at=None).values_list("text", flat=True))

    return word


RULE = "Does webmail work? Yes, on 2 PCs"


def test_the_wording_replaces_the_rules_and_moves_the_version(answered, chat):
    assert answered("Webmail works on 2 PCs") == ["Webmail works on 2 PCs"]
    assert chat.state_version == 2


@pytest.mark.parametrize("wording", ["", "   ", "Webmail works", "x" * 301])
def test_a_wording_that_cannot_stand_for_the_answer_is_not_taken(answered, chat, wording):
    assert answered(wording) == [RULE]
    assert chat.state_version == 1


def test_an_answer_taken_back_meanwhile_stays_taken_back(answered, account, chat, question):
    with account_scope(account.id):
        reopen_task(chat_id=chat.id, item_id=question["id"])

    assert answered("Webmail works on 2 PCs") == []


def test_another_answer_meanwhile_keeps_its_own_fact(account, chat, question, technician, ai):
    with account_scope(account.id):
        answer_task(chat_id=chat.id, item_id=question["id"], answer="Yes", by=technician)
        old = synthesis._answered(chat.id, question["id"])
        reopen_task(chat_id=chat.id, item_id=question["id"])
        answer_task(chat_id=chat.id, item_id=question["id"], answer="No", by=technician)
        synthesis._keep(chat.id, old, "Webmail works")

        assert chat.facts.get(deleted_at=None).text == "Does webmail work? No"


def test_another_wording_shakes_no_fix(answered, account, chat):
    with account_scope(account.id):
        fact = chat.facts.get()
        fix = make_fix(chat, evidence=[{"id": str(fact.id), "text": fact.text}])
    answered("Webmail works on 2 PCs")

    with account_scope(account.id):
        fix.refresh_from_db()
    assert fix.evidence == [{"id": str(fact.id), "text": "Webmail works on 2 PCs"}]


def test_a_worded_fact_still_changes_through_its_answer_only(answered, account, chat):
    answered("Webmail works on 2 PCs")
    with account_scope(account.id), pytest.raises(Exception, match="answer from the task lane"):
        remove_fact(chat_id=chat.id, fact_id=chat.facts.get().id)


def test_without_an_ai_nobody_is_asked(account, chat, question, technician):
    with account_scope(account.id):
        answer_task(chat_id=chat.id, item_id=question["id"], answer="Yes", by=technician)
    async_to_sync(synthesis.synthesise)(account.id, chat.id, question["id"])

    with account_scope(account.id):
        assert chat.facts.get().text == "Does webmail work? Yes"
