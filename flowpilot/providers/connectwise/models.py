"""What ConnectWise sends, as typed values. A null property is absent there, so absent means empty here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

_Json = Mapping[str, Any]

_ESCAPED_PUNCTUATION = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~])")
_ESCAPED_BRACKET = re.compile(r"\\([\[\]()])")


@dataclass(frozen=True, slots=True)
class Ref:
    """A pointer to another record. Members and companies also carry their identifier."""

    id: int
    name: str
    identifier: str = ""

    @classmethod
    def from_json(cls, data: _Json | None) -> Self | None:
        """Return the reference, or None when it is missing or an empty shell."""
        if not data or data.get("id") is None:
            return None
        return cls(id=int(data["id"]), name=_text(data, "name"), identifier=_text(data, "identifier"))


@dataclass(frozen=True, slots=True)
class TicketData:
    id: int
    summary: str
    board: Ref | None = None
    status: Ref | None = None
    priority: Ref | None = None
    priority_rank: int | None = None  # 1 is the most urgent
    company: Ref | None = None
    contact: Ref | None = None
    contact_name: str = ""
    contact_email: str = ""
    contact_phone: str = ""
    site: str = ""
    owner: Ref | None = None
    resources: tuple[str, ...] = ()  # member identifiers
    type: Ref | None = None
    severity: str = ""
    impact: str = ""
    sla_text: str = ""
    due_at: datetime | None = None
    entered_at: datetime | None = None
    updated_at: datetime | None = None
    is_closed: bool = False

    @classmethod
    def from_json(cls, data: _Json) -> Self:
        """Read a Ticket. Raises KeyError, TypeError or ValueError when it is none."""
        info = data.get("_info") or {}
        contact = Ref.from_json(data.get("contact"))
        return cls(
            id=int(data["id"]),
            summary=_text(data, "summary"),
            board=Ref.from_json(data.get("board")),
            status=Ref.from_json(data.get("status")),
            priority=Ref.from_json(data.get("priority")),
            priority_rank=(data.get("priority") or {}).get("sort"),
            company=Ref.from_json(data.get("company")),
            contact=contact,
            contact_name=_text(data, "contactName") or (contact.name if contact else ""),
            contact_email=_text(data, "contactEmailAddress"),
            contact_phone=_text(data, "contactPhoneNumber"),
            site=_text(data, "siteName") or _text(data.get("site") or {}, "name"),
            owner=Ref.from_json(data.get("owner")),
            resources=tuple(part for part in re.split(r"[,;\s]+", _text(data, "resources")) if part),
            type=Ref.from_json(data.get("type")),
            severity=_text(data, "severity"),
            impact=_text(data, "impact"),
            sla_text=_text(data, "slaStatus"),
            due_at=_moment(data.get("resolutionGoalUTC")),
            entered_at=_moment(info.get("dateEntered") or data.get("dateEntered")),
            updated_at=_moment(info.get("lastUpdated")),
            is_closed=bool(data.get("closedFlag")),
        )

    @property
    def is_assigned_to(self) -> frozenset[str]:
        """The identifiers of everyone on the ticket, the owner included, in lower case."""
        owner = (self.owner.identifier,) if self.owner and self.owner.identifier else ()
        return frozenset(identifier.lower() for identifier in (*self.resources, *owner))


@dataclass(frozen=True, slots=True)
class TicketPage:
    tickets: tuple[TicketData, ...]
    page: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class NoteData:
    id: int
    text: str
    author: str = ""
    author_identifier: str = ""  # empty when the customer wrote it
    created_at: datetime | None = None
    is_internal: bool = False
    is_discussion: bool = False
    is_resolution: bool = False

    @classmethod
    def from_json(cls, data: _Json) -> Self:
        """Read a note of a ticket, or a time entry's note, as allNotes mixes them."""
        info = data.get("_info") or {}
        member, contact = Ref.from_json(data.get("member")), Ref.from_json(data.get("contact"))
        writer = member or contact
        moment = data.get("dateCreated") or data.get("timeStart") or info.get("dateEntered") or info.get("lastUpdated")
        return cls(
            id=int(data["id"]),
            text=_unescaped(_text(data, "text"), is_markdown=bool(data.get("isMarkdownFlag"))),
            author=(writer.name if writer else "") or _text(data, "originalAuthor") or _text(data, "createdBy"),
            author_identifier=member.identifier if member else "",
            created_at=_moment(moment),
            is_internal=bool(data.get("internalAnalysisFlag")),
            is_discussion=bool(data.get("detailDescriptionFlag")),
            is_resolution=bool(data.get("resolutionFlag")),
        )


@dataclass(frozen=True, slots=True)
class ConfigurationData:
    id: int
    name: str
    type: str = ""
    status: str = ""
    os: str = ""
    ram: str = ""
    model: str = ""
    serial: str = ""
    ip: str = ""
    last_login: str = ""  # the account that signed in last
    is_active: bool = True

    @classmethod
    def from_json(cls, data: _Json) -> Self:
        """Read a configuration of /company/configurations."""
        return cls(
            id=int(data["id"]),
            name=_text(data, "name"),
            type=_text(data.get("type") or {}, "name"),
            status=_text(data.get("status") or {}, "name"),
            os=_text(data, "osType") or _text(data, "osInfo"),
            ram=_text(data, "ram"),
            model=_text(data, "modelNumber"),
            serial=_text(data, "serialNumber"),
            ip=_text(data, "ipAddress"),
            last_login=_text(data, "lastLoginName"),
            is_active=bool(data.get("activeFlag", True)),
        )


@dataclass(frozen=True, slots=True)
class StatusData:
    id: int
    name: str
    is_closed: bool = False
    sort_order: int = 0
    is_default: bool = False

    @classmethod
    def from_json(cls, data: _Json) -> Self:
        """Read a status of one board."""
        return cls(
            id=int(data["id"]),
            name=_text(data, "name"),
            is_closed=bool(data.get("closedStatus")),
            sort_order=int(data.get("sortOrder") or 0),
            is_default=bool(data.get("defaultFlag")),
        )


@dataclass(frozen=True, slots=True)
class BoardData:
    id: int
    name: str

    @classmethod
    def from_json(cls, data: _Json) -> Self:
        """Read a service board."""
        return cls(id=int(data["id"]), name=_text(data, "name"))


@dataclass(frozen=True, slots=True)
class MemberData:
    id: int
    identifier: str
    name: str
    email: str = ""

    @classmethod
    def from_json(cls, data: _Json) -> Self:
        """Read a member, in the full form or the light one of /system/info/members."""
        full = " ".join(part for part in (_text(data, "firstName"), _text(data, "lastName")) if part)
        emails = (_text(data, key) for key in ("primaryEmail", "officeEmail", "defaultEmail"))
        return cls(
            id=int(data["id"]),
            identifier=_text(data, "identifier"),
            name=full or _text(data, "fullName") or _text(data, "identifier"),
            email=next((email for email in emails if "@" in email), ""),
        )


@dataclass(frozen=True, slots=True)
class ServerInfo:
    version: str
    is_cloud: bool = False
    region: str = ""

    @classmethod
    def from_json(cls, data: _Json) -> Self:
        """Read what the server says about itself."""
        return cls(
            version=_text(data, "version"), is_cloud=bool(data.get("isCloud")), region=_text(data, "cloudRegion")
        )


def _text(data: _Json, key: str) -> str:
    value = data.get(key)
    return "" if value is None else str(value)


def _moment(value: object) -> datetime | None:
    """Read a date; one we cannot read is no reason to lose the record."""
    if not isinstance(value, str) or not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _unescaped(text: str, *, is_markdown: bool) -> str:
    """Take back the backslashes ConnectWise puts before punctuation, sparing paths where it may not have done so."""
    return (_ESCAPED_PUNCTUATION if is_markdown else _ESCAPED_BRACKET).sub(r"\1", text)
