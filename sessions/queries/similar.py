"""Past sessions like the one at hand: same company and configuration first, with what came of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db import connection
from django.db.models import Case, DateTimeField, ExpressionWrapper, F, QuerySet, Value, When

from sessions.lane import Item
from sessions.models import ChatSearch, ChatSession, SessionFact, SuggestedFix
from sessions.queries._ready import ready
from sessions.queries.listing import fetch
from sessions.queries.search import every, newest

_LONGEST_TEXT = 2_000  # characters that are compared
_MOST_WORDS = 6  # the longest words tell most
_SHORTEST_TEXT = 8  # characters; before that nothing is alike yet
_MOST_RANKED = 60  # sessions that are ranked, of those that share words
_OF_THE_COMPANY = 150  # its latest sessions, which are looked at one by one
_WORD = re.compile(r"\w{3,}")

# Newest first, in a way that no index on the time serves: few sessions share several words, so their own index is the one to use.
_NEWEST_FIRST = ExpressionWrapper(F("started_at") + Value(timedelta(0)), output_field=DateTimeField()).desc()


@dataclass(frozen=True)
class Similar:
    """A past session, what fixed it or was tried, and the checks that were made in it."""

    chat: ChatSession
    fix: SuggestedFix | None
    checks: list[Item]
    is_same_company: bool
    is_same_device: bool

    @property
    def has_worked(self) -> bool:
        return self.fix is not None and self.fix.outcome == SuggestedFix.Outcome.SUCCESS


@dataclass(frozen=True)
class _Found:
    chat_id: UUID
    rank: float
    is_same_company: bool
    is_same_device: bool

    @property
    def score(self) -> tuple[bool, bool, float]:
        return self.is_same_company, self.is_same_device, self.rank


def similar(text: str, *, chat: ChatSession | None = None, limit: int = 4) -> list[Similar]:
    """Return sessions that share words with a text, and with the session it is written in."""
    whole = " ".join(part for part in (text, chat.title if chat else "", chat.problem if chat else "") if part)
    words = _telling_words(whole[:_LONGEST_TEXT]) if len(whole.strip()) >= _SHORTEST_TEXT else []
    if not words:
        return []
    found = _rank(words, chat, limit)
    best = sorted(found, key=lambda each: each.score, reverse=True)[:limit]
    return _with_outcomes(best)


def _telling_words(text: str) -> list[str]:
    """Return the stems of the longest words, without the language's empty ones."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tsvector_to_array(to_tsvector('english', %s))", [" ".join(_WORD.findall(text))])
        stems = cursor.fetchone()[0]
    return sorted((stem for stem in stems if stem.isalnum()), key=lambda stem: (-len(stem), stem))[:_MOST_WORDS]


def _rank(words: Sequence[str], chat: ChatSession | None, fewest: int) -> list[_Found]:
    """Rank sessions with some of the words together: the newest, and the latest of the same company; all, where those are too few."""
    company, devices = (chat.ticket_company, _devices(chat)) if chat else ("", None)
    rank = SearchRank(F("words"), SearchQuery(" | ".join(words), config="simple", search_type="raw"))

    def read(rows: QuerySet) -> list[_Found]:
        ranked = (rows.exclude(id=chat.pk) if chat else rows).annotate(rank=rank)
        if devices:
            ranked = ranked.annotate(device=Case(When(words=devices, then=Value(1)), default=Value(0)))
        fields = ["id", "rank", "ticket_company", *(["device"] if devices else [])]
        return [
            _Found(
                chat_id, rank, bool(company) and where == company, bool(company) and where == company and any(device)
            )
            for chat_id, rank, where, *device in ranked.values_list(*fields)[:_MOST_RANKED]
        ]

    shared = _sharing(words, 3 if len(words) > 4 else 2)
    found = read(newest(shared))
    if company:
        found += read(ChatSearch.objects.filter(id__in=_latest_of(company), words=_sharing(words, 2)))
    if len(found) < fewest:
        found += read(every(shared).order_by(_NEWEST_FIRST))
    return list({each.chat_id: each for each in found}.values())


def _latest_of(company: str) -> list[UUID]:
    latest = ChatSession.objects.filter(ticket_company=company).order_by("-updated_at", "-id")
    return list(latest.values_list("id", flat=True)[:_OF_THE_COMPANY])


def _sharing(words: Sequence[str], count: int) -> SearchQuery:
    """Return the query for texts that hold so many of the words together, in any combination."""
    return SearchQuery(_at_least(min(count, len(words)), words), config="simple", search_type="raw")


def _at_least(count: int, words: Sequence[str]) -> str:
    """Return a query that looks for each word once in a text that holds none."""
    if count == 1:
        return " | ".join(words)
    if count == len(words):
        return " & ".join(words)
    return f"{words[0]} & ({_at_least(count - 1, words[1:])}) | {_at_least(count, words[1:])}"


def _devices(chat: ChatSession) -> SearchQuery | None:
    """Return a query for the names of the session's configurations, which its facts begin with."""
    texts = chat.facts.filter(
        source_type=SessionFact.SourceType.TICKET, source_ref__startswith="configuration:", deleted_at=None
    ).values_list("text", flat=True)
    query: SearchQuery | None = None
    for text in texts:
        one = SearchQuery(text.partition(",")[0], config="english", search_type="phrase")
        query = one if query is None else query | one
    return query


def _with_outcomes(best: Sequence[_Found]) -> list[Similar]:
    chats = fetch([each.chat_id for each in best])
    tried = SuggestedFix.objects.filter(chat__in=chats).exclude(outcome=SuggestedFix.Outcome.NONE)
    fixes: dict[UUID, SuggestedFix] = {}
    for fix in ready(tried.order_by("created_at", "id")):
        known = fixes.get(fix.chat_id)
        if known is None or known.outcome != SuggestedFix.Outcome.SUCCESS:
            fixes[fix.chat_id] = fix
    by_id = {each.chat_id: each for each in best}
    return [
        Similar(
            chat=chat,
            fix=fixes.get(chat.pk),
            checks=[item for item in chat.pending_task_lane if item["kind"] == "action" and item["state"] == "done"],
            is_same_company=by_id[chat.pk].is_same_company,
            is_same_device=by_id[chat.pk].is_same_device,
        )
        for chat in chats
    ]
