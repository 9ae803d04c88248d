"""A ticket that is being written: what its form holds, what may be chosen, and what a pasted text says about it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from flowpilot.accounts.models import Account
from flowpilot.accounts.preferences import get_setting
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import UserError
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.models import TicketData
from psa import known, lookups, parsing, reading
from psa.filters import record_id
from psa.parsing import Guess
from psa.queries import patient_connectwise

TEXTS, RECORDS = ("summary", "description"), ("company", "contact", "board", "priority", "type")
FIELDS = (*TEXTS, *RECORDS)
DEFAULTS = {"board": "psa.new_ticket.board", "priority": "psa.new_ticket.priority"}
LONGEST_TEXT = 20_000
_RECENT, _ALIKE = timedelta(days=7), 0.4


@dataclass
class Draft:
    """The form. A record's value is its number as text; empty is not chosen. `marks` says how sure we are of what we filled in."""

    values: dict[str, str]
    raw: str = ""
    digest: str = ""
    locked: frozenset[str] = frozenset()
    marks: dict[str, Guess] = field(default_factory=dict)
    how: str = ""  # "ai" or "rules", once a text was read
    why: str = ""  # why it was read by rules

    @classmethod
    def from_post(cls, data: Mapping[str, str]) -> "Draft":
        """Read a form. A field that no longer holds what we put there was typed by the person, and stays as it is."""
        values = {name: _clean(data.get(name, "")) for name in FIELDS}
        raw = _clean(data.get("raw", ""))[:LONGEST_TEXT]
        touched = {name for name in FIELDS if values[name] != _clean(data.get(f"was_{name}", ""))}
        locked = touched | (set(data.get("locked", "").split()) & set(FIELDS))
        marks = {}
        for name in FIELDS:
            sure = data.get(f"sure_{name}", "")
            if sure.isdigit() and name not in locked:
                marks[name] = Guess(values[name], min(100, int(sure)), data.get(f"note_{name}", "")[:200])
        return cls(
            values,
            raw,
            data.get("digest", ""),
            frozenset(locked),
            marks,
            data.get("how", "")[:10],
            data.get("why", "")[:200],
        )

    @property
    def is_new_text(self) -> bool:
        """Whether a text was pasted that nobody has read yet."""
        return bool(self.raw) and self.digest != text_digest(self.raw)

    def number(self, name: str) -> int | None:
        """Return the number of a chosen record, or None."""
        return record_id(self.values[name])

    @property
    def filled(self) -> int:
        """How many fields hold something."""
        return sum(bool(value) for value in self.values.values())


@dataclass
class Choices:
    """What the form offers, and the tickets that it may repeat."""

    boards: list = field(default_factory=list)
    priorities: list = field(default_factory=list)
    types: list = field(default_factory=list)
    contacts: list = field(default_factory=list)
    company_name: str = ""
    companies: list = field(default_factory=list)
    duplicates: list[TicketData] = field(default_factory=list)
    problems: dict[str, UserError] = field(default_factory=dict)


def fill(account_id: UUID, draft: Draft) -> Choices:
    """Read a newly pasted text into the fields the person has not touched; return what can be chosen. Creates nothing."""
    client = patient_connectwise(account_id)
    choices = Choices()
    _offer(choices, "boards", lambda: lookups.boards(account_id, client))
    _offer(choices, "priorities", lambda: lookups.priorities(account_id, client))
    _take_defaults(account_id, draft)
    if draft.is_new_text:
        _read_text(account_id, client, draft, choices)
    board, company = draft.number("board"), draft.number("company")
    if board:
        _offer(choices, "types", lambda: lookups.types(account_id, client, board))
    if company:
        _offer(choices, "contacts", lambda: lookups.contacts(account_id, client, company))
        _offer(choices, "companies", lambda: [lookups.company(account_id, client, company)])
        choices.company_name = choices.companies[0].name if choices.companies else f"No. {company}"
    _drop_foreign(draft, choices)
    choices.duplicates = duplicates(account_id, client, draft)
    return choices


def duplicates(account_id: UUID, client: ConnectWise, draft: Draft) -> list[TicketData]:
    """Return tickets of the same company from the last days whose summary is much like this one's."""
    company, summary = draft.number("company"), draft.values["summary"]
    if not company or not summary:
        return []
    since = timezone.now().replace(minute=0, second=0, microsecond=0) - _RECENT
    try:
        recent = known.ask(
            account_id,
            f"psa:recent:{company}",
            lambda: client.search_tickets(
                company_id=company, entered_since=since, open_only=False, order="newest", page_size=50
            ),
            fresh_seconds=30,
        )
    except UserError:
        return []
    scored = [(parsing.alike(summary, each.summary), each) for each in recent.value.tickets]
    close = sorted((pair for pair in scored if pair[0] >= _ALIKE), key=lambda pair: -pair[0])
    return [each for _, each in close[:3]]


def text_digest(text: str) -> str:
    """Return the mark by which a text is known to have been read."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read_text(account_id: UUID, client: ConnectWise, draft: Draft, choices: Choices) -> None:
    types = []
    if board := draft.number("board"):
        _offer(choices, "types", lambda: lookups.types(account_id, client, board))
        types = choices.types
    offered = {"board": choices.boards, "priority": choices.priorities, "type": types}
    found = reading.read(account_id, draft.raw, {name: [row.name for row in rows] for name, rows in offered.items()})
    draft.digest, draft.how, draft.why = text_digest(draft.raw), found.how, found.why
    for name in TEXTS:
        _put(draft, name, found.guesses.get(name))
    for name, rows in offered.items():
        guess = found.guesses.get(name)
        row = reading.match(guess.value, rows) if guess else None
        _put(draft, name, Guess(str(row.id), guess.confidence, guess.note) if guess and row else None)
    _put(draft, "company", _company(account_id, client, found.guesses.get("company")))
    if company := draft.number("company"):
        guess = found.guesses.get("contact")
        _offer(choices, "contacts", lambda: lookups.contacts(account_id, client, company))
        _put(draft, "contact", reading.contact(guess, choices.contacts))


def _company(account_id: UUID, client: ConnectWise, guess: Guess | None) -> Guess | None:
    """Find the company that a text names; of several the exact one, and none where that leaves a doubt."""
    if guess is None or not guess.value:
        return None
    try:
        found = lookups.companies_named(account_id, client, guess.value)
    except UserError as error:
        return Guess("", 0, error.message)
    row = reading.match(guess.value, found)
    if row is None:
        return Guess("", 0, f"{len(found) or 'No'} companies are called like “{guess.value[:60]}”.")
    return Guess(str(row.id), guess.confidence, guess.note)


def _put(draft: Draft, name: str, guess: Guess | None) -> None:
    if name in draft.locked:
        return
    if guess is None:
        draft.marks.pop(name, None)
        if not draft.values[name]:
            draft.marks[name] = Guess("", 0, "")
        return
    if guess.value or name not in DEFAULTS:
        draft.values[name] = guess.value
    draft.marks[name] = guess


def _take_defaults(account_id: UUID, draft: Draft) -> None:
    with account_scope(account_id):
        account = Account.objects.get(pk=account_id)
        for name, key in DEFAULTS.items():
            if not draft.values[name] and name not in draft.locked:
                draft.values[name] = str(get_setting(account, key) or "")


def _drop_foreign(draft: Draft, choices: Choices) -> None:
    """Take out a type of another board and a contact of another company: ConnectWise would refuse them."""
    for name, rows in (("type", choices.types), ("contact", choices.contacts)):
        if draft.values[name] and all(str(row.id) != draft.values[name] for row in rows):
            draft.values[name] = ""
            draft.marks.pop(name, None)
            draft.locked -= {name}


def _offer(choices: Choices, name: str, ask) -> None:
    try:
        setattr(choices, name, ask())
    except UserError as error:
        choices.problems[name] = error


def _clean(text: str) -> str:
    return text.replace("\x00", "").replace("\r\n", "\n").strip()
