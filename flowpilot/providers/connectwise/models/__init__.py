"""What ConnectWise sends, as typed values."""

from flowpilot.providers.connectwise.models.lookups import (
    BoardData,
    CompanyData,
    ContactData,
    MemberData,
    PriorityData,
    StatusData,
    SubTypeData,
    TypeData,
    WorkTypeData,
)
from flowpilot.providers.connectwise.models.system import CallbackData, CompanyInfo, RightData, ServerInfo
from flowpilot.providers.connectwise.models.tickets import (
    ConfigurationData,
    NoteData,
    ScheduleEntryData,
    TicketData,
    TicketPage,
    TimeEntryData,
)
from flowpilot.providers.connectwise.models.values import Ref

__all__ = [
    "BoardData",
    "CallbackData",
    "CompanyData",
    "CompanyInfo",
    "ConfigurationData",
    "ContactData",
    "MemberData",
    "NoteData",
    "PriorityData",
    "Ref",
    "RightData",
    "ScheduleEntryData",
    "ServerInfo",
    "StatusData",
    "SubTypeData",
    "TicketData",
    "TicketPage",
    "TimeEntryData",
    "TypeData",
    "WorkTypeData",
]
