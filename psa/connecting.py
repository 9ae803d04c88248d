"""Connecting an account to its ConnectWise, proving that it works, and saying what is missing there."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from flowpilot.accounts import audit
from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Invalid, NotFound, UserError
from flowpilot.providers.connectwise import address, calls
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.errors import BadCredentials, UnknownAddress
from psa import lookups, services
from psa.models import PsaConnection, PsaMemberLink
from psa.queries import NotConnected, patient_connectwise

API_PATH = "v4_6_release/apis/3.0"
PATIENCE = 12.0  # seconds: somebody who tests a connection waits
_SECRET_MISSING = "Enter the private key again: it goes only where it was entered for."  # noqa: S105


@dataclass(frozen=True)
class Form:
    """What an admin typed. The private key is never sent back."""

    host: str
    company_id: str
    client_id: str
    public_key: str
    private_key: str


@dataclass(frozen=True)
class Probe:
    """One permission: the question that proves it, and what does not work without it."""

    permission: str
    breaks: str
    ask: Callable[[ConnectWise], object]


@dataclass(frozen=True)
class Finding:
    """What became of a probe."""

    permission: str
    breaks: str
    is_there: bool
    words: str
    milliseconds: int


@dataclass(frozen=True)
class Report:
    """What a test found. Without `version` the keys or the address are wrong, and nothing else was tried."""

    version: str
    findings: list[Finding]
    error: str = ""

    @property
    def missing(self) -> int:
        """How many permissions are not there."""
        return sum(not each.is_there for each in self.findings)


PROBES = (
    Probe(f"{calls.TICKETS} (inquire)", "Nothing of a ticket can be read.", lambda cw: cw.search_tickets(page_size=1)),
    Probe(
        f"{calls.SCHEDULING} (inquire)",
        "Owners show, co-assignees do not; nobody can be added beside an owner.",
        lambda cw: cw.list_schedule_entries(1),
    ),
    Probe(
        f"{calls.COMPANIES} (inquire)",
        "No company can be chosen for a filter or a new ticket.",
        lambda cw: cw.search_companies(limit=1),
    ),
    Probe(
        f"{calls.CONTACTS} (inquire)",
        "No contact can be chosen for a new ticket.",
        lambda cw: cw.list_contacts(1, limit=1),
    ),
    Probe(
        f"{calls.CONFIGURATIONS} (inquire)",
        "Devices show with their names alone.",
        lambda cw: cw.list_company_configurations(1),
    ),
    Probe(f"{calls.TIME} (inquire)", "The time on a ticket does not show.", lambda cw: cw.list_time_entries(1)),
    Probe(f"{calls.MEMBERS} (inquire)", "Nobody can be found by typing.", lambda cw: cw.list_members()),
    Probe(
        f"{calls.CALLBACKS} (inquire)",
        "ConnectWise cannot tell us of changes; FlowPilot asks for them instead.",
        lambda cw: cw.list_callbacks(),
    ),
)


def test(account_id: UUID) -> Report:
    """Prove the kept keys and try each permission. Raises NotConnected, or Refused when the keys cannot be opened."""
    client = patient_connectwise(account_id)
    try:
        info = client.within(PATIENCE).test()
    except (BadCredentials, UnknownAddress) as error:
        return Report("", [], error.message)
    except UserError as error:
        if not getattr(error, "permission", ""):
            return Report("", [], error.message)
        info = None
    hurried = client.within(PATIENCE)
    with ThreadPoolExecutor(4) as pool:
        findings = list(pool.map(lambda probe: _try(hurried, probe), PROBES))
    return Report(info.version if info else "without access to boards", findings)


@transaction.atomic
def connect(*, form: Form, by: User) -> PsaConnection:
    """Keep how the open account reaches ConnectWise. Raises Invalid.

    Without a private key the kept one stays, as long as nothing changed that decides where it is sent.
    """
    base_url = base_url_of(form.host)
    if not (form.company_id and form.client_id and form.public_key):
        raise Invalid("Enter the company, the client ID and the public key.")
    kept = PsaConnection.objects.first()
    if form.private_key:
        connection = services.connect(
            base_url=base_url,
            company_id=form.company_id,
            client_id=form.client_id,
            public_key=form.public_key,
            private_key=form.private_key,
        )
    else:
        same = kept and (kept.base_url, kept.company_id, kept.public_key) == (
            base_url,
            form.company_id,
            form.public_key,
        )
        if kept is None or not same:
            raise Invalid(_SECRET_MISSING)
        kept.client_id = form.client_id
        kept.save(update_fields=["client_id", "updated_at"])
        connection = kept
    audit.record(audit.Action.PSA_CONNECTED, by=by, about=base_url, detail={"company": form.company_id})
    return connection


def base_url_of(host: str) -> str:
    """Return the API's address for a region, a host, or a whole address. Raises Invalid."""
    host = host.strip()
    url = host if "://" in host else f"https://{host}/{API_PATH}"
    return address.checked(url).base_url


def people(account_id: UUID) -> list[tuple[User, PsaMemberLink | None]]:
    """Return the account's people with the members that they said they are."""
    with account_scope(account_id):
        links = {link.user_id: link for link in PsaMemberLink.objects.all()}
        return [(person, links.get(person.pk)) for person in User.objects.filter(is_active=True).order_by("name")]


def guess_member(account_id: UUID, user: User):
    """Return the member with a person's e-mail address, or None. A guess: the person says whether it is right."""
    try:
        members = lookups.members(account_id, patient_connectwise(account_id))
    except NotConnected:
        return None
    return next((each for each in members if each.email and each.email.lower() == user.email.lower()), None)


def confirm_member(*, account_id: UUID, user: User, member_id: int) -> PsaMemberLink:
    """Keep which member a person says they are. Raises NotFound, Refused or Unavailable."""
    members = lookups.members(account_id, patient_connectwise(account_id))
    member = next((each for each in members if each.id == member_id), None)
    if member is None:
        raise NotFound("ConnectWise has no such member. Search again.")
    with account_scope(account_id):
        return services.link_member(user=user, member_id=member.id, identifier=member.identifier)


def _try(client: ConnectWise, probe: Probe) -> Finding:
    began = time.monotonic()
    try:
        probe.ask(client)
        is_there, words = True, ""
    except NotFound:
        is_there, words = True, ""  # it may ask; there is only nothing with that number
    except UserError as error:
        is_there, words = False, error.message
    return Finding(probe.permission, probe.breaks, is_there, words, round((time.monotonic() - began) * 1000))
