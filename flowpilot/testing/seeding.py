"""Filling a database with sessions by the million: set-based, with triggers and indexes off while rows come in.

The largest account holds a share of them all, the others what is left. Words are spoken as unevenly as people speak them. What triggers write
beside a session is written here as well, but for its past (`session_changes`), which no page but its own reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Model
from psycopg import Connection
from psycopg.sql import SQL, Composable, Identifier

from flowpilot.providers.models import AiCall
from sessions.models import ChatDocument, ChatSession, SessionFact, SuggestedFix, Turn

_SPOKEN = (
    "outlook password printer offline vpn drops network slow laptop screen teams signs mailbox shared calendar backup failed disk full "
    "account locked wifi meeting room certificate expired gateway spooler driver update reboot token profile onedrive sync error dock"
)
SPOKEN = _SPOKEN.split()  # the words that are spoken most
WORDS = [*SPOKEN, *(f"term{number}" for number in range(1_500))]
_YEARS = 2  # over which the sessions were started, whatever their number
_FILLED = (ChatSession, SessionFact, SuggestedFix, Turn, AiCall, ChatDocument)

# Asking for `nth` in a sub-select makes it be evaluated for each row.
_SAID = (
    "(SELECT string_agg((%(words)s::text[])[1 + floor(power(random(), 2) * %(count)s)::int], ' ') "
    "FROM generate_series(1, {} + 0 * nth::int))"
)
_SESSION = {
    "id": "gen_random_uuid()",
    "account_id": "CASE WHEN nth %% 100 < %(share)s THEN %(account)s ELSE (%(others)s::uuid[])[1 + nth %% %(other_count)s] END",
    "owner_id": "CASE WHEN nth %% 100 < %(share)s THEN (%(people)s::uuid[])[1 + floor(random() * %(person_count)s)::int] END",
    "title": _SAID.format(5),
    "ticket_summary": _SAID.format(5),
    "problem": f"{_SAID.format(10)} || ' host-' || nth",
    "ticket_company": "'Company ' || floor(random() * 40)::int",
    "ticket_id": "nth",
    "status": "CASE WHEN nth %% 19 = 0 THEN 'active' WHEN nth %% 13 = 0 THEN 'escalated' ELSE 'resolved' END",
    "created_at": "now() - nth * %(apart)s * interval '1 second'",
    "updated_at": "now() - nth * %(apart)s * interval '1 second' + least(nth * %(apart)s, 3600) * interval '1 second'",
    "resolved_at": "CASE WHEN nth %% 19 <> 0 AND nth %% 13 <> 0 THEN now() - nth * %(apart)s * interval '1 second' + least(nth * %(apart)s, 3600) * interval '1 second' END",
}
_OF_A_SESSION: Mapping[type[Model], tuple[dict[str, str], str]] = {
    SessionFact: (
        {
            "text": "'Found term' || floor(random() * 1500)::int || ' and term' || floor(random() * 1500)::int || ' on host-' || chat.ticket_id",
            "created_at": "chat.created_at + nth * interval '1 second'",
            "updated_at": "chat.created_at + nth * interval '1 second'",
        },
        "generate_series(1, %(facts)s)",
    ),
    Turn: (
        {
            "number": "nth",
            "client_key": "gen_random_uuid()",
            "text": "chat.title",
            "answer": "repeat('Check **the profile** and note what it says. ', 12)",
            "status": "'done'",
            "created_at": "chat.created_at",
            "updated_at": "chat.created_at",
        },
        "generate_series(1, 2)",
    ),
    SuggestedFix: (
        {
            "title": "chat.ticket_summary",
            "outcome": "CASE WHEN chat.status <> 'active' THEN 'success' WHEN random() < 0.2 THEN 'waiting' ELSE 'none' END",
            "created_at": "chat.created_at",
            "updated_at": "chat.updated_at",
        },
        "generate_series(1, 1)",
    ),
    AiCall: (
        {"chat_id": "chat.id", "created_at": "chat.created_at", "month": "date_trunc('month', chat.created_at)::date"},
        "generate_series(1, 2)",
    ),
    ChatDocument: (
        {
            "started_at": "chat.created_at",
            "words": (
                "setweight(to_tsvector('english', concat_ws(' ', chat.title, chat.ticket_summary, chat.ticket_company, chat.problem)), 'A') || "
                "setweight(to_tsvector('english', (SELECT string_agg(text, ' ') FROM session_facts WHERE chat_id = chat.id)), 'B') || "
                "setweight(to_tsvector('english', chat.title || ' Check the profile and note what it says.'), 'C')"
            ),
            "created_at": "chat.created_at",
            "updated_at": "chat.created_at",
        },
        "generate_series(1, 1)",
    ),
}


@dataclass(frozen=True)
class Size:
    """How much there is. `share` is the percentage of all sessions that the largest account holds."""

    sessions: int
    facts: int  # of each session
    accounts: int
    share: int = 10


@dataclass(frozen=True)
class Patterns:
    """A row of each kind, made by the product itself: its columns serve where nothing else is said."""

    account: UUID
    people: list[UUID]
    rows: dict[type[Model], UUID] = field(default_factory=dict)


def seed(superuser: Connection, size: Size, patterns: Patterns) -> None:
    """Fill the database. The connection is a superuser's with autocommit on, because triggers and keys are to stay silent."""
    superuser.execute("SET session_replication_role = replica")
    superuser.execute("SET maintenance_work_mem = '1GB'")
    superuser.execute("SELECT setseed(0.5)")
    tables = [model._meta.db_table for model in _FILLED]
    superuser.execute(
        "UPDATE pg_index SET indisready = false WHERE indrelid = ANY (%s::text[]::regclass[]) "
        "AND pg_get_indexdef(indexrelid) NOT LIKE '%%session_facts USING btree (chat_id)'",  # by which documents are made
        [tables],
    )
    values = _values(superuser, size, patterns)
    _fill(superuser, ChatSession, patterns, _SESSION, "generate_series(1, %(sessions)s) AS nth", values)
    superuser.execute("ANALYZE ai_sessions")
    for model, (given, each) in _OF_A_SESSION.items():
        of_chat = {"id": "gen_random_uuid()", "account_id": "chat.account_id", "chat_id": "chat.id", **given}
        source = f"ai_sessions AS chat CROSS JOIN {each} AS nth"
        _fill(superuser, model, patterns, of_chat, f"{source} WHERE chat.id <> %(chat)s", values)
    for table in tables:
        superuser.execute(SQL("REINDEX TABLE {}").format(Identifier(table)))
    superuser.execute("SET session_replication_role = DEFAULT")
    superuser.execute("VACUUM ANALYZE")


def _values(superuser: Connection, size: Size, patterns: Patterns) -> dict[str, Any]:
    made = superuser.execute(
        "INSERT INTO accounts_account (id, name, created_at) SELECT gen_random_uuid(), 'Bench ' || number, now() "
        "FROM generate_series(2, greatest(%s, 2)) AS number RETURNING id",
        [size.accounts],
    )
    others = [row[0] for row in made.fetchall()]
    return {
        "account": patterns.account,
        "people": patterns.people,
        "person_count": len(patterns.people),
        "others": others,
        "other_count": len(others),
        "share": size.share,
        "sessions": size.sessions,
        "facts": size.facts,
        "words": WORDS,
        "count": len(WORDS),
        "apart": _YEARS * 365 * 86_400 / size.sessions,
        "chat": patterns.rows[ChatSession],
    }


def _fill(
    superuser: Connection,
    model: type[Model],
    patterns: Patterns,
    given: dict[str, str],
    source: str,
    values: Mapping[str, Any],
) -> None:
    columns = [each.column for each in model._meta.concrete_fields]
    taken: list[Composable] = [
        SQL(f"({given[each]})") if each in given else SQL("pattern.{}").format(Identifier(each)) for each in columns
    ]
    statement = SQL(
        "INSERT INTO {table} ({columns}) SELECT {taken} FROM (SELECT * FROM {table} WHERE id = %(pattern)s) AS pattern, {source}"
    )
    whole = statement.format(
        table=Identifier(model._meta.db_table),
        columns=SQL(", ").join(map(Identifier, columns)),
        taken=SQL(", ").join(taken),
        source=SQL(source),
    )
    superuser.execute(whole, {**values, "pattern": patterns.rows[model]})
