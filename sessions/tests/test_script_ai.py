"""Scripts that Claude drafts, and templates that it proposes, over the loopback server."""

import asyncio
import json
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from flowpilot.accounts.scope import account_scope, run_in_scope
from sessions import drafting, tasks, templatizing
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


@pytest.fixture
def queued(account, chat, fix, technician):
    with account_scope(account.id):
        return services.draft_script(chat_id=chat.id, by=technician)


@pytest.fixture
def go_silent(account):
    """Have whoever writes the draft show no sign of life for too long."""

    def silent():
        long_ago = timezone.now() - timedelta(seconds=settings.TURN_LOST_SECONDS + 1)
        with account_scope(account.id):
            ScriptGeneration.objects.update(updated_at=long_ago)

    return silent


@pytest.fixture
def die(in_scope, queued, go_silent):
    """Have a worker claim the draft and be killed, so many times."""

    def run(times=1):
        for _ in range(times):
            in_scope(drafting._claim, queued.id)
            go_silent()

    return run


async def begun(ai):
    """Wait until the AI is asked."""
    for _ in range(250):
        if ai.requests:
            return
        await asyncio.sleep(0.02)


@pytest.fixture
def state(account, queued):
    def read():
        with account_scope(account.id):
            return ScriptGeneration.objects.values_list("status", "rendered").get(pk=queued.pk)

    return read


def test_what_a_killed_worker_left_is_written_by_the_next(ai, account, queued, die, state):
    die()
    ai.answer(ANSWER)

    assert async_to_sync(drafting.draft)(account.id, queued.id)
    assert state() == ("ready", CODE)


def test_who_finds_somebody_writing_looks_again(ai, in_scope, account, queued):
    in_scope(drafting._claim, queued.id)

    async_to_sync(tasks.draft_script.func)(account_id=str(account.id), generation_id=str(queued.id))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'draft_script' AND scheduled_at > now()"
        )
        assert cursor.fetchone() == (1,)
    assert ai.requests == []


def test_a_draft_that_kills_every_worker_ends_with_words(ai, account, queued, die, state):
    die(times=5)

    assert async_to_sync(drafting.draft)(account.id, queued.id)
    assert state()[0] == "failed"
    assert ai.requests == []


def test_a_worker_that_is_told_to_stop_leaves_its_draft_to_the_next(ai, account, queued, state):
    ai.answer(ANSWER, delay=0.5)

    async def stopped():
        work = asyncio.create_task(drafting.draft(account.id, queued.id))
        await begun(ai)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    async_to_sync(stopped)()
    assert state()[0] == "queued"
    ai.answer(ANSWER)
    assert async_to_sync(drafting.draft)(account.id, queued.id)
    assert state() == ("ready", CODE)


def test_a_worker_that_was_overtaken_writes_nothing(ai, account, queued, go_silent, state):
    ai.answer(ANSWER, pieces=list(ANSWER), delay=0.05)

    async def overtaken():
        work = asyncio.create_task(drafting.draft(account.id, queued.id))
        await begun(ai)
        await sync_to_async(go_silent)()
        await run_in_scope(account.id, drafting._claim, queued.id)
        return await asyncio.wait_for(work, 5)

    assert async_to_sync(overtaken)() is False
    assert state() == ("running", "")


def test_an_ai_that_thinks_for_long_is_not_taken_for_a_lost_worker(ai, account, queued, settings):
    settings.TURN_BEAT_SECONDS = 0.7
    ai.answer(ANSWER, pieces=[ANSWER], delay=1.8)
    seen = set()

    def look():
        seen.add(ScriptGeneration.objects.get(pk=queued.pk).updated_at)

    async def watched():
        work = asyncio.create_task(drafting.draft(account.id, queued.id))
        for _ in range(15):
            await asyncio.sleep(0.1)
            await run_in_scope(account.id, look)
        await work

    async_to_sync(watched)()
    assert len(seen) >= 3


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

    assert "hx-sse:connect" in waiting
    assert "hx-sse:connect" not in ready
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
