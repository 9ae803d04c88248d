"""What we know of ConnectWise, and since when: asked for afresh, kept, and shown with its age when ConnectWise cannot be reached.

Nobody waits longer than PATIENCE for a page. A question that takes longer goes on by itself, and what it brings is kept for the next time.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from threading import Lock
from uuid import UUID

from django.utils import timezone

from flowpilot.accounts.caching import Shelf
from flowpilot.accounts.scope import refuse_open_transaction
from flowpilot.errors import Unavailable

FRESH_SECONDS = 600  # for what hardly changes: boards, statuses, people
KEPT_SECONDS = 86_400  # for the day that ConnectWise is down
PATIENCE = 2.5  # seconds that a page waits for ConnectWise, over all its calls
JUST_NOW = 5  # seconds in which a piece takes what its page has begun to ask for
_AT_ONCE = 8  # questions of one account; the client itself lets four through
_ONE_REFRESH_IN = 15  # seconds
_lock = Lock()
_running: dict[tuple[UUID, str], tuple[object, Future]] = {}


@dataclass(frozen=True)
class Known[T]:
    """An answer with the moment it was given. `error` says why it is no fresher, where ConnectWise could not be reached."""

    value: T
    at: datetime
    error: Unavailable | None = None
    is_doubted: bool = False  # something was written since: good enough only while ConnectWise cannot be reached


def ask[T](account_id: UUID, key: str, question: Callable[[], T], *, fresh_seconds: float = 0) -> Known[T]:
    """Ask now; where ConnectWise cannot be reached, return what it said last.

    What it said within `fresh_seconds` is not asked again. Raises NotFound, Refused, or Unavailable when nothing is kept.
    """
    kept: Known[T] | None = peek(account_id, key) if fresh_seconds else None
    if kept is not None and not kept.is_doubted and _age(kept) < fresh_seconds:
        return kept
    return ask_all(account_id, {key: question})[key]


def ask_all[T](account_id: UUID, questions: Mapping[str, Callable[[], T]]) -> dict[str, Known[T]]:
    """Ask several questions side by side, as `ask` does with one."""
    refuse_open_transaction()
    begun = timezone.now()
    running = {key: begin(account_id, key, question) for key, question in questions.items()}
    return {key: _wait(account_id, key, future, begun) for key, future in running.items()}


def recall[T](account_id: UUID, key: str, question: Callable[[], T]) -> T:
    """Return a look-up: at once when it is known, refreshed behind the page's back once it is ten minutes old."""
    return recall_all(account_id, {key: question})[key]


def recall_all[T](account_id: UUID, questions: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    """Return several look-ups; those that are not known are asked for side by side. Raises what the first failure raised."""
    shelf, found = Shelf(account_id), {}
    for key in questions:
        kept: Known | None = shelf.get(key)
        if kept is None:
            continue
        found[key] = kept.value
        if (kept.is_doubted or _age(kept) > FRESH_SECONDS) and shelf.claim(f"{key}:refresh", seconds=_ONE_REFRESH_IN):
            begin(account_id, key, questions[key])
    missing = {key: question for key, question in questions.items() if key not in found}
    if missing:
        found |= {key: known.value for key, known in ask_all(account_id, missing).items()}
    return {key: found[key] for key in questions}


def peek(account_id: UUID, key: str) -> Known | None:
    """Return what is known under a key without asking anybody."""
    return Shelf(account_id).get(key)


def learn(account_id: UUID, key: str, value: object) -> None:
    """Keep what ConnectWise said on another occasion, such as after a change."""
    Shelf(account_id).set(key, Known(value, timezone.now()), seconds=KEPT_SECONDS)


def doubt(account_id: UUID, key: str) -> None:
    """Have something asked afresh: it was changed. What is being asked may be older than the change."""
    with _lock:
        _running.pop((account_id, key), None)
    kept = peek(account_id, key)
    if kept is not None:
        Shelf(account_id).set(key, replace(kept, is_doubted=True), seconds=KEPT_SECONDS)


def begin[T](account_id: UUID, key: str, question: Callable[[], T]) -> Future[T]:
    """Ask in a thread that touches no database, and keep the answer even when nobody waits for it any longer.

    Whoever asks the same while it runs gets the same answer.
    """
    with _lock:
        if (account_id, key) not in _running:
            mark = object()
            _running[account_id, key] = (mark, _threads(account_id).submit(_answer, account_id, key, question, mark))
        return _running[account_id, key][1]


def _answer[T](account_id: UUID, key: str, question: Callable[[], T], mark: object) -> T:
    try:
        answer = question()
        if _is_wanted(account_id, key, mark):
            learn(account_id, key, answer)
        return answer
    finally:
        with _lock:
            if _running.get((account_id, key), (None,))[0] is mark:
                del _running[account_id, key]


def _is_wanted(account_id: UUID, key: str, mark: object) -> bool:
    with _lock:
        return _running.get((account_id, key), (None,))[0] is mark


def _wait[T](account_id: UUID, key: str, future: Future[T], begun: datetime) -> Known[T]:
    left = PATIENCE - (timezone.now() - begun).total_seconds()
    try:
        return Known(future.result(timeout=max(0.0, left)), timezone.now())
    except TooSlow:
        error = Unavailable("ConnectWise is slow right now. Try again in a minute.")
    except Unavailable as failure:
        error = failure
    kept: Known[T] | None = peek(account_id, key)
    if kept is None:
        raise error
    return Known(kept.value, kept.at, error)


def _age(kept: Known) -> float:
    return (timezone.now() - kept.at).total_seconds()


@lru_cache(maxsize=512)
def _threads(account_id: UUID) -> ThreadPoolExecutor:
    """One small pool an account, so that a ConnectWise that hangs holds up nobody else."""
    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix=f"psa-{account_id}")
