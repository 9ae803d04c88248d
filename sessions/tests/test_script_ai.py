"""Scripts that Claude drafts, and templates that it proposes, over the loopback server."""

import json

import pytest
from asgiref.sync import async_to_sync
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from sessions import drafting, templatizing
from sessions.models import DraftTemplate, ScriptGeneration
from sessions.services import scripts as services
from sessions.tests.factories import make_fact, make_fix

CODE = (
    "#Requires -RunAsAdministrator\n$PrinterName = 'NW-ZEBRA-02'\nStop-Service Spooler -Force\nStart-Service Spooler\n"
)
ANSWER = f"```powershell\n{CODE}```\n\n- Stops the queue for everyone for some seconds.\n"
PASSWORD = "Sommer-2026-geheim"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fix(account, chat):
    with account_scope(account.id):
        make_fact(chat, "Printer is NW-ZEBRA-02 on NW-PRINT01")
        return make_fix(
            chat, "Restart the spooler", script={"language": "powershell", "purpose": "restart the spooler"}
        )


def _draft(account, chat, technician) -> ScriptGeneration:
    with account_scope(account.id):
        generation = services.draft_script(chat_id=chat.id, by=technician)
    async_to_sync(drafting.draft)(account.id, generation.id)
    with account_scope(account.id):
        return ScriptGeneration.objects.get(pk=generation.pk)


def test_a_draft_is_the_script_with_its_remarks(ai, account, chat, fix, technician):
    ai.answer(ANSWER)

    generation = _draft(account, chat, technician)

    assert (generation.status, generation.rendered) == ("ready", CODE)
    assert generation.remarks == "- Stops the queue for everyone for some seconds."


def test_the_ai_hears_of_the_fix_and_the_facts_as_data(ai, account, chat, fix, technician):
    ai.answer(ANSWER)

    _draft(account, chat, technician)

    said = json.dumps(ai.requests[0].body["messages"])
    assert "Printer is NW-ZEBRA-02" in said
    assert "<untrusted name=" in said
    assert "restart the spooler" in said


def test_a_password_among_the_facts_does_not_reach_the_ai(ai, account, chat, fix, technician):
    ai.answer(ANSWER)
    with account_scope(account.id):
        make_fact(chat, f"password: {PASSWORD}")

    _draft(account, chat, technician)

    assert PASSWORD not in json.dumps(ai.requests[0].body)


@pytest.mark.parametrize("answer", ["I cannot tell which printer it is.", "```powershell\n```\n"])
def test_an_answer_without_a_script_says_so(answer, ai, account, chat, fix, technician):
    ai.answer(answer)

    generation = _draft(account, chat, technician)

    assert (generation.status, generation.error) == ("failed", drafting.NO_SCRIPT)


def test_a_provider_that_fails_is_said_in_words(ai, account, chat, fix, technician):
    ai.break_off("error", after=2, times=6)

    generation = _draft(account, chat, technician)

    assert (generation.status, bool(generation.error)) == ("failed", True)


def test_a_draft_is_written_once(ai, account, chat, fix, technician):
    ai.answer(ANSWER)
    generation = _draft(account, chat, technician)

    async_to_sync(drafting.draft)(account.id, generation.id)

    assert len(ai.requests) == 1


def test_a_worker_that_was_overtaken_writes_nothing(ai, account, chat, fix, technician):
    with account_scope(account.id):
        generation = services.draft_script(chat_id=chat.id, by=technician)
        epoch = drafting._claim(generation.id)[0]
        drafting._claim(generation.id)

        assert drafting._save(generation.id, epoch, ANSWER) is False
        drafting._finish(generation.id, epoch, ANSWER)

        assert ScriptGeneration.objects.get().status == "running"


def test_the_card_grows_and_then_shows_what_it_changes(ai, client, account, chat, fix, technician):
    client.force_login(technician)
    ai.answer(ANSWER)
    client.post(reverse("sessions:draft-script", args=[chat.id]), headers={"HX-Request": "true"})
    with account_scope(account.id):
        generation = ScriptGeneration.objects.get()
    url = reverse("sessions:script-draft", args=[chat.id, generation.id])
    waiting = client.get(url, headers={"HX-Request": "true"}).content.decode()

    async_to_sync(drafting.draft)(account.id, generation.id)
    ready = client.get(url, headers={"HX-Request": "true"}).content.decode()

    assert 'hx-trigger="every 1s"' in waiting
    assert 'hx-trigger="every 1s"' not in ready
    assert "Stops a service or a program that people may be using" in ready
    assert "Stops the queue for everyone" in ready


def test_what_the_ai_proposes_for_a_template_is_kept_as_far_as_it_holds(ai, account, chat, fix, technician):
    parameters = [
        {"value": "NW-ZEBRA-02", "name": "PrinterName", "kind": "host", "label": "Printer", "why": "Differs"},
        {"value": "Invented", "name": "Other", "kind": "text", "label": "Other", "why": "Made up"},
    ]
    ai.answer(
        json.dumps(
            {"name": "Restart the queue", "summary": "Restarts it.", "tags": ["Printing"], "parameters": parameters}
        )
    )
    with account_scope(account.id):
        draft = DraftTemplate.objects.create(
            source_session=chat, name="x", language="powershell", code=CODE, author=technician
        )

    async_to_sync(templatizing.suggest)(account.id, draft)

    with account_scope(account.id):
        kept = DraftTemplate.objects.get()
    assert (kept.name, kept.tags, kept.proposed_by) == ("Restart the queue", ["printing"], "ai")
    assert [each["name"] for each in kept.proposals] == ["PrinterName"]
