import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.utils import timezone

from flowpilot.accounts.scope import account_scope, run_in_scope
from flowpilot.providers.ai.base import Completion
from sessions import answering
from sessions.models import Turn
from sessions.relaying import relay
from sessions.services.turns import remove_turn, retry_turn, stop_turn
from sessions.tests.factories import make_turn

GUIDED_PROBLEM = "Outlook keeps asking for a password since the MFA rollout."
ANSWER = """Outlook cannot sign in.

[QUESTIONS][{"text": "Does webmail ask too?", "kind": "yes_no"}][/QUESTIONS]
[PROMOTE][{"text": "Only Outlook is affected"}][/PROMOTE]
[TITLE]Outlook asks for a password[/TITLE]
"""
DONE = Completion(text="Done.", provider="anthropic", model="x")


@pytest.fixture
def turn(account, chat):
    """A turn that waits for its answer."""
    with account_scope(account.id):
        return make_turn(chat, text=GUIDED_PROBLEM)


@pytest.fixture
def claim(account, in_scope):
    return lambda turn: in_scope(answering._claim, account.id, turn.id)


def change(turn, **fields):
    Turn.objects.filter(pk=turn.pk).update(**fields)


def test_guided_answer_ends_done_with_its_markers_applied(chat, turn, answer, in_scope):
    assert answer(turn) is True

    in_scope(chat.refresh_from_db)
    assert (turn.status, turn.provider, turn.error) == ("done", "guided", "")
    assert any(item["turn"] == str(turn.id) for item in chat.pending_task_lane)
    assert chat.state_version == 1


def test_guided_answer_shows_no_marker(turn, answer):
    answer(turn)

    assert turn.answer
    assert not any(tag in turn.answer for tag in ("[QUESTIONS", "[ACTIONS", "[SUGGEST_FIX", "[TITLE", "[PROMOTE", "[/"))


def test_claude_answers_with_its_markers_applied(ai, chat, turn, answer, in_scope):
    ai.answer(ANSWER)
    answer(turn)

    in_scope(chat.refresh_from_db)
    assert (turn.status, turn.provider, turn.answer) == ("done", "anthropic", "Outlook cannot sign in.")
    assert [item["text"] for item in chat.pending_task_lane] == ["Does webmail ask too?"]
    assert in_scope(lambda: chat.facts.get().text) == "Only Outlook is affected"
    assert turn.usage["output_tokens"] > 0


def test_an_answered_turn_is_not_answered_again(ai, turn, answer):
    answer(turn)
    said, epoch = turn.answer, turn.epoch

    assert answer(turn) is True
    assert (turn.answer, turn.epoch) == (said, epoch)
    assert len(ai.requests) == 1


def test_a_turn_that_a_living_worker_holds_is_left_to_it(ai, turn, claim, answer):
    claim(turn)

    assert answer(turn) is False
    assert turn.epoch == 1
    assert ai.requests == []


def test_a_turn_whose_worker_fell_silent_is_claimed_again(turn, in_scope, answer):
    silent = timezone.now() - answering.STALE_AFTER - timedelta(seconds=1)
    in_scope(change, turn, status="running", heartbeat_at=silent, epoch=1, answer="Half")

    assert answer(turn) is True
    assert (turn.status, turn.epoch) == ("done", 2)


def test_an_overtaken_worker_writes_nothing(chat, turn, claim, in_scope):
    mine = claim(turn)
    mine.raw, mine.shown = [ANSWER], ["Outlook"]
    in_scope(change, turn, epoch=2)

    in_scope(answering._finish, mine, DONE)
    in_scope(answering._fail, mine, "Busy", "unavailable")
    assert in_scope(answering._save_partial, mine) is False
    in_scope(turn.refresh_from_db)
    in_scope(chat.refresh_from_db)
    assert (turn.status, turn.answer, turn.error, chat.state_version) == ("running", "", "", 0)


@pytest.mark.parametrize("end", ["finish", "fail", "stop"])
def test_an_overtaken_worker_says_that_the_turn_is_not_over(turn, claim, in_scope, end):
    """Its job is the other's job as well: somebody has to look again."""
    mine = claim(turn)
    in_scope(change, turn, epoch=2)
    ways = {
        "finish": lambda: answering._finish(mine, DONE),
        "fail": lambda: answering._fail(mine, "Busy", "unavailable"),
        "stop": lambda: answering._keep_stopped(mine),
    }

    assert in_scope(ways[end]) is False


@pytest.mark.parametrize("status", ["queued", "running"])
def test_a_turn_waits_until_the_one_before_has_ended(ai, chat, turn, answer, in_scope, status):
    in_scope(change, turn, status=status, heartbeat_at=timezone.now())
    later = in_scope(make_turn, chat)

    assert answer(later) is False
    assert (later.status, ai.requests) == ("queued", [])


def test_finishing_twice_applies_once(chat, turn, claim, in_scope):
    mine = claim(turn)
    mine.raw = [ANSWER]
    in_scope(answering._finish, mine, DONE)
    in_scope(answering._finish, mine, DONE)

    in_scope(chat.refresh_from_db)
    assert chat.state_version == 1


def test_a_turn_that_was_claimed_too_often_fails_with_words(ai, turn, answer, in_scope):
    in_scope(change, turn, claims=answering.MOST_CLAIMS)

    assert answer(turn) is True
    assert (turn.status, turn.error) == ("failed", answering.GENERIC)
    assert ai.requests == []


def test_a_turn_stopped_before_its_worker_came_stays_cancelled(ai, chat, turn, answer, in_scope):
    in_scope(stop_turn, chat_id=chat.id, turn_id=turn.id)

    assert answer(turn) is True
    assert turn.status == "cancelled"
    assert ai.requests == []


def test_a_turn_stopped_before_it_finished_stays_cancelled(chat, turn, claim, in_scope):
    mine = claim(turn)
    mine.raw = [ANSWER]
    in_scope(stop_turn, chat_id=chat.id, turn_id=turn.id)
    in_scope(answering._finish, mine, DONE)

    in_scope(turn.refresh_from_db)
    in_scope(chat.refresh_from_db)
    assert (turn.status, chat.state_version) == ("cancelled", 0)


def test_a_turn_stopped_while_it_is_written_ends_the_stream(ai, account, chat, turn, in_scope):
    ai.answer("word " * 400, delay=0.1)

    async def stop_when_seen():
        async for glimpse in relay.watch((account.id, turn.id), every=1):
            if glimpse and glimpse.text:
                await run_in_scope(account.id, stop_turn, chat_id=chat.id, turn_id=turn.id)
                return

    async def both():
        return await asyncio.wait_for(asyncio.gather(answering.answer(account.id, turn.id), stop_when_seen()), 10)

    assert async_to_sync(both)()[0] is True
    in_scope(turn.refresh_from_db)
    assert turn.status == "cancelled"
    assert turn.answer.startswith("word")


def test_where_the_ai_refuses_rules_answer_and_say_why(ai, turn, answer):
    ai.fail(402)

    assert answer(turn) is True
    assert (turn.status, turn.provider) == ("done", "guided")
    assert turn.fallback == (
        "The AI account has no credit left. An admin can see to that. Fixed rules answered this. Your next message asks the AI again."
    )


def test_a_turn_whose_worker_is_told_to_stop_is_free_at_once(ai, account, turn, in_scope):
    ai.answer("word " * 400, delay=0.1)

    async def stop_when_seen():
        work = asyncio.create_task(answering.answer(account.id, turn.id))
        async for glimpse in relay.watch((account.id, turn.id), every=1):
            if glimpse and glimpse.text:
                break
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    async_to_sync(stop_when_seen)()
    in_scope(turn.refresh_from_db)
    assert (turn.status, turn.claims, turn.epoch) == ("queued", 0, 1)
    assert turn.answer.startswith("word")


def test_a_message_that_is_more_than_the_ai_takes_is_not_worth_another_try(ai, turn, answer):
    ai.fail(413)
    answer(turn)

    assert (turn.status, turn.failure, turn.can_retry) == ("failed", "too_long", False)


def test_an_answer_that_broke_off_is_worth_another_try(ai, turn, answer):
    ai.break_off("drop", after=4)
    answer(turn)

    assert (turn.status, turn.failure, turn.can_retry) == ("failed", "unavailable", True)


@pytest.mark.parametrize(
    ("reason", "failure"),
    [("max_tokens", "cut_short"), ("refusal", "declined"), ("model_context_window_exceeded", "too_long")],
)
def test_an_answer_cut_short_says_why(ai, turn, answer, reason, failure):
    ai.answer(ANSWER, stop_reason=reason)
    answer(turn)

    assert turn.failure == failure


def test_an_answer_that_breaks_off_keeps_what_arrived(ai, chat, turn, answer, in_scope):
    ai.break_off("drop", after=4)
    answer(turn)

    in_scope(chat.refresh_from_db)
    assert (turn.status, bool(turn.answer), bool(turn.error)) == ("failed", True, True)
    assert chat.state_version == 0


@pytest.mark.parametrize("reason", sorted(answering.CUT_SHORT))
def test_an_answer_cut_short_fails_with_its_words_and_applies_nothing(ai, chat, turn, answer, in_scope, reason):
    ai.answer(ANSWER, stop_reason=reason)
    answer(turn)

    in_scope(chat.refresh_from_db)
    assert (turn.status, turn.error) == ("failed", answering.CUT_SHORT[reason])
    assert (turn.answer.strip(), chat.state_version) == ("Outlook cannot sign in.", 0)


def test_a_bug_fails_with_words_for_the_person(ai, turn, answer, settings, caplog):
    settings.AI_MODELS = {}
    answer(turn)

    assert (turn.status, turn.error) == ("failed", answering.GENERIC)
    assert "turn.broke" in caplog.text


def test_a_removed_turn_is_over(ai, chat, turn, answer, account, in_scope):
    in_scope(remove_turn, chat_id=chat.id, turn_id=turn.id)

    assert async_to_sync(answering.answer)(account.id, turn.id) is True
    assert ai.requests == []


def test_a_turn_that_was_claimed_too_often_is_answered_when_tried_again(ai, chat, turn, answer, in_scope):
    in_scope(change, turn, claims=answering.MOST_CLAIMS, epoch=answering.MOST_CLAIMS)
    answer(turn)
    in_scope(retry_turn, chat_id=chat.id, turn_id=turn.id)
    answer(turn)

    assert turn.status == "done"


def test_a_turn_that_does_not_exist_is_over(account):
    assert async_to_sync(answering.answer)(account.id, uuid4()) is True


def test_a_turn_of_another_account_is_left_alone(other_account, turn, in_scope):
    async_to_sync(answering.answer)(other_account.id, turn.id)

    in_scope(turn.refresh_from_db)
    assert turn.status == "queued"


def test_an_answer_leaves_nothing_in_the_relay_but_what_it_keeps_a_minute(account, turn, answer):
    answer(turn)

    assert relay._channels[account.id, turn.id].is_done


def idle_transactions():
    """How many connections to this database hold a transaction open and do nothing."""
    try:
        with connection.cursor() as cursor:
            here = "datname = current_database() AND state = 'idle in transaction'"
            cursor.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {here}")
            return cursor.fetchone()[0]
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_no_transaction_waits_for_the_model(ai, turn, answer):
    usual, seen = ai.script, []
    with ThreadPoolExecutor(1) as pool:
        ai.script = lambda _request: seen.append(pool.submit(idle_transactions).result()) or "Seen."
        answer(turn)
    ai.script = usual

    assert seen == [0]
