"""What the sidebar's badge costs: one count over a million drafts of a thousand accounts, as the app role under its policies."""

import statistics
import time
from typing import Any

import psycopg
from django.db import connection
from django.test.utils import CaptureQueriesContext
from psycopg.sql import SQL, Identifier

from flowpilot.accounts.scope import account_scope
from flowpilot.postgres import embedded
from flowpilot.testing.scratch import scratch_database
from sessions.queries.drafts import pending_count

_ACCOUNTS = "INSERT INTO accounts_account (id, name, created_at) SELECT gen_random_uuid(), 'Bench ' || n, now() FROM generate_series(1, %s) n"
_DRAFTS = (
    "INSERT INTO draft_templates (id, account_id, source_session_id, status, name, summary, language, tags, code, proposals, proposed_by, "
    "created_at, updated_at) SELECT gen_random_uuid(), a.id, gen_random_uuid(), CASE WHEN n %% 100 < %s THEN 'pending' ELSE 'promoted' END, "
    "'Script ' || n, '', 'powershell', '[]', 'Get-Date', '[]', 'rules', now(), now() FROM generate_series(1, %s) n, accounts_account a"
)

_KEYS = "SELECT conname FROM pg_constraint WHERE conrelid = 'draft_templates'::regclass AND contype = 'f'"


def add_arguments(parser):
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--drafts", type=int, default=1000, help="of each account")
    parser.add_argument("--pending", type=int, default=100, help="percent that wait for review")
    parser.add_argument("--times", type=int, default=500)


def run(*, accounts: int, drafts: int, pending: int, times: int, **options: Any) -> dict[str, Any]:
    """Return what one count costs the database and this process, on a database of their own."""
    with scratch_database() as server:
        with psycopg.connect(host=str(server.socket), user=embedded.OWNER, dbname=embedded.DATABASE) as owner:
            _fill(owner, accounts, drafts, pending)
            ids = [row[0] for row in owner.execute("SELECT id FROM accounts_account ORDER BY id LIMIT 50").fetchall()]
        with psycopg.connect(
            host=str(server.socket), user=embedded.OWNER, dbname=embedded.DATABASE, autocommit=True
        ) as owner:
            owner.execute("VACUUM ANALYZE draft_templates")
        return {"drafts": accounts * drafts, "accounts": accounts, **_measure(ids, times)}


def _fill(owner: psycopg.Connection, accounts: int, drafts: int, pending: int) -> None:
    for name in owner.execute(_KEYS).fetchall():  # drafts without their sessions serve here
        owner.execute(SQL("ALTER TABLE draft_templates DROP CONSTRAINT {}").format(Identifier(name[0])))
    owner.execute(_ACCOUNTS, [accounts])
    owner.execute(_DRAFTS, [pending, drafts])


def _measure(ids: list, times: int) -> dict[str, Any]:
    spent, planned, counted, queries = [], [], 0, 0
    for at in range(times):
        with account_scope(ids[at % len(ids)]):
            with CaptureQueriesContext(connection) as captured:
                began = time.perf_counter()
                counted = pending_count()
                spent.append((time.perf_counter() - began) * 1000)
            queries = len(captured)
            if at < 50:
                planned.append(_explained(captured[0]["sql"]))
    return {
        "queries": queries,
        "counted": counted,
        "database_ms_median": round(statistics.median(planned), 3),
        "database_ms_max": round(max(planned), 3),
        "round_trip_ms_median": round(statistics.median(spent), 3),
        "round_trip_ms_p95": round(sorted(spent)[int(len(spent) * 0.95)], 3),
    }


def _explained(sql: str) -> float:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        return cursor.fetchone()[0][0]["Execution Time"]
