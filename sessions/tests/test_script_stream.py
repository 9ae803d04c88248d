"""A script on its way to the page: as it is written, and its card when it is there."""

import asyncio

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from sessions import drafting
from sessions.tests.factories import make_draft

pytestmark = pytest.mark.django_db(transaction=True)  # a stream gives its connections back
CODE = "systemctl restart labels\necho 'restarted'\n"
ANSWER = f"```bash\n{CODE}```\n\n- Nobody can print for some seconds.\n"


@pytest.fixture
def draft(account, chat):
    with account_scope(account.id):
        return make_draft(chat, "queued")


@pytest.fixture
def read(technician, draft):
    """Read the draft's stream to its end, with this going on beside it."""
    client = AsyncClient()
    client.force_login(technician)
    url = reverse("sessions:stream-draft", args=[draft.chat_id, draft.id])

    async def reading(beside):
        response = await client.get(url, headers={"HX-Request": "true"})
        working = asyncio.create_task(beside) if beside else None
        chunks = [chunk.decode() async for chunk in response.streaming_content]
        if working:
            await working
        return chunks

    async def in_time(beside=None):
        return await asyncio.wait_for(reading(beside), 15)

    return async_to_sync(in_time)


def test_the_script_grows_and_its_card_comes_last(ai, account, draft, read):
    ai.answer(ANSWER, delay=0.1)

    chunks = read(drafting.draft(account.id, draft.id))

    growing = [chunk for chunk in chunks if f'hx-target="#draft-{draft.id}"' in chunk]
    assert len(growing) >= 3
    assert [len(chunk) for chunk in growing] == sorted(len(chunk) for chunk in growing)
    assert "Nobody can print" in chunks[-1]
    assert 'hx-target="#script-card"' in chunks[-1]
    assert chunks[-1].endswith("event: done\ndata: \n\n")


def test_what_comes_before_the_script_is_not_shown_as_script(ai, account, draft, read):
    ai.answer(f"Here it is, in one piece.\n\n{ANSWER}", delay=0.05)

    chunks = read(drafting.draft(account.id, draft.id))

    assert not any("Here it is" in chunk for chunk in chunks[:-1])


def test_a_script_that_is_there_sends_its_card_at_once(account, chat, draft, read):
    with account_scope(account.id):
        type(draft).objects.filter(pk=draft.pk).update(status="ready", rendered=CODE)

    [chunk] = read()
    assert "Keep this script?" in chunk


def test_a_reader_who_comes_late_sees_what_is_written(account, draft, read):
    with account_scope(account.id):
        type(draft).objects.filter(pk=draft.pk).update(status="running", epoch=1, rendered=CODE)

    async def end():
        await asyncio.sleep(0.3)
        await asyncio.to_thread(fail)

    def fail():
        with account_scope(account.id):
            type(draft).objects.filter(pk=draft.pk).update(status="failed", error="It broke.")

    first, *_, last = read(end())
    assert "restart" in first
    assert "It broke." in last
