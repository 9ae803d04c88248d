"""What an owner reads of the audit log: filtered, a page at a time, or all of it as CSV."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from flowpilot.accounts.audit import Action
from flowpilot.accounts.models import AuditEvent
from flowpilot.accounts.scope import account_scope

KINDS = {
    "sign_in": "Sign-in",
    "people": "People and roles",
    "settings": "Settings",
    "psa": "Posts to the PSA",
    "retention": "Retention",
    "admin": "Admin",
    "account": "Export and deletion",
    "staff": "Platform staff",
}
A_PAGE, A_BATCH = 50, 1000
_HEADER = ["number", "at", "who", "what", "about", "detail", "address"]
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # what a spreadsheet would run


@dataclass(frozen=True)
class Wanted:
    """What somebody asked for: a kind of event, somebody's name, days; `before` is the number that the page follows."""

    kind: str = ""
    who: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Wanted":
        """Read a query string; what cannot be read is not asked for."""
        kind, before = query.get("kind", ""), query.get("before", "")
        return cls(
            kind=kind if kind in KINDS else "",
            who=query.get("who", "").strip()[:100],
            since=_day(query.get("since", "")),
            until=_day(query.get("until", "")),
            before=int(before) if before.isdecimal() and len(before) < 19 else None,
        )

    @property
    def query(self) -> str:
        """The filters as a query string, without the page."""
        kept = {"kind": self.kind, "who": self.who, "since": self.since, "until": self.until}
        return urlencode({name: value for name, value in kept.items() if value})


@dataclass(frozen=True)
class Page:
    """Some events, newest first; `after` is the number that the next page follows, None where there is none."""

    events: list[AuditEvent]
    after: int | None


def events(wanted: Wanted) -> Page:
    """Return a page of the open account's events, with `label` as what happened in words."""
    found = list(_filtered(wanted)[: A_PAGE + 1])
    for event in found:
        event.label = _label(event)
    return Page(found[:A_PAGE], found[A_PAGE - 1].number if len(found) > A_PAGE else None)


def rows(account_id: UUID, wanted: Wanted) -> Iterator[list[str]]:
    """Yield the wanted events as rows of CSV, header first, each batch in a scope of its own; no cell starts a formula."""
    yield _HEADER
    before = wanted.before
    while True:
        with account_scope(account_id):
            batch = list(_filtered(Wanted(wanted.kind, wanted.who, wanted.since, wanted.until, before))[:A_BATCH])
        for event in batch:
            yield [_cell(value) for value in _values(event)]
        if len(batch) < A_BATCH:
            return
        before = batch[-1].number


def _filtered(wanted: Wanted) -> QuerySet[AuditEvent]:
    found = AuditEvent.objects.order_by("-number")
    if wanted.kind:
        found = found.filter(action__in=[each for each in Action.values if each.startswith(f"{wanted.kind}.")])
    if wanted.who:
        found = found.filter(actor__icontains=wanted.who)
    if wanted.since:
        found = found.filter(created_at__gte=_midnight(wanted.since))
    if wanted.until:
        found = found.filter(created_at__lt=_midnight(wanted.until + timedelta(days=1)))
    return found if wanted.before is None else found.filter(number__lt=wanted.before)


def _values(event: AuditEvent) -> list[str]:
    detail = "; ".join(f"{name}: {value}" for name, value in event.detail.items())
    at = event.created_at.isoformat(timespec="seconds")
    return [str(event.number), at, event.actor, _label(event), event.object, detail, event.ip]


def _label(event: AuditEvent) -> str:
    return str(Action(event.action).label) if event.action in Action.values else event.action


def _cell(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, datetime.min.time()))
