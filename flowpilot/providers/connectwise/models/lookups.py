"""What tickets are filled in from: boards and their lists, people, clients."""

from dataclasses import dataclass
from typing import Self

from flowpilot.providers.connectwise.models.values import Json, Ref, name_of, text_of


@dataclass(frozen=True, slots=True)
class StatusData:
    id: int
    name: str
    is_closed: bool = False
    sort_order: int = 0
    is_default: bool = False
    takes_time: bool = True  # whether time may be entered in this status

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a status of one board."""
        return cls(
            id=int(data["id"]),
            name=text_of(data, "name"),
            is_closed=bool(data.get("closedStatus")),
            sort_order=int(data.get("sortOrder") or 0),
            is_default=bool(data.get("defaultFlag")),
            takes_time=not data.get("timeEntryNotAllowed"),
        )


@dataclass(frozen=True, slots=True)
class BoardData:
    id: int
    name: str

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a service board."""
        return cls(id=int(data["id"]), name=text_of(data, "name"))


@dataclass(frozen=True, slots=True)
class PriorityData:
    id: int
    name: str
    rank: int = 0  # 1 is the most urgent
    color: str = ""
    is_default: bool = False

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a priority; they are the same on every board."""
        return cls(
            id=int(data["id"]),
            name=text_of(data, "name"),
            rank=int(data.get("sortOrder") or 0),
            color=text_of(data, "color"),
            is_default=bool(data.get("defaultFlag")),
        )


@dataclass(frozen=True, slots=True)
class TypeData:
    id: int
    name: str
    is_default: bool = False

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a type of one board."""
        return cls(id=int(data["id"]), name=text_of(data, "name"), is_default=bool(data.get("defaultFlag")))


@dataclass(frozen=True, slots=True)
class SubTypeData:
    id: int
    name: str
    type_ids: tuple[int, ...] = ()  # the types it goes with

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a subtype of one board."""
        return cls(
            id=int(data["id"]),
            name=text_of(data, "name"),
            type_ids=tuple(int(number) for number in data.get("typeAssociationIds") or ()),
        )


@dataclass(frozen=True, slots=True)
class WorkTypeData:
    id: int
    name: str
    billable: str = ""  # Billable, DoNotBill or NoCharge
    is_default: bool = False

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a kind of work, in the full form or the light one of /time/workTypes/info."""
        return cls(
            id=int(data["id"]),
            name=text_of(data, "name"),
            billable=text_of(data, "billTime"),
            is_default=bool(data.get("overallDefaultFlag") or data.get("defaultFlag")),
        )


@dataclass(frozen=True, slots=True)
class MemberData:
    id: int
    identifier: str
    name: str
    email: str = ""

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a member, in the full form or the light one of /system/info/members."""
        full = " ".join(part for part in (text_of(data, "firstName"), text_of(data, "lastName")) if part)
        emails = (text_of(data, key) for key in ("primaryEmail", "officeEmail", "defaultEmail"))
        return cls(
            id=int(data["id"]),
            identifier=text_of(data, "identifier"),
            name=full or text_of(data, "fullName") or text_of(data, "identifier"),
            email=next((email for email in emails if "@" in email), ""),
        )


@dataclass(frozen=True, slots=True)
class CompanyData:
    id: int
    name: str
    identifier: str = ""
    city: str = ""
    phone: str = ""
    status: str = ""

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a company."""
        return cls(
            id=int(data["id"]),
            name=text_of(data, "name"),
            identifier=text_of(data, "identifier"),
            city=text_of(data, "city"),
            phone=text_of(data, "phoneNumber"),
            status=name_of(data, "status"),
        )


@dataclass(frozen=True, slots=True)
class ContactData:
    id: int
    name: str
    title: str = ""
    email: str = ""
    phone: str = ""
    company: Ref | None = None
    is_default: bool = False

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a contact; its e-mail address is among its communication items."""
        items = [item for item in data.get("communicationItems") or () if item.get("communicationType") == "Email"]
        items.sort(key=lambda item: not item.get("defaultFlag"))
        return cls(
            id=int(data["id"]),
            name=" ".join(part for part in (text_of(data, "firstName"), text_of(data, "lastName")) if part),
            title=text_of(data, "title"),
            email=next((text_of(item, "value") for item in items), ""),
            phone=text_of(data, "defaultPhoneNbr"),
            company=Ref.from_json(data.get("company")),
            is_default=bool(data.get("defaultFlag")),
        )
