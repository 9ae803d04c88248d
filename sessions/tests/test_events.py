"""What a page that is open hears of a session that others work on."""

import asyncio
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import AsyncClient
from django.urls import reverse

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope, run_in_scope
from sessions import queries
from sessions.models import ChatSession, Turn
from sessions.news import MemoryNews
from sessions.services.facts import add_fact
from sessions.services.turns import ask, remove_turn, stop_turn
from sessions.tests.factories import make_draft, make_turn
from sessions.views import _sse, events

pytestmark = pytest.mark.django_db(transaction=True)  # a stream gives its connections back
SOON = 3.0  # seconds; the stream would look by itself after five


@pytest.fixture
def signed_in(technician):
    client = AsyncClient()
    client.force_login(technician)
    return client


@pytest.fixture
def pulse(account, chat):
    with account_scope(account.id):
        return str(queries.pulse(chat.id))


@pytest.fixture
def hear(account, chat, pulse, signed_in):
    """Open the page's stream, do something meanwhile, and return the first event it sends."""

    def run(work=None, *args, seen=pulse, name="chat-events", **kwargs):
        async def page():
            url = reverse(f"sessions:{name}", args=[chat.id])
            response = await signed_in.get(url, {"seen": seen}, headers={"HX-Request": "true"})
            chunks = aiter(response.streaming_content)
            first = (await anext(chunks)).decode()
            if work:
                await run_in_scope(account.id, work, *args, **kwargs)
                first = (await anext(chunks)).decode()
            await chunks.aclose()
            return first

        async def in_time():
            return await asyncio.wait_for(page(), SOON)

        return async_to_sync(in_time)()

    return run


def test_a_page_that_knows_everything_hears_nothing(hear):
    assert hear() == ": still here\n\n"


def test_a_page_that_knows_nothing_is_told_everything(account, chat, hear):
    with account_scope(account.id):
        turn = make_turn(chat, status="done", answer="Old answer")
    heard = hear(seen="")

    assert f'id="turn-{turn.id}"' in heard
    assert 'hx-target="#lane-facts"' in heard


@pytest.mark.parametrize("seen", ["x", "///", "1.2/9999999999999999999999.1.1", "/-5.1", "0/²"])
def test_a_nonsensical_pulse_is_a_page_that_knows_nothing(hear, seen):
    assert 'hx-target="#lane-facts"' in hear(seen=seen)


def test_a_fact_of_a_colleague_comes_at_once(chat, hear, technician):
    assert "Two users" in hear(add_fact, chat_id=chat.id, text="Two users", by=technician)


def test_a_message_of_a_colleague_comes_at_once_with_its_bubble(chat, hear, technician):
    heard = hear(ask, chat_id=chat.id, text="It hums.", by=technician, client_key=uuid4())

    assert "It hums." in heard
    assert "hx-sse:connect" in heard


def test_a_second_message_comes_as_one_that_waits(account, chat, hear, technician):
    with account_scope(account.id):
        make_turn(chat, status="running")
    heard = hear(ask, chat_id=chat.id, text="It hums.", by=technician, client_key=uuid4())

    assert 'data-mark="waiting"' in heard


def test_a_stopped_answer_is_heard_of(account, chat, hear):
    with account_scope(account.id):
        turn = make_turn(chat, status="running", answer="Half")
    heard = hear(stop_turn, chat_id=chat.id, turn_id=turn.id)

    assert 'data-mark="cancelled.0"' in heard


def test_a_message_that_was_taken_back_is_no_longer_listed(account, chat, hear):
    with account_scope(account.id):
        kept, gone = make_turn(chat, status="running"), make_turn(chat)
        seen = str(queries.pulse(chat.id))
    heard = hear(remove_turn, chat_id=chat.id, turn_id=gone.id, seen=seen)

    assert str(kept.id) in heard
    assert str(gone.id) not in heard


def test_a_session_that_was_closed_takes_the_composer_away(chat, hear):
    def close():
        closed = ChatSession.objects.advance(chat.id)
        closed.status = "resolved"
        closed.save()

    assert 'data-state="closed"' in hear(close)


def test_an_event_carries_the_pulse_that_was_read(account, chat, hear, technician):
    heard = hear(add_fact, chat_id=chat.id, text="Two users", by=technician)

    with account_scope(account.id):
        assert heard.startswith(f"id: {queries.pulse(chat.id)}\n")


def test_a_page_gives_back_what_it_saw_when_it_comes_again(chat, pulse, signed_in):
    async def again():
        url = reverse("sessions:chat-events", args=[chat.id])
        response = await signed_in.get(url, {"seen": "0/0"}, headers={"Last-Event-ID": pulse})
        return (await anext(aiter(response.streaming_content))).decode()

    assert async_to_sync(again)() == ": still here\n\n"


def test_the_pulse_moves_when_one_of_two_answers_fails_unheard(account, chat):
    """A change may be committed after a later one was: the time alone would hide it."""
    with account_scope(account.id):
        early, _ = make_turn(chat, status="running"), make_turn(chat)
        before = queries.pulse(chat.id)
        Turn.objects.filter(pk=early.pk).update(status="failed")

        assert queries.pulse(chat.id) != before


def test_a_waiting_stream_holds_no_connection(account, chat, signed_in):
    def others():
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            return cursor.fetchone()[0]

    async def wait():
        url = reverse("sessions:chat-events", args=[chat.id])
        pages = [aiter((await signed_in.get(url)).streaming_content) for _ in range(5)]
        for page in pages:
            await anext(page)
        waiting = [asyncio.ensure_future(anext(page)) for page in pages]
        await asyncio.sleep(0.5)
        count = await run_in_scope(account.id, others)
        for each in waiting:
            each.cancel()
        return count

    assert async_to_sync(wait)() <= 2


def test_a_page_of_notes_hears_that_the_session_moved(chat, hear, technician):
    heard = hear(add_fact, chat_id=chat.id, text="Two users", by=technician, name="note-events", seen="0")

    assert heard == "id: 1\nevent: chat-changed\ndata: \n\n"


def test_a_page_of_notes_that_missed_a_change_hears_of_it_at_once(hear):
    assert "event: chat-changed" in hear(name="note-events", seen="7")


class TestSignIn:
    """A stream ends soon after the sign-in that opened it."""

    def test_soon_is_within_fifteen_seconds(self, settings):
        assert settings.STREAM_SIGN_IN_SECONDS + max(events.QUIET, _sse.LOOK_AGAIN) <= 15

    @pytest.fixture(params=["chat-events", "note-events", "stream-turn", "stream-draft"])
    def stream_ends(self, request, account, chat, signed_in, settings, monkeypatch):
        """Open a stream, do something, and return what is sent until it closes."""
        settings.STREAM_SIGN_IN_SECONDS = 0.1
        monkeypatch.setattr(_sse, "LOOK_AGAIN", 0.2)
        monkeypatch.setattr(events, "QUIET", 0.2)
        with account_scope(account.id):
            written = {"stream-turn": make_turn(chat, status="running"), "stream-draft": make_draft(chat, "running")}
        arguments = [chat.id, written[request.param].id] if request.param in written else [chat.id]
        url = reverse(f"sessions:{request.param}", args=arguments)

        def run(work):
            async def page():
                response = await signed_in.get(url)
                chunks = aiter(response.streaming_content)
                await work()
                return [chunk.decode() async for chunk in chunks][-1]

            async def in_time():
                return await asyncio.wait_for(page(), 12)

            return async_to_sync(in_time)()

        return run

    def test_signed_out_elsewhere(self, stream_ends, signed_in):
        assert "event: signed-out" in stream_ends(signed_in.alogout)

    def test_deactivated(self, account, stream_ends, technician):
        async def deactivate():
            people = User.objects.filter(pk=technician.pk)
            await run_in_scope(account.id, people.update, is_active=False)

        assert "event: signed-out" in stream_ends(deactivate)

    def test_password_changed(self, account, stream_ends, technician):
        def change():
            technician.set_password("another battery staple")
            technician.save()

        async def work():
            await run_in_scope(account.id, change)

        assert "event: signed-out" in stream_ends(work)


class TestNews:
    """Rings between threads of one process."""

    KEY = (uuid4(), uuid4())

    def test_a_ring_between_two_waits_is_not_missed(self):
        async def work():
            news = MemoryNews()
            async with news.listen(self.KEY) as listener:
                news.tell(self.KEY)
                await asyncio.wait_for(listener.wait(60), 1)

        asyncio.run(work())

    def test_a_ring_from_another_thread_wakes(self):
        async def work():
            news = MemoryNews()
            async with news.listen(self.KEY) as listener:
                await asyncio.gather(asyncio.wait_for(listener.wait(60), 1), asyncio.to_thread(news.tell, self.KEY))

        asyncio.run(work())

    def test_nobody_who_left_is_remembered(self):
        async def work():
            news = MemoryNews()
            async with news.listen(self.KEY):
                pass
            news.tell(self.KEY)
            return news._listeners

        assert asyncio.run(work()) == {}
