import asyncio
import re
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from django.urls import reverse

from flowpilot.accounts.scope import account_scope, run_in_scope
from sessions.models import Turn
from sessions.relay import Glimpse
from sessions.relaying import relay
from sessions.tests.factories import make_turn
from sessions.views.stream import _Sent

pytestmark = pytest.mark.django_db(transaction=True)  # a stream gives its connections back


@pytest.fixture
def turn(account, chat):
    """A turn that is being answered."""
    with account_scope(account.id):
        return make_turn(chat, status="running", epoch=1)


@pytest.fixture
def signed_in(technician):
    client = AsyncClient()
    client.force_login(technician)
    return client


@pytest.fixture
def open_stream(signed_in, turn):
    """Open the stream of the session's turn."""
    url = reverse("sessions:stream-turn", args=[turn.chat_id, turn.id])
    return lambda: signed_in.get(url, headers={"HX-Request": "true"})


async def read(response):
    """Every chunk until the stream ends."""
    return [chunk.decode() async for chunk in response.streaming_content]


def run(work):
    async def in_time():
        return await asyncio.wait_for(work(), 10)

    return async_to_sync(in_time)()


def ended(turn, **fields):
    return Turn.objects.filter(pk=turn.pk).update(**{"status": "done", "answer": "All done.", **fields})


def finish(account, turn, **fields):
    with account_scope(account.id):
        ended(turn, **fields)


@pytest.fixture
def whole(account, turn, open_stream):
    """Open the stream, write these pieces as a worker would, each once the last was seen, end the turn; return what was sent."""

    def watch(*pieces):
        chunks, arrived, key = [], asyncio.Event(), (account.id, turn.id)

        async def worker():
            relay.begin(key, 1)
            for piece in pieces:
                arrived.clear()
                relay.publish(key, 1, piece)
                await arrived.wait()
            await run_in_scope(account.id, ended, turn)
            relay.finish(key, 1)

        async def page():
            async for chunk in (await open_stream()).streaming_content:
                chunks.append(chunk.decode())
                arrived.set()

        async def both():
            await asyncio.gather(page(), worker())

        run(both)
        return chunks

    return watch


def events(chunks):
    """(id, event, data) of each event; comments are left out."""
    blocks = [block for block in "".join(chunks).split("\n\n") if block and not block.startswith(":")]
    return [_fields(block) for block in blocks]


def _fields(block):
    lines = [line.partition(":")[::2] for line in block.splitlines()]
    values = {name: value.removeprefix(" ") for name, value in lines if name != "data"}
    data = "\n".join(value.removeprefix(" ") for name, value in lines if name == "data")
    return values.get("id", ""), values.get("event", ""), data


class TestReply:
    def test_it_is_an_event_stream_that_nobody_keeps_or_holds_back(self, account, turn, open_stream):
        finish(account, turn)
        response = run(open_stream)

        assert response.status_code == 200
        assert response["Content-Type"] == "text/event-stream"
        assert (response["Cache-Control"], response["X-Accel-Buffering"]) == ("no-store", "no")

    def test_another_accounts_turn_is_not_found(self, stranger, turn):
        client = AsyncClient()
        client.force_login(stranger)
        url = reverse("sessions:stream-turn", args=[turn.chat_id, turn.id])

        assert run(lambda: client.get(url)).status_code == 404

    def test_a_turn_of_another_session_is_not_found(self, signed_in, other_chat, turn):
        url = reverse("sessions:stream-turn", args=[other_chat.id, turn.id])

        assert run(lambda: signed_in.get(url)).status_code == 404

    def test_a_turn_that_does_not_exist_is_not_found(self, signed_in, chat):
        url = reverse("sessions:stream-turn", args=[chat.id, uuid4()])

        assert run(lambda: signed_in.get(url)).status_code == 404

    def test_nobody_streams_unsigned(self, turn):
        url = reverse("sessions:stream-turn", args=[turn.chat_id, turn.id])

        assert run(lambda: AsyncClient().get(url)).status_code == 302

    def test_it_cannot_be_posted_to(self, signed_in, turn):
        url = reverse("sessions:stream-turn", args=[turn.chat_id, turn.id])

        assert run(lambda: signed_in.post(url)).status_code == 405


class TestEnded:
    @pytest.mark.parametrize("status", ["done", "failed", "cancelled"])
    def test_a_turn_that_ended_is_sent_once_and_the_stream_closes(self, account, turn, open_stream, status):
        finish(account, turn, status=status, error="Busy" if status == "failed" else "")

        async def watch():
            return await read(await open_stream())

        sent = events(run(watch))
        assert [(event_id, event) for event_id, event, _ in sent] == [("1.end", ""), ("", "done")]
        assert f'data-turn="{status}"' in sent[0][2]
        assert "All done." in sent[0][2]

    def test_the_end_brings_every_panel(self, account, turn, open_stream):
        finish(account, turn)

        async def watch():
            return "".join(await read(await open_stream()))

        html = run(watch)
        for panel in ("session-head", "lane-tasks", "lane-fix", "lane-facts", "session-bar"):
            assert f'hx-target="#{panel}"' in html

    def test_watching_what_ended_leaves_nothing_in_the_relay(self, account, turn, open_stream):
        finish(account, turn)

        async def watch():
            await read(await open_stream())

        run(watch)
        assert (account.id, turn.id) not in relay._channels


class TestLive:
    def test_growth_is_sent_and_then_the_end(self, turn, whole):
        sent = events(whole("Does ", "webmail ", "work?"))

        assert "Does webmail work?" in sent[-3][2]
        assert [(event_id, event) for event_id, event, _ in sent[-2:]] == [("1.end", ""), ("", "done")]

    def test_ids_are_the_claim_and_the_length(self, whole):
        sent = events(whole("Does ", "webmail"))

        assert [event_id for event_id, _, _ in sent[:-1] if event_id != "1.0"] == ["1.5", "1.12", "1.end"]

    def test_every_line_is_a_field_or_a_comment(self, whole):
        lines = "".join(whole("One.\n\n", "```\ndata\n\nmore\n", "```\n\nTwo.\r\nThree.")).split("\n")

        assert {line for line in lines if line and not re.match(r"(data|id|event): |:|data:$", line)} == set()

    @pytest.mark.parametrize("breaker", ["\u2028", "\u0085", "\x0b", "\x0c", "\r", "\x1c"])
    def test_no_character_breaks_an_event_apart(self, whole, breaker):
        lines = "".join(whole(f"One{breaker}data: two{breaker}{breaker}three.")).replace("\r", "\n").split("\n")

        assert {line for line in lines if line and not re.match(r"(data|id|event): |:|data:$", line)} == set()

    def test_model_text_cannot_leave_its_element(self, whole):
        html = "".join(whole('<hx-partial hx-target="#main">gone</hx-partial><script>1</script>'))

        assert '<hx-partial hx-target="#main"' not in html
        assert "<script>" not in html

    def test_a_late_page_gets_all_the_text(self, account, turn, open_stream):
        async def work():
            key = (account.id, turn.id)
            relay.begin(key, 1)
            relay.publish(key, 1, "Said before.")
            response = await open_stream()
            first = await anext(aiter(response.streaming_content))
            await run_in_scope(account.id, ended, turn)
            relay.finish(key, 1)
            return first.decode()

        assert "Said before." in run(work)

    def test_two_pages_see_the_same(self, account, turn, open_stream):
        async def work():
            key = (account.id, turn.id)
            relay.begin(key, 1)
            pages = [asyncio.create_task(read(await open_stream())) for _ in range(2)]
            await asyncio.sleep(0.1)
            relay.publish(key, 1, "Hello.")
            await asyncio.sleep(0.1)
            await run_in_scope(account.id, ended, turn)
            relay.finish(key, 1)
            return await asyncio.gather(*pages)

        one, other = run(work)
        assert [event_id for event_id, *_ in events(one)] == [event_id for event_id, *_ in events(other)]

    def test_a_turn_that_ends_unheard_is_noticed(self, account, turn, open_stream):
        """A worker in another process, or one that was gone: the database is asked."""

        async def work():
            page = asyncio.create_task(read(await open_stream()))
            await asyncio.sleep(0.1)
            await run_in_scope(account.id, ended, turn)
            return await page

        assert events(run(work))[-1][1] == "done"


class TestGrowth:
    """What one connection sends, glimpse by glimpse."""

    @staticmethod
    def play(*glimpses):
        """What a page holds after these (epoch, text): the finished part, and the growing one."""
        sent, done, tail = _Sent(), "", ""
        for epoch, text in glimpses:
            event = sent.next_event("t", Glimpse(epoch, text, is_done=False))
            for target, swap, html in re.findall(
                r'hx-target="#turn-t-(\w+)" hx-swap="(\w+)">(.*?)</hx-partial>',
                event.replace("\ndata: ", "\n"),
                re.DOTALL,
            ):
                if target == "done":
                    done = html if swap == "innerHTML" else done + html
                else:
                    tail = html
        return done, tail

    def test_a_finished_block_is_sent_once(self):
        text = "One.\n\nTwo.\n\nThree."
        done, tail = self.play(*((1, text[:end]) for end in range(len(text) + 1)))

        assert [done.count(word) for word in ("One.", "Two.")] == [1, 1]
        assert "Three." in tail
        assert "Three." not in done

    def test_a_higher_claim_starts_the_bubble_anew(self):
        done, tail = self.play((1, "Old.\n\nOlder."), (2, ""), (2, "New."))

        assert "Old" not in done + tail
        assert "New." in tail

    def test_nothing_new_is_no_event(self):
        sent = _Sent()
        sent.next_event("t", Glimpse(1, "One.", is_done=False))

        assert sent.next_event("t", Glimpse(1, "One.", is_done=False)) == ""

    def test_a_list_that_follows_letter_by_letter_is_sent_once(self):
        text = "First.\n\n1. one\n2. two\n\nAfter.\n\nEnd"
        done, tail = self.play(*((1, text[:end]) for end in range(len(text) + 1)))

        assert [(done + tail).count(word) for word in ("First.", "one", "two", "After.", "End")] == [1] * 5
