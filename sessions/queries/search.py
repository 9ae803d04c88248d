"""Finding sessions by words, newest first: among the account's newest, then through the view that keeps the text index in use.

The text index holds everybody's words, so what it costs grows with all accounts, and with what is common in one. Looking at the newest sessions
one by one does not, and mostly fills a page.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.postgres.search import SearchQuery
from django.db.models import Exists, Q, QuerySet

from sessions.models import ChatDocument, ChatNewest, ChatSearch

_LANGUAGE = "english"
_LAST_WORD = re.compile(r"(?:^|\s)(\w{3,})$")
NEWEST = 2_000  # sessions that the view `session_newest` holds
LONGEST_TEXT = 200  # characters of what is searched for; the rest would not narrow it


@dataclass(frozen=True)
class Place:
    """Where a page of a list ends: the next one begins after it."""

    moment: datetime
    chat_id: UUID

    def __str__(self) -> str:
        return f"{self.moment.isoformat()}_{self.chat_id}"

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """Return the place that `str` wrote, or None for anything else."""
        moment, _, chat_id = text.partition("_")
        try:
            return cls(datetime.fromisoformat(moment), UUID(chat_id))
        except ValueError:
            return None

    def after(self, field: str) -> Q:
        """Return the condition of rows after this place, by a field and the id, both descending."""
        behind = Q(**{f"{field}__lt": self.moment}) | Q(**{field: self.moment, "id__lt": self.chat_id})
        return Q(**{f"{field}__lte": self.moment}) & behind


def word_query(text: str) -> SearchQuery:
    """Return the query for what somebody typed: every word, the last perhaps unfinished; quotes, OR and - as on the web."""
    text = text[:LONGEST_TEXT]
    whole = SearchQuery(text, config=_LANGUAGE, search_type="websearch")
    if not (last := _LAST_WORD.search(text)):
        return whole
    begun = SearchQuery(f"{last[1]}:*", config=_LANGUAGE, search_type="raw")
    before = text[: last.start()].strip()
    return whole | (SearchQuery(before, config=_LANGUAGE, search_type="websearch") & begun if before else begun)


def newest(words: SearchQuery) -> QuerySet[ChatNewest]:
    """Return the sessions that match, of the NEWEST of the open account."""
    return ChatNewest.objects.filter(words=words).order_by("-started_at", "-id")


def every(words: SearchQuery) -> QuerySet[ChatSearch]:
    """Return all sessions of the open account that match, if it has any but its newest; else none, without looking."""
    return ChatSearch.objects.filter(Exists(_older()), words=words).order_by("-started_at", "-id")


def first(text: str, most: int) -> list[UUID]:
    """Return the newest sessions that match, at most so many; all are looked through where the newest do not give as many."""
    words = word_query(text)
    found = list(newest(words).values_list("id", flat=True)[:most])
    return found if len(found) == most else list(every(words).values_list("id", flat=True)[:most]) or found


def has_older() -> bool:
    """Return whether the open account has any sessions but its newest."""
    return _older().exists()


def _older() -> QuerySet[ChatDocument]:
    return ChatDocument.objects.order_by("-started_at", "-chat")[NEWEST : NEWEST + 1]
