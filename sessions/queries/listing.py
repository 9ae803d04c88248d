"""The list of sessions at /pilot: filtered, searched, paged by a place in it."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from flowpilot.accounts.models import User
from sessions.models import ChatSession
from sessions.queries._ready import ready
from sessions.queries.search import Place, every, has_older, newest, word_query

_PAGE = 50
_RECENT = timedelta(days=14)
_OPEN = [ChatSession.Status.ACTIVE, ChatSession.Status.PAUSED]
SHOWN = {"active": "Active", "recent": "Recent", "all": "All"}


@dataclass(frozen=True)
class ListFilter:
    """What a person wants to see of the account's sessions; the empty filter shows all."""

    shown: str = "all"  # active, recent or all
    is_mine: bool = False
    status: str = ""
    company: str = ""
    text: str = ""


@dataclass(frozen=True)
class ChatPage:
    """A page of sessions, and where the next one begins, if there is one."""

    chats: list[ChatSession]
    after: Place | None

    @property
    def is_short(self) -> bool:
        """Whether it shows less than it could, because what follows takes longer to find."""
        return self.after is not None and len(self.chats) < _PAGE


def list_chats(wanted: ListFilter, user: User, after: Place | None = None) -> ChatPage:
    """Return a page of sessions: those last touched first; with words to look for, those last started first."""
    if not wanted.text:
        rows = _narrow(ChatSession.objects.all(), wanted, user)
        return _page(rows.order_by("-updated_at", "-id"), "updated_at", after)
    number = wanted.text.lstrip("#")
    if number.isdecimal() and len(number) < 10:
        rows = _narrow(ChatSession.objects.filter(ticket_id=int(number)), wanted, user)
        found = _page(rows.order_by("-created_at", "-id"), "created_at", after)
        if found.chats or after:
            return found
    return _search(wanted, user, after)


def companies(limit: int = 500) -> list[str]:
    """Return the companies of the account's latest sessions, by name."""
    latest = ChatSession.objects.exclude(ticket_company="").order_by("-updated_at", "-id")
    return sorted(set(latest.values_list("ticket_company", flat=True)[:limit]), key=str.casefold)


def _narrow[Rows: QuerySet](rows: Rows, wanted: ListFilter, user: User) -> Rows:
    """Apply the filters; the rows are sessions, or what their search view shows."""
    if wanted.shown == "active":
        rows = rows.filter(status__in=_OPEN)
    if wanted.is_mine:
        rows = rows.filter(owner_id=user.pk)
    if wanted.status:
        rows = rows.filter(status=wanted.status)
    if wanted.company:
        rows = rows.filter(ticket_company=wanted.company)
    return rows.filter(updated_at__gte=timezone.now() - _RECENT) if wanted.shown == "recent" else rows


def _search(wanted: ListFilter, user: User, after: Place | None) -> ChatPage:
    """Return a page of what is found among the newest sessions, however short; what is older follows it, or is this page if nothing is newer."""
    words = word_query(wanted.text)
    places = _places(newest(words), wanted, user, after)
    has_more = len(places) > _PAGE
    if places and not has_more:
        has_more = has_older()
    elif not places:
        places = _places(every(words), wanted, user, after)
        has_more = len(places) > _PAGE
    shown = places[:_PAGE]
    chats = fetch([place.chat_id for place in shown])
    return ChatPage(chats, shown[-1] if has_more else None)


def _places(found: QuerySet, wanted: ListFilter, user: User, after: Place | None) -> list[Place]:
    rows = _narrow(found, wanted, user)
    if after:
        rows = rows.filter(after.after("started_at"))
    return [Place(moment, chat_id) for chat_id, moment in rows.values_list("id", "started_at")[: _PAGE + 1]]


def fetch(ids: list[UUID]) -> list[ChatSession]:
    """Return sessions in the order of their ids; those that are gone by now are left out."""
    known = {chat.pk: chat for chat in ready(ChatSession.objects.select_related("owner").filter(pk__in=ids))}
    return [known[chat_id] for chat_id in ids if chat_id in known]


def _page(rows: QuerySet[ChatSession], field: str, after: Place | None) -> ChatPage:
    if after:
        rows = rows.filter(after.after(field))
    chats = ready(rows.select_related("owner")[: _PAGE + 1])
    shown = chats[:_PAGE]
    return ChatPage(shown, Place(getattr(shown[-1], field), shown[-1].pk) if len(chats) > _PAGE else None)
