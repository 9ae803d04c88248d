"""The worker's side of a turn: claim it, let the provider answer, keep what arrives, end it once.

Every claim raises the turn's epoch and every write checks it, so a worker that was paused and overtaken writes nothing. The account's
scope is open for short transactions only, never while the model is awaited.
"""

import asyncio
import logging
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from flowpilot.accounts.scope import run_in_scope
from flowpilot.errors import Invalid, Unavailable, UserError
from flowpilot.providers.ai import calls
from flowpilot.providers.ai.base import Completion
from sessions import copilot, queries
from sessions.attached import attached
from sessions.choice import guided
from sessions.markers import MarkerParser, Text
from sessions.models import Turn
from sessions.news import announce
from sessions.outcome import apply_answer
from sessions.relaying import relay

log = logging.getLogger("flowpilot.turns")
STALE_AFTER = timedelta(seconds=settings.TURN_LOST_SECONDS)
_LIVE = [Turn.Status.QUEUED, Turn.Status.RUNNING]
MOST_CLAIMS = 5  # a turn that kills its worker is not tried for ever
CUT_SHORT = {
    "max_tokens": "The answer reached its longest. What arrived is kept: ask for less at once, or try again.",
    "refusal": "The AI declined to answer this. Your message is kept: word it differently, or go on without it.",
    "model_context_window_exceeded": "This session is too long for the AI. Start a new one on the same ticket.",
}
_FAILURES = {
    "max_tokens": Turn.Failure.CUT_SHORT,
    "refusal": Turn.Failure.DECLINED,
    "model_context_window_exceeded": Turn.Failure.TOO_LONG,
}
GENERIC = "Something broke while this was answered. Your message is kept; try again."


class ClaimedElsewhere(Exception):
    """A worker that may be gone holds the turn; look again in a moment."""


class CutShort(Unavailable):
    """An answer ended by itself before it was whole."""

    def __init__(self, stop_reason: str) -> None:
        super().__init__(CUT_SHORT[stop_reason])
        self.failure = _FAILURES[stop_reason]


@dataclass
class _Claim:
    account_id: UUID
    chat_id: UUID
    turn_id: UUID
    epoch: int
    request: copilot.Request
    raw: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.account_id, self.turn_id


async def answer(account_id: UUID, turn_id: UUID) -> bool:
    """Answer a turn, unless it has its answer.

    Return False while another worker holds it, or it is not its turn yet, so that the caller looks again: a worker that was overtaken ends the
    job that the other one works on, and were that one lost as well, nobody would look.
    """
    try:
        claim = await run_in_scope(account_id, _claim, account_id, turn_id)
    except ClaimedElsewhere:
        return False
    if claim is None:
        return True
    relay.begin(claim.key, claim.epoch)
    beat = asyncio.create_task(_beat(claim, asyncio.current_task()))
    try:
        completion = await _stream(claim)
        if completion.stop_reason in CUT_SHORT:
            raise CutShort(completion.stop_reason)
        is_over = await run_in_scope(account_id, _finish, claim, completion)
    except asyncio.CancelledError:
        if not beat.done():
            await run_in_scope(account_id, _give_back, claim)
            raise  # the worker is told to stop: its job goes back to the queue, and the next one finds the turn free
        is_over = await run_in_scope(account_id, _keep_stopped, claim)
    except UserError as error:
        is_over = await run_in_scope(account_id, _fail, claim, error.message, _failure(error))
    except Exception:  # the job runner's one boundary: the technician gets words, the log gets the rest
        log.exception("turn.broke turn=%s", turn_id)
        is_over = await run_in_scope(account_id, _fail, claim, GENERIC, Turn.Failure.BROKEN)
    finally:
        beat.cancel()
        relay.finish(claim.key, claim.epoch)
    return is_over


async def _stream(claim: _Claim) -> Completion:
    parser = MarkerParser()
    completion = None
    stream = calls.generate_text_stream(
        account_id=claim.account_id,
        service="chat",
        system_prompt=claim.request.system,
        messages=claim.request.messages,
        chat_id=claim.chat_id,
        state=claim.request.state,
        last_resort=guided(),
    )
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            if isinstance(piece, Completion):
                completion = piece
                continue
            claim.raw.append(piece)
            _show(claim, parser.feed(piece))
    _show(claim, parser.close())
    if completion is None:
        raise Unavailable("The answer ended early. What arrived is kept; try again.")
    return completion


def _show(claim: _Claim, events) -> None:
    for event in events:
        if isinstance(event, Text) and event.text:
            claim.shown.append(event.text)
            relay.publish(claim.key, claim.epoch, event.text)


async def _beat(claim: _Claim, work: asyncio.Task | None) -> None:
    """Save what arrived every two seconds; stop the work when the turn was stopped or somebody else claimed it."""
    while True:
        await asyncio.sleep(settings.TURN_BEAT_SECONDS)
        if not await run_in_scope(claim.account_id, _save_partial, claim):
            if work:
                work.cancel()
            return


def _claim(account_id: UUID, turn_id: UUID) -> _Claim | None:
    now = timezone.now()
    counted = {"epoch": F("epoch") + 1, "claims": F("claims") + 1}
    began = {"started_at": now, "heartbeat_at": now, "updated_at": now}
    free = Q(status=Turn.Status.QUEUED) | Q(status=Turn.Status.RUNNING, heartbeat_at__lt=now - STALE_AFTER)
    earlier = Turn.objects.filter(chat=OuterRef("chat"), number__lt=OuterRef("number"), status__in=_LIVE)
    rows = Turn.objects.filter(free, ~Exists(earlier), pk=turn_id)
    if not rows.update(status=Turn.Status.RUNNING, answer="", **counted, **began):
        if Turn.objects.filter(pk=turn_id, status__in=_LIVE).exists():
            raise ClaimedElsewhere
        return None
    turn = Turn.objects.select_related("chat").get(pk=turn_id)
    claim = _Claim(account_id, turn.chat_id, turn_id, turn.epoch, _request(turn))
    announce(claim.chat_id)
    if turn.claims > MOST_CLAIMS:
        _fail(claim, GENERIC, Turn.Failure.BROKEN)
        return None
    return claim


def _request(turn: Turn) -> copilot.Request:
    chat = turn.chat
    turns = list(chat.turns.filter(number__lte=turn.number).order_by("number"))
    state = copilot.build_state(
        problem=queries.problem(chat),
        lane=chat.pending_task_lane,
        facts=queries.facts(chat),
        fixes=queries.fixes(chat),
        said=[each.text for each in turns],
    )
    told = [each.briefing for each in copilot.history(turns[:-1])]
    turn.briefing = copilot.build_briefing(state, told)  # as things stand now: it may have waited, or been tried before
    turn.save(update_fields=["briefing"])
    with_turns = attached(turns)
    return copilot.build_request(problem=state.problem, turns=turns[:-1], turn=turn, state=state, attached=with_turns)


def _is_over(claim: _Claim) -> bool:
    """Whether the turn has ended, by whoever holds it now."""
    return not Turn.objects.filter(pk=claim.turn_id, status__in=_LIVE).exists()


def _mine(claim: _Claim):
    return Turn.objects.filter(pk=claim.turn_id, epoch=claim.epoch, status=Turn.Status.RUNNING)


def _save_partial(claim: _Claim) -> bool:
    return bool(_mine(claim).update(answer="".join(claim.shown), heartbeat_at=timezone.now()))


def _finish(claim: _Claim, completion: Completion) -> bool:
    """Save the answer and apply its markers, in the one transaction that ends the turn. Return whether it has ended."""
    ended = _mine(claim).update(
        status=Turn.Status.DONE,
        raw_answer="".join(claim.raw),
        provider=completion.provider,
        model=completion.model,
        usage=asdict(completion.usage),
        fallback=completion.fallback[:300],
        sources=[asdict(source) for source in completion.sources],
        finished_at=timezone.now(),
    )
    if ended:
        apply_answer(Turn.objects.select_related("chat").get(pk=claim.turn_id))
        log.info("turn.finished turn=%s provider=%s", claim.turn_id, completion.provider)
    return bool(ended) or _is_over(claim)


def _give_back(claim: _Claim) -> None:
    """Let go of a turn, with what arrived of it. That its worker was told to stop is no claim that went wrong."""
    free = {"status": Turn.Status.QUEUED, "claims": F("claims") - 1, "answer": "".join(claim.shown)}
    _mine(claim).update(updated_at=timezone.now(), **free)
    announce(claim.chat_id)


def _keep_stopped(claim: _Claim) -> bool:
    """Keep what arrived after the last beat of a turn that a person stopped. Return whether it has ended."""
    stopped = Turn.objects.filter(pk=claim.turn_id, epoch=claim.epoch, status=Turn.Status.CANCELLED)
    kept = stopped.update(answer="".join(claim.shown), updated_at=timezone.now())
    announce(claim.chat_id)
    return bool(kept) or _is_over(claim)


def _fail(claim: _Claim, words: str, failure: str) -> bool:
    """End the turn with words. Return whether it has ended."""
    now, answer = timezone.now(), "".join(claim.shown)
    ended = {"status": Turn.Status.FAILED, "finished_at": now, "updated_at": now}
    failed = _mine(claim).update(answer=answer, error=words[:500], failure=failure, **ended)
    announce(claim.chat_id)
    return bool(failed) or _is_over(claim)


def _failure(error: UserError) -> Turn.Failure:
    if isinstance(error, CutShort):
        return error.failure
    return Turn.Failure.TOO_LONG if isinstance(error, Invalid) else Turn.Failure.UNAVAILABLE
