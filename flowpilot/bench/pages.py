"""What pages cost at a million sessions against ten thousand: the same account, the same person, through the whole stack as the app role.

Two databases of their own are filled (flowpilot/testing/seeding.py) and asked in turn, so that a busy machine slows both alike. In both the
largest account holds a tenth of all sessions, over the same two years: `growth` is what a hundred times as much costs, in all and in the account.
`queries` must be the same in both. The databases are gone afterwards, unless `--keep` names a folder for them.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.models import Model
from django.test import Client
from django.test.utils import override_settings
from psycopg import Connection

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.services import open_account
from flowpilot.postgres import embedded
from flowpilot.providers.models import AiCall
from flowpilot.testing.scratch import scratch_database
from flowpilot.testing.seeding import SPOKEN, Patterns, Size, seed
from sessions.models import ChatDocument, ChatSession, SessionFact, SuggestedFix, Turn

_PEOPLE = 20
_HTMX = {"HX-Request": "true"}


def add_arguments(parser) -> None:
    """Take how much there is, and how often it is asked for."""
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--against", type=int, default=10_000, help="sessions of the smaller database")
    parser.add_argument("--facts", type=int, default=10, help="of each session")
    parser.add_argument("--accounts", type=int, default=1_000)
    parser.add_argument("--share", type=int, default=10, help="percent of all sessions that the largest account holds")
    parser.add_argument("--rounds", type=int, default=60, help="how often each page is asked for, of each database")
    parser.add_argument(
        "--keep", type=Path, default=None, help="a folder to keep the databases in, and to find them in"
    )


def run(
    *,
    sessions: int,
    against: int,
    facts: int,
    accounts: int,
    share: int,
    rounds: int,
    keep: Path | None = None,
    **_: object,
) -> dict[str, Any]:
    """Return what each page costs: queries, milliseconds, and its time over its time in the smaller database."""
    with ExitStack() as stack:
        stack.enter_context(override_settings(LOGGING_CONFIG=None))
        small, large = (
            stack.enter_context(_database(Size(size, facts, accounts, share), keep and keep / name))
            for name, size in (("small", against), ("large", sessions))
        )
        pages = measure(small, large, rounds)
    size = {"sessions": sessions, "facts": sessions * facts, "accounts": accounts, "share": share, "against": against}
    return {**size, "seconds_to_fill": large.seconds, **pages}


@dataclass
class Database:
    """One of the two: how it is reached, who asks, and what there is to ask for."""

    wrapper: BaseDatabaseWrapper
    seconds: int = 0
    client: Client = field(init=False)
    chats: list[UUID] = field(init=False)

    def use(self) -> None:
        """Make it the one that this process asks."""
        connections["default"] = self.wrapper

    def get_ready(self) -> None:
        """Sign somebody of the largest account in, and choose sessions to open: open ones and ended ones."""
        self.use()
        person = User.objects.get(email="bench-0@example.com", account__isnull=False)
        self.client = Client(headers={"host": "localhost"})
        self.client.force_login(person)
        assert person.account_id
        with account_scope(person.account_id):
            chats = ChatSession.objects.exclude(title="Pattern").order_by("id")
            some = [chats.filter(status=status).values_list("id", flat=True)[:10] for status in ("active", "resolved")]
            self.chats = [chat_id for ids in some for chat_id in ids]


@contextmanager
def _database(size: Size, kept: Path | None) -> Iterator[Database]:
    usual = connections["default"]
    with scratch_database(kept) as server:
        own = {**connections.settings["default"], "OPTIONS": {}}
        database = Database(DatabaseWrapper(own, "default"))
        database.use()
        if not User.objects.filter(email="bench-0@example.com").exists():
            began = time.monotonic()
            with server.connect(dbname=embedded.DATABASE) as superuser:
                fill(superuser, size)
            database.seconds = round(time.monotonic() - began)
        database.get_ready()
        try:
            yield database
        finally:
            database.wrapper.close()
            connections["default"] = usual


def fill(superuser: Connection, size: Size) -> None:
    """Make the largest account with its people, and all that `size` says."""
    account = open_account(name="Bench")
    with account_scope(account.id):
        people = [
            User.objects.create_user(f"bench-{number}@example.com", None, account=account, name=f"Bench {number}")
            for number in range(_PEOPLE)
        ]
        chat = ChatSession.objects.create(title="Pattern", status="archived")
        rows: dict[type[Model], UUID] = {
            ChatSession: chat.pk,
            SessionFact: SessionFact.objects.create(chat=chat, text="Pattern", source_type="hand").pk,
            Turn: Turn.objects.create(chat=chat, number=1, client_key=chat.pk, text="Pattern").pk,
            SuggestedFix: SuggestedFix.objects.create(chat=chat, title="Pattern", steps=["One"], confidence=80).pk,
            AiCall: AiCall.objects.create(
                service="chat", provider="anthropic", model="bench", outcome="done", cost_micros=9, month="2020-01-01"
            ).pk,
            ChatDocument: ChatDocument.objects.get(chat=chat).pk,
        }
    seed(superuser, size, Patterns(account.id, [person.pk for person in people], rows))


def _pages(chance: random.Random) -> dict[str, Callable[[Database], Any]]:
    """Return how each page is asked for."""

    def words(count: int) -> str:
        return " ".join(chance.sample(SPOKEN, count))

    def get(path: str, **query: str):
        return lambda db: db.client.get(path, query)

    return {
        "home": get("/"),
        "session": lambda db: db.client.get(f"/pilot/{chance.choice(db.chats)}"),
        "resolution": lambda db: db.client.get(f"/pilot/{chance.choice(db.chats)}/resolution"),
        "list": get("/pilot/"),
        "list_of_mine": get("/pilot/", who="mine"),
        "list_of_active": get("/pilot/", show="active"),
        "list_of_a_company": lambda db: db.client.get("/pilot/", {"company": f"Company {chance.randrange(40)}"}),
        "search": lambda db: db.client.get("/pilot/", {"q": words(1)}, headers=_HTMX),
        "search_two_words": lambda db: db.client.get("/pilot/", {"q": words(2)}, headers=_HTMX),
        "search_typing": lambda db: db.client.get("/pilot/", {"q": f"{words(1)} ter"}, headers=_HTMX),
        "search_nothing": lambda db: db.client.get("/pilot/", {"q": "zebra unicorn"}, headers=_HTMX),
        "similar": lambda db: db.client.post("/pilot/similar", {"text": words(6)}, headers=_HTMX),
        "similar_here": lambda db: db.client.post(f"/pilot/{db.chats[0]}/similar", {"text": words(6)}, headers=_HTMX),
    }


@dataclass
class _Seen:
    """What the askings of one page took, in one database."""

    ms: list[float] = field(default_factory=list)
    sql_ms: list[float] = field(default_factory=list)
    queries: set[int] = field(default_factory=set)


def measure(small: Database, large: Database, rounds: int) -> dict[str, Any]:
    """Ask for each page in both databases, in turn, and return its figures."""
    both = (small, large)
    chances = {id(each): random.Random(7) for each in both}  # noqa: S311  the same questions to both
    kinds = {id(each): _pages(chances[id(each)]) for each in both}
    seen: dict[str, dict[int, _Seen]] = {name: {id(each): _Seen() for each in both} for name in kinds[id(small)]}
    for turn in range(rounds + 2):  # the first two compile templates and fill caches
        for name in seen:
            for each in both if turn % 2 else reversed(both):
                _ask(each, kinds[id(each)][name], seen[name][id(each)], is_counted=turn >= 2)
    return {name: _figures(of[id(small)], of[id(large)]) for name, of in seen.items()}


def _ask(database: Database, page: Callable[[Database], Any], seen: _Seen, *, is_counted: bool) -> None:
    database.use()
    spent: list[float] = []

    def timed(execute, *args):
        began = time.perf_counter()
        try:
            return execute(*args)
        finally:
            spent.append((time.perf_counter() - began) * 1000)

    with database.wrapper.execute_wrapper(timed):
        began = time.perf_counter()
        response = page(database)
        took = (time.perf_counter() - began) * 1000
    if response.status_code != 200:
        raise RuntimeError(f"{response.request['PATH_INFO']} answered {response.status_code}")
    if is_counted:
        seen.ms.append(took)
        seen.sql_ms.append(sum(spent))
        seen.queries.add(len(spent))


def _figures(small: _Seen, large: _Seen) -> dict[str, Any]:
    """Return a page's figures; the median of what each round's pair took bears a busy machine best."""
    pairs = [after / before for before, after in zip(small.ms, large.ms, strict=True)]
    return {
        "queries": max(large.queries),
        "queries_before": max(small.queries),
        "ms": round(statistics.median(large.ms), 1),
        "sql_ms": round(statistics.median(large.sql_ms), 2),
        "sql_ms_before": round(statistics.median(small.sql_ms), 2),
        "growth": round(statistics.median(pairs), 2),
    }
