"""What is wrong with an installation: one finding for each thing it stands on, and what to do about it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.utils import timezone
from redis import Redis
from redis.exceptions import RedisError

from flowpilot import preflight
from flowpilot.accounts.models import Account
from flowpilot.accounts.owned import AccountOwned
from flowpilot.accounts.queries import accounts_with_people
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.sealing import is_newest, new_key, seal
from flowpilot.errors import UserError
from flowpilot.providers.ai.base import Message
from flowpilot.providers.ai.registry import GUIDED, PROVIDERS, make_provider
from flowpilot.rotating import rotate
from psa.models import PsaConnection
from psa.queries import connectwise_of

_CLOCKS_APART = 2.0  # seconds; sign-in codes bear thirty, but claims of turns only ten
_WAITS_LONG = 60  # seconds that a due job may wait for a worker


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was seen, and whether that is as it should be."""

    name: str
    text: str
    is_ok: bool = True


class Wrong(Exception):
    """Something is not as it should be; the text says what, and what to do."""


def examine(*, asks_outside: bool = False) -> Iterator[Finding]:
    """Look at everything, one after the other. `asks_outside` spends a word of AI for each key and calls each ConnectWise."""
    yield _look("database role", _database_role)
    away = _look("database", _database)
    if away.is_ok:
        for name, check in _IN_DATABASE.items():
            yield _look(name, check)
        yield _look("ConnectWise", partial(_connectwise, asks_outside))
    else:
        yield away
    yield _look("credential keys", _credential_keys)
    yield _look("relay and cache", _relay)
    for name in PROVIDERS:
        yield _look(f"AI: {PROVIDERS[name]}", partial(_ai, name, asks_outside))
    yield _look("AI: first asked", _first_asked)
    yield _look("static files", _static_files)


def _look(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, check())
    except (Wrong, preflight.NotReady, ImproperlyConfigured) as problem:
        return Finding(name, str(problem), is_ok=False)
    except DatabaseError as problem:
        reason = (str(problem).strip().splitlines() or ["no reason given"])[0]
        return Finding(name, f"the database does not answer this: {reason}", is_ok=False)


def _row(statement: str, *params: Any) -> tuple:
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)
        return cursor.fetchone() or ()


def _database_role() -> str:
    preflight.require_database()
    return f"{settings.DATABASE_APP_ROLE} is bound by row level security"


def _database() -> str:
    return f"answers, PostgreSQL {_row('SHOW server_version')[0]}"


def _migrations() -> str:
    preflight.require_migrated()
    return "none is missing"


def _policies() -> str:
    owned = {model._meta.db_table for model in apps.get_models() if issubclass(model, AccountOwned)}
    tables = sorted(owned | {Account._meta.db_table})
    found = _row(
        "SELECT coalesce(array_agg(c.relname::text), '{}') FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace "
        "AND c.relname = ANY(%s) AND c.relrowsecurity AND c.relforcerowsecurity "
        "AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)",
        tables,
    )[0]
    if missing := [table for table in tables if table not in found]:
        raise Wrong(
            f"no forced policy on {', '.join(missing)}: accounts can see each other there. Stop the web, run `./run migrate`, and `./run audit_rls`."
        )
    return f"forced on all {len(tables)} tables of accounts"


def _workers() -> str:
    gone = settings.WORKER_GONE_SECONDS
    living, last = _row(
        "SELECT count(*) FILTER (WHERE last_heartbeat > now() - make_interval(secs => %s)), "
        "extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers",
        gone,
    )
    if not living:
        seen = (
            f"the last was seen {last:.0f} s ago"
            if last is not None
            else "none was ever seen, or all were told to stop"
        )
        raise Wrong(f"no worker lives ({seen}): nothing is answered and nothing is posted. Start `./run worker`.")
    return f"{living} alive"


def _jobs() -> str:
    waiting, late, stalled, failed = _row(_COUNT_JOBS, _WAITS_LONG, settings.WORKER_GONE_SECONDS)
    seen = f"{waiting} waiting, {late} of them for over a minute, {stalled} stalled, {failed} failed in the last day"
    if stalled or late:
        raise Wrong(f"{seen}. A living worker takes these up by itself: look whether one runs, and at its log.")
    if failed:
        raise Wrong(f"{seen}. The worker's log says which and why.")
    return seen


def _clock() -> str:
    before = timezone.now()
    there = _row("SELECT clock_timestamp()")[0]
    apart = abs((there - before - (timezone.now() - before) / 2).total_seconds())
    if apart > _CLOCKS_APART:
        raise Wrong(f"the database is {apart:.1f} s away from this machine. Let both follow NTP.")
    return f"the database is {apart * 1000:.0f} ms away from this machine"


def _credentials() -> str:
    seals = rotate(is_dry_run=True)
    if seals.broken:
        raise Wrong(
            f"{len(seals.broken)} do not open. `./run rotate_keys --dry-run` names them; bring their key back or enter them again."
        )
    older = f", {seals.older} with an older one: `./run rotate_keys`" if seals.older else ""
    return f"{seals.newest} sealed with the newest key{older}"


def _credential_keys() -> str:
    bound_to = {"account_id": "doctor", "table": "doctor", "row_id": "doctor"}
    is_newest(seal(new_key(), **bound_to))
    return f"{len(settings.CREDENTIAL_KEYS)} in CREDENTIAL_KEYS" if settings.CREDENTIAL_KEYS else "this machine's own"


def _relay() -> str:
    if not settings.REDIS_URL:
        return "in memory: one process serves and works (`./run web --worker`)"
    host = urlsplit(settings.REDIS_URL).hostname
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=3, socket_connect_timeout=3) as redis:
            redis.ping()
    except (RedisError, ValueError) as error:
        raise Wrong(
            f"{host} of REDIS_URL does not answer ({type(error).__name__}). Answers are still kept, but nobody sees them come."
        ) from error
    return f"{host} answers"


def _ai(name: str, asks_outside: bool) -> str:
    key = getattr(settings, f"{name.upper()}_API_KEY")
    if not key:
        return "no key in the environment"
    if not asks_outside:
        return "a key is set (--ask tries it)"
    ask = make_provider(name, key, getattr(settings, f"{name.upper()}_BASE_URL")).generate_text
    model = settings.AI_MODELS[name]["fast"]
    messages = [Message("user", "Answer with the one word: ready")]
    try:
        async_to_sync(ask)(system_prompt="You answer with one word.", messages=messages, model=model, max_tokens=64)
    except UserError as error:
        raise Wrong(
            f"{model} did not answer: {error.message} Until it does, the next key or the guided engine answers."
        ) from error
    return f"{model} answers"


def _first_asked() -> str:
    wanted = settings.AI_PROVIDER
    keyed = [name for name in PROVIDERS if getattr(settings, f"{name.upper()}_API_KEY")]
    if wanted and wanted not in (GUIDED, *PROVIDERS):
        raise Wrong(f"AI_PROVIDER is {wanted}; it must be one of {', '.join((*PROVIDERS, GUIDED))}, or empty.")
    if wanted in PROVIDERS and wanted not in keyed:
        raise Wrong(
            f"AI_PROVIDER is {wanted}, which has no key here. Set {wanted.upper()}_API_KEY, or leave AI_PROVIDER empty."
        )
    if wanted == GUIDED or not keyed:
        return "the guided engine, where an account has no key of its own"
    return PROVIDERS[wanted or keyed[0]]


def _connectwise(asks_outside: bool) -> str:
    connected = [account_id for account_id in accounts_with_people() if _is_connected(account_id)]
    if not asks_outside:
        return f"{len(connected)} accounts are connected" + (" (--ask tries each)" if connected else "")
    silent = [f"{account_id}: {problem}" for account_id in connected if (problem := _problem_of(account_id))]
    if silent:
        raise Wrong(f"{len(silent)} of {len(connected)} do not answer. {' '.join(silent)}")
    return f"{len(connected)} of {len(connected)} answer"


def _is_connected(account_id) -> bool:
    with account_scope(account_id):
        return PsaConnection.objects.exists()


def _problem_of(account_id) -> str:
    try:
        connectwise_of(account_id).test()
    except UserError as error:
        return error.message
    return ""


def _static_files() -> str:
    built = getattr(staticfiles_storage, "hashed_files", None)
    if built is None:
        return "served as they are"
    wanted = {path for finder in get_finders() for path, _ in finder.list([])}
    if missing := wanted - set(built):
        raise Wrong(
            f"{len(missing)} of {len(wanted)} are not collected, so pages fail. Run `./run collectstatic --noinput`."
        )
    return f"all {len(wanted)} collected"


_IN_DATABASE: dict[str, Callable[[], str]] = {
    "migrations": _migrations,
    "policies": _policies,
    "workers": _workers,
    "jobs": _jobs,
    "clock": _clock,
    "sealed credentials": _credentials,
}

# Late: due for so many seconds, and not behind an earlier job of the same session.
_COUNT_JOBS = """
    WITH jobs AS (
        SELECT j.*, (SELECT min(e.at) FROM procrastinate_events e WHERE e.job_id = j.id) AS first_at,
            (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id) AS last_at
        FROM procrastinate_jobs j WHERE j.status IN ('todo', 'doing', 'failed')
    )
    SELECT count(*) FILTER (WHERE status = 'todo'),
        count(*) FILTER (WHERE status = 'todo' AND lock IS NULL
            AND coalesce(scheduled_at, first_at) < now() - make_interval(secs => %s)),
        count(*) FILTER (WHERE status = 'doing' AND NOT EXISTS (SELECT FROM procrastinate_workers w
            WHERE w.id = worker_id AND w.last_heartbeat > now() - make_interval(secs => %s))),
        count(*) FILTER (WHERE status = 'failed' AND last_at > now() - interval '1 day')
    FROM jobs
"""
