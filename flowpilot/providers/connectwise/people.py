"""The MSP's people, and their places on tickets."""

from flowpilot.providers.connectwise import conditions
from flowpilot.providers.connectwise.calls import MEMBERS, SCHEDULING, Calls, Rows, read, read_all, rows_of, written
from flowpilot.providers.connectwise.errors import NotPermitted, Uncertain
from flowpilot.providers.connectwise.models import MemberData, ScheduleEntryData

SERVICE_TICKET = 4  # the schedule type; with another one the number is read as that of an activity
_FULL = "id,identifier,firstName,lastName,licenseClass,inactiveFlag,primaryEmail,officeEmail"
_LIGHT = "id,identifier,firstName,lastName,licenseClass,inactiveFlag,fullName,defaultEmail"
_ENTRY_FIELDS = "id,objectId,member,type,doneFlag,ownerFlag,hours,dateStart,dateEnd"
_ENTRIES = "/schedule/entries"


class People(Calls):
    """A part of ConnectWise: members, and who is scheduled on a ticket."""

    def list_members(self) -> list[MemberData]:
        """Return the people who can work on tickets, by name: no API members, nobody who left."""
        rows = self._listed_or_light("/system/members", "/system/info/members", _FULL, _LIGHT, MEMBERS)
        return sorted(_workers(rows), key=lambda member: member.name.lower())

    def search_members(self, text: str, *, limit: int = 20) -> list[MemberData]:
        """Return people whose name or login holds every word, by name."""
        names = ("firstName", "lastName", "identifier")
        params: dict[str, str | int] = {
            "conditions": conditions.all_of(["inactiveFlag=false", conditions.contains_words(names, text)]),
            "orderBy": "firstName asc,lastName asc,id asc",
            "pageSize": limit,
        }
        try:
            response = self._get("/system/members", {}, params | {"fields": _FULL}, MEMBERS)
        except NotPermitted:
            response = self._get("/system/info/members", {}, params | {"fields": _LIGHT}, MEMBERS)
        return _workers(rows_of(response))

    def list_schedule_entries(self, ticket_id: int) -> list[ScheduleEntryData]:
        """Return who is scheduled on a ticket, the latest first; one member may be there twice."""
        return self._list(
            _ENTRIES,
            ScheduleEntryData.from_json,
            "schedule entry",
            SCHEDULING,
            conditions=f"type/id={SERVICE_TICKET} and {conditions.is_id('objectId', ticket_id)}",
            fields=_ENTRY_FIELDS,
            orderBy="id desc",
            pageSize=100,
        )

    def create_schedule_entry(self, ticket_id: int, member_id: int) -> ScheduleEntryData:
        """Put a member on a ticket beside its owner. Never repeated; ConnectWise makes two of two."""
        body = {"objectId": ticket_id, "member": {"id": member_id}, "type": {"id": SERVICE_TICKET}}
        response = self._wire.write("POST", _ENTRIES, {}, body, f"{SCHEDULING} (add)")
        return read(ScheduleEntryData.from_json, written(response), "schedule entry", failure=Uncertain)

    def delete_schedule_entry(self, entry_id: int) -> None:
        """Take an entry off the schedule. Raises NotFound when it is gone already."""
        self._wire.write("DELETE", f"{_ENTRIES}/{{id}}", {"id": entry_id}, None, f"{SCHEDULING} (delete)")


def _workers(rows: Rows) -> list[MemberData]:
    kept = [row for row in rows if not row.get("inactiveFlag") and row.get("licenseClass") != "A"]
    return read_all(MemberData.from_json, kept, "member")
