"""Tickets and what hangs on them: notes, devices, schedule entries, time."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from flowpilot.providers.connectwise.models.values import (
    Json,
    Ref,
    hours_of,
    moment_of,
    name_of,
    text_of,
    unescaped,
)


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
    sub_type: Ref | None = None
    source: str = ""
    severity: str = ""
    impact: str = ""
    sla: str = ""  # its name
    sla_text: str = ""
    due_at: datetime | None = None
    entered_at: datetime | None = None
    updated_at: datetime | None = None
    closed_at: datetime | None = None
    is_closed: bool = False

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a Ticket. Raises KeyError, TypeError or ValueError when it is none."""
        info = data.get("_info") or {}
        contact = Ref.from_json(data.get("contact"))
        return cls(
            id=int(data["id"]),
            summary=text_of(data, "summary"),
            board=Ref.from_json(data.get("board")),
            status=Ref.from_json(data.get("status")),
            priority=Ref.from_json(data.get("priority")),
            priority_rank=(data.get("priority") or {}).get("sort"),
            company=Ref.from_json(data.get("company")),
            contact=contact,
            contact_name=text_of(data, "contactName") or (contact.name if contact else ""),
            contact_email=text_of(data, "contactEmailAddress"),
            contact_phone=text_of(data, "contactPhoneNumber"),
            site=text_of(data, "siteName") or name_of(data, "site"),
            owner=Ref.from_json(data.get("owner")),
            resources=tuple(part for part in re.split(r"[,;\s]+", text_of(data, "resources")) if part),
            type=Ref.from_json(data.get("type")),
            sub_type=Ref.from_json(data.get("subType")),
            source=name_of(data, "source"),
            severity=text_of(data, "severity"),
            impact=text_of(data, "impact"),
            sla=name_of(data, "sla"),
            sla_text=text_of(data, "slaStatus"),
            due_at=moment_of(data.get("resolutionGoalUTC")),
            entered_at=moment_of(info.get("dateEntered") or data.get("dateEntered")),
            updated_at=moment_of(info.get("lastUpdated")),
            closed_at=moment_of(data.get("closedDate")),
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
    is_time: bool = False  # it is the note of a time entry

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a note of a ticket, or a time entry's note, as allNotes mixes them."""
        info = data.get("_info") or {}
        member, contact = Ref.from_json(data.get("member")), Ref.from_json(data.get("contact"))
        writer = member or contact
        moment = data.get("dateCreated") or data.get("timeStart") or info.get("dateEntered") or info.get("lastUpdated")
        return cls(
            id=int(data["id"]),
            text=unescaped(text_of(data, "text"), is_markdown=bool(data.get("isMarkdownFlag"))),
            author=(writer.name if writer else "") or text_of(data, "originalAuthor") or text_of(data, "createdBy"),
            author_identifier=member.identifier if member else "",
            created_at=moment_of(moment),
            is_internal=bool(data.get("internalAnalysisFlag")),
            is_discussion=bool(data.get("detailDescriptionFlag")),
            is_resolution=bool(data.get("resolutionFlag")),
            is_time=data.get("noteType") == "TimeEntryNote",
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
    def from_json(cls, data: Json) -> Self:
        """Read a configuration of /company/configurations, or a ticket's bare reference to one."""
        return cls(
            id=int(data["id"]),
            name=text_of(data, "name") or text_of(data, "deviceIdentifier"),
            type=name_of(data, "type"),
            status=name_of(data, "status"),
            os=text_of(data, "osType") or text_of(data, "osInfo"),
            ram=text_of(data, "ram"),
            model=text_of(data, "modelNumber"),
            serial=text_of(data, "serialNumber"),
            ip=text_of(data, "ipAddress"),
            last_login=text_of(data, "lastLoginName"),
            is_active=bool(data.get("activeFlag", True)),
        )


@dataclass(frozen=True, slots=True)
class ScheduleEntryData:
    """One member's place on a ticket. The owner usually has one too."""

    id: int
    ticket_id: int
    member: Ref | None
    is_done: bool = False
    is_owner: bool = False
    hours: float = 0.0
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a schedule entry of a service ticket."""
        return cls(
            id=int(data["id"]),
            ticket_id=int(data["objectId"]),
            member=Ref.from_json(data.get("member")),
            is_done=bool(data.get("doneFlag")),
            is_owner=bool(data.get("ownerFlag")),
            hours=hours_of(data, "hours"),
            starts_at=moment_of(data.get("dateStart")),
            ends_at=moment_of(data.get("dateEnd")),
        )


@dataclass(frozen=True, slots=True)
class TimeEntryData:
    id: int
    ticket_id: int
    member: Ref | None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    hours: float = 0.0
    notes: str = ""
    internal_notes: str = ""
    work_type: str = ""
    billable: str = ""  # Billable, DoNotBill, NoCharge or NoDefault
    status: str = ""
    is_open: bool = False  # only an open one can be corrected

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a time entry charged to a ticket."""
        return cls(
            id=int(data["id"]),
            ticket_id=int(data.get("chargeToId") or 0),
            member=Ref.from_json(data.get("member")),
            starts_at=moment_of(data.get("timeStart")),
            ends_at=moment_of(data.get("timeEnd")),
            hours=hours_of(data, "actualHours"),
            notes=unescaped(text_of(data, "notes"), is_markdown=False),
            internal_notes=unescaped(text_of(data, "internalNotes"), is_markdown=False),
            work_type=name_of(data, "workType"),
            billable=text_of(data, "billableOption"),
            status=text_of(data, "status"),
            is_open=data.get("status") == "Open",
        )
