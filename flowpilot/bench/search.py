"""Searching an account of 100,000 sessions: by words, as they are typed, and for similar ones."""

import random
import re
import statistics
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.db import connection
from django.test.utils import CaptureQueriesContext

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.services import open_account
from flowpilot.testing.scratch import scratch_database
from flowpilot.testing.seeding import SPOKEN, WORDS
from sessions.models import ChatSession
from sessions.queries import ListFilter, list_chats, similar

_SEED = """
    INSERT INTO ai_sessions
    SELECT (jsonb_populate_record(pattern, jsonb_build_object(
        'id', gen_random_uuid(), 'title', picked.words, 'problem', picked.more || ' host-' || number || ' case ' || md5(number::text),
        'ticket_summary', picked.words, 'ticket_company', 'Company ' || number %% 300,
        'created_at', now() - number * interval '1 minute'))).*
    FROM generate_series(1, %(size)s) AS number
    CROSS JOIN LATERAL (
        SELECT string_agg(word, ' ') FILTER (WHERE place <= 5), string_agg(word, ' ') FILTER (WHERE place > 5)
        FROM (SELECT (%(words)s::text[])[1 + floor(power(random(), 2) * %(count)s)::int] AS word, place
              FROM generate_series(1, 15 + number * 0) AS place) spoken
    ) AS picked (words, more)
    CROSS JOIN (SELECT pattern FROM ai_sessions pattern WHERE id = %(pattern)s) AS patterns (pattern)
"""


def add_arguments(parser):
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=200)


def run(*, sessions: int, rounds: int, **options: Any) -> dict[str, Any]:
    """Return the median and the worst-but-five-percent milliseconds of each kind of search, on a database of its own."""
    with scratch_database() as server:
        return measure(sessions=sessions, rounds=rounds, vacuum=lambda: server_vacuum(server))


def server_vacuum(server) -> None:
    """Let the server tidy up and count, as it does by itself after a while."""
    with server.connect(dbname=str(connection.settings_dict["NAME"])) as owner:
        owner.execute("VACUUM ANALYZE")


def measure(*, sessions: int, rounds: int, vacuum: Callable[[], None]) -> dict[str, Any]:
    """Fill an account on the database at hand, beside another, and search it."""
    chance, account = random.Random(1), open_account(name="Bench", account_id=uuid4())  # noqa: S311
    with account_scope(account.id):
        person = User.objects.create_user(f"{uuid4()}@bench.example", "unused", account=account, name="B. Ench")
        with connection.cursor() as cursor:
            pattern = ChatSession.objects.create(title="Pattern", owner=person, status="resolved")
            values = {
                "pattern": pattern.pk,
                "size": sessions,
                "words": WORDS,
                "count": len(WORDS),
            }
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute(_SEED, values)
    vacuum()
    kinds: dict[str, Callable[[], Any]] = {
        "one_word": lambda: list_chats(ListFilter(text=chance.choice(SPOKEN)), person),
        "rare": lambda: list_chats(ListFilter(text=f"host-{chance.randint(1, sessions)}"), person),
        "two_words": lambda: list_chats(ListFilter(text=" ".join(chance.sample(SPOKEN, 2))), person),
        "three_words": lambda: list_chats(ListFilter(text=" ".join(chance.sample(SPOKEN, 3))), person),
        "typing": lambda: list_chats(ListFilter(text=" ".join([*chance.sample(SPOKEN, 1), "host"])), person),
        "list": lambda: list_chats(ListFilter(), person),
        "similar": lambda: similar(" ".join(chance.sample(SPOKEN, 6))),
    }
    figures: dict[str, Any] = {"sessions": sessions}
    with account_scope(account.id):
        for kind, work in kinds.items():
            times = [_time(work) for _ in range(rounds)]
            figures[f"{kind}_ms"] = round(statistics.median(whole for whole, _ in times), 2)
            figures[f"{kind}_sql_ms"] = round(statistics.median(search for _, search in times), 2)
            figures[f"{kind}_sql_p95_ms"] = round(sorted(search for _, search in times)[int(rounds * 0.95)], 2)
    return figures


def _time(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the milliseconds that a piece of work took, and those that its search itself takes in the database."""
    with CaptureQueriesContext(connection) as asked:
        start = time.perf_counter()
        work()
        whole = (time.perf_counter() - start) * 1000
    searches = [
        query["sql"]
        for query in asked
        if re.search(r'FROM "session_(search|newest)"', query["sql"])
        or '"ai_sessions"."updated_at" DESC' in query["sql"]
    ]
    with connection.cursor() as cursor:
        return whole, sum(_executed(cursor, search) for search in searches)


def _executed(cursor, statement: str) -> float:
    cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.replace('%', '%%')}")
    plan = cursor.fetchone()[0][0]
    return plan["Planning Time"] + plan["Execution Time"]
