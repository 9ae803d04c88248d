"""Finding sessions by words, through the view that keeps the text index in use; newest first."""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.postgres.search import SearchQuery
from django.db.models import Q, QuerySet

from sessions.models import ChatSearch

_LANGUAGE = "english"
_LAST_WORD = re.compile(r"(?:^|\s)(\w{3,})$")
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


def matching(text: str) -> QuerySet[ChatSearch]:
    """Return the sessions of the open account whose words match."""
    return ChatSearch.objects.filter(words=word_query(text)).order_by("-started_at", "-id")
