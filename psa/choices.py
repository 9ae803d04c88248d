"""What the ticket list can be filtered by, and the words that stand on the filters."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from django.http import QueryDict

from flowpilot.errors import UserError
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.errors import NotPermitted
from flowpilot.providers.connectwise.models import BoardData, CompanyData, MemberData, PriorityData
from psa import known, lookups
from psa.filters import Filters
from psa.queries import NotConnected, patient_connectwise

SORTS = {
    "priority": "Priority",
    "due": "SLA",
    "newest": "Newest",
    "oldest": "Oldest",
    "updated": "Last changed",
    "company": "Company",
}
_MOST_OFFERED = 8


@dataclass(frozen=True)
class Labels:
    """What stands on each filter. A name that is not known yet is its number."""

    who: str = "All"
    status: str = "Open"
    board: str = "All"
    priority: str = "Any"
    company: str = "Any"
    order: str = "Priority"


@dataclass
class Offered:
    """The choices. A list that ConnectWise refused is empty and its refusal stands in `failures`."""

    boards: list[BoardData] = field(default_factory=list)
    status_names: list[str] = field(default_factory=list)
    priorities: list[PriorityData] = field(default_factory=list)
    members: list[MemberData] = field(default_factory=list)
    companies: list[CompanyData] = field(default_factory=list)
    failures: dict[str, UserError] = field(default_factory=dict)
    labels: Labels = field(default_factory=Labels)

    def take(self, name: str, words: str, ask: Callable[[], list]) -> None:
        """Fill one list, or write down why it stays empty."""
        try:
            setattr(self, name, ask())
        except UserError as error:
            self.failures[words] = error


def offer(account_id: UUID, filters: Filters) -> Offered:
    """Return what can be chosen; the statuses are those of the chosen board, or of all boards by name."""
    offered = Offered()
    try:
        client = patient_connectwise(account_id)
    except NotConnected:
        return offered  # the queue says so
    except UserError as error:
        offered.failures["tickets"] = error
        return offered
    offered.take("boards", "boards", lambda: lookups.boards(account_id, client))
    if isinstance(offered.failures.get("boards"), NotPermitted):
        offered.boards = lookups.boards_in_tickets(account_id)
    boards = [filters.board_id] if filters.board_id else [board.id for board in offered.boards]
    offered.take("status_names", "statuses", lambda: lookups.status_names(account_id, client, boards))
    offered.take("priorities", "priorities", lambda: lookups.priorities(account_id, client))
    offered.take("members", "members", lambda: lookups.members(account_id, client)[:_MOST_OFFERED])
    if filters.company_id:
        offered.take("companies", "companies", lambda: [_company(account_id, client, filters)])
    offered.labels = labels(account_id, filters)
    return offered


def members(account_id: UUID, text: str) -> list[MemberData]:
    """Return the members found by typing. Raises Refused or Unavailable."""
    return lookups.members_named(account_id, patient_connectwise(account_id), text)


def companies(account_id: UUID, text: str) -> list[CompanyData]:
    """Return the companies found by typing; none before something was typed. Raises Refused or Unavailable."""
    return lookups.companies_named(account_id, patient_connectwise(account_id), text) if text.strip() else []


def labels(account_id: UUID, filters: Filters) -> Labels:
    """Return the words of the filters from what is known already; nobody is asked."""
    return Labels(
        who=_who(account_id, filters),
        status=_statuses(filters),
        board=_name(account_id, "psa:boards", filters.board_id, "All"),
        priority=_name(account_id, "psa:priorities", filters.priority_id, "Any"),
        company=_name(account_id, f"psa:company:{filters.company_id}", filters.company_id, "Any"),
        order=SORTS[filters.order],
    )


def read(kept: str) -> QueryDict:
    """Read filters that a browser kept."""
    return QueryDict(kept)


def _company(account_id: UUID, client: ConnectWise, filters: Filters) -> CompanyData:
    assert filters.company_id is not None
    return lookups.company(account_id, client, filters.company_id)


def _who(account_id: UUID, filters: Filters) -> str:
    if not filters.member:
        return {"mine": "Mine", "none": "Unassigned"}.get(filters.who, "All")
    kept = known.peek(account_id, "psa:members")
    found = [each.name for each in kept.value if each.identifier == filters.member] if kept else []
    return found[0] if found else filters.member


def _statuses(filters: Filters) -> str:
    names = filters.statuses
    return "Open" if not names else names[0] if len(names) == 1 else f"{len(names)} chosen"


def _name(account_id: UUID, key: str, record_id: int | None, default: str) -> str:
    if record_id is None:
        return default
    kept = known.peek(account_id, key)
    rows = kept.value if kept and isinstance(kept.value, list) else [kept.value] if kept else []
    return next((row.name for row in rows if row.id == record_id), f"No. {record_id}")
