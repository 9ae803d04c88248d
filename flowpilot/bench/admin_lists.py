"""What a page of the admin's lists costs: the first, a filtered one, a search, for one account with a million turns and as many posts."""

import statistics
import time
from typing import Any
from uuid import uuid4

import psycopg
from django.test import Client
from psycopg.sql import SQL, Identifier

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.services import open_account
from flowpilot.postgres import embedded
from flowpilot.testing.scratch import scratch_database
from sessions.models import ChatSession

_TURNS = (
    "INSERT INTO ai_turns (id, account_id, chat_id, number, kind, client_key, text, briefing, answer, raw_answer, status, provider, model, "
    "usage, fallback, sources, error, failure, epoch, created_at, updated_at) SELECT gen_random_uuid(), %(account)s, %(chat)s, n, 'message', "
    "gen_random_uuid(), 'It hums.', '', repeat('Replace the fan. ', 20), '', CASE WHEN n %% 1000 = 0 THEN 'failed' ELSE 'done' END, 'anthropic', "
    "'claude', '{}', '', '[]', '', '', 0, now() - n * interval '1 second', now() FROM generate_series(1, %(rows)s) n"
)
_POSTS = (
    "INSERT INTO psa_psapost (id, account_id, kind, ticket_id, position, idempotency_key, reference, payload, state, attempts, epoch, "
    "external_id, error, created_at, updated_at) SELECT gen_random_uuid(), %(account)s, 'note', n %% 50000, 0, n::text, n::text, '{}', "
    "CASE WHEN n %% 1000 = 0 THEN 'rejected' ELSE 'sent' END, 1, 0, '', '', now() - n * interval '1 second', now() FROM generate_series(1, %(rows)s) n"
)
_KEYS = "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'"
PAGES = {
    "turns": "/admin/chat_sessions/turn/",
    "turns_page_100": "/admin/chat_sessions/turn/?p=100",
    "turns_failed": "/admin/chat_sessions/turn/?status__exact=failed",
    "turns_of_a_session": "/admin/chat_sessions/turn/?chat={chat}",
    "posts": "/admin/psa/psapost/",
    "posts_rejected": "/admin/psa/psapost/?state__exact=rejected",
    "posts_of_a_ticket": "/admin/psa/psapost/?q=4711",
}


def add_arguments(parser):
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=20)


def run(*, rows: int, times: int, **options: Any) -> dict[str, Any]:
    """Return the median and the slowest of each page in milliseconds, on a database of its own, as the app role."""
    with scratch_database() as server:
        account = open_account(name="Bench")
        with account_scope(account.id):
            owner = User.objects.create_user(
                "owner@bench.example", uuid4().hex, account=account, name="B", role="owner"
            )
            chat = ChatSession.objects.create(title="Bench", owner=owner)
        at = {"host": str(server.socket), "user": embedded.OWNER, "dbname": embedded.DATABASE}
        with psycopg.connect(**at, autocommit=True) as database:  # type: ignore[arg-type]
            _without_triggers(database)
            for statement in (_TURNS, _POSTS):
                database.execute(statement, {"account": account.id, "chat": chat.id, "rows": rows})
            database.execute("VACUUM ANALYZE")
        client = Client(SERVER_NAME="localhost")
        client.force_login(owner)
        return {"rows": rows, **{name: _time(client, path.format(chat=chat.id), times) for name, path in PAGES.items()}}


def _without_triggers(database: psycopg.Connection) -> None:
    """Let rows in by themselves: what they point at, and what a session's past keeps of them, serves nobody here."""
    for table in ("ai_turns", "psa_psapost"):
        database.execute(SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(Identifier(table)))
        for (name,) in database.execute(_KEYS, [table]).fetchall():
            database.execute(SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(Identifier(table), Identifier(name)))


def _time(client: Client, path: str, times: int) -> dict[str, float]:
    spent = []
    for _ in range(times + 1):
        began = time.perf_counter()
        reply = client.get(path)
        spent.append((time.perf_counter() - began) * 1000)
        if reply.status_code != 200:
            raise RuntimeError(f"{path} answered {reply.status_code}")
    warm = spent[1:]
    return {"median_ms": round(statistics.median(warm), 1), "max_ms": round(max(warm), 1)}
