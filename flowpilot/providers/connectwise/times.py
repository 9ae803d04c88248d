"""Time spent on tickets."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flowpilot.providers.connectwise import conditions
from flowpilot.providers.connectwise.calls import TIME, Calls, Params, read, read_all, rows_of, written
from flowpilot.providers.connectwise.errors import NotPermitted, Uncertain
from flowpilot.providers.connectwise.models import TimeEntryData, WorkTypeData

BILLABLE = ("Billable", "DoNotBill", "NoCharge", "NoDefault")
_FIELDS = "id,chargeToId,member,timeStart,timeEnd,actualHours,notes,internalNotes,workType,billableOption,status"


class Times(Calls):
    """A part of ConnectWise: time entries and kinds of work."""

    def list_time_entries(self, ticket_id: int) -> list[TimeEntryData]:
        """Return the time charged to a ticket, the latest first (at most a hundred entries)."""
        charged = '(chargeToType="ServiceTicket" or chargeToType="ProjectTicket")'
        return self._list(
            "/time/entries",
            TimeEntryData.from_json,
            "time entry",
            TIME,
            conditions=f"{charged} and {conditions.is_id('chargeToId', ticket_id)}",
            fields=_FIELDS,
            orderBy="timeStart desc,id desc",
            pageSize=100,
        )

    def create_time_entry(
        self,
        ticket_id: int,
        *,
        starts_at: datetime,
        ends_at: datetime,
        member_id: int,
        idle: timedelta = timedelta(),
        work_type_id: int | None = None,
        billable: str = "",
        notes: str = "",
        internal_notes: str = "",
        shown_in: frozenset[str] = frozenset(),
    ) -> TimeEntryData:
        """Charge time to a ticket, mailing nobody. Never repeated: after Uncertain, list the entries.

        `idle` is what between the start and the end was no work, and is not charged; `billable` is one of BILLABLE, or empty for the default; `shown_in` copies the notes into `internal`, `discussion` or
        `resolution`. Without a member ConnectWise refuses an API member's entry, so one is asked for.
        """
        body: dict[str, Any] = {
            "chargeToId": ticket_id,
            "chargeToType": "ServiceTicket",
            "member": {"id": member_id},
            "timeStart": _stamp(starts_at),
            "timeEnd": _stamp(ends_at),
            "addToInternalAnalysisFlag": "internal" in shown_in,
            "addToDetailDescriptionFlag": "discussion" in shown_in,
            "addToResolutionFlag": "resolution" in shown_in,
            "emailResourceFlag": False,
            "emailContactFlag": False,
            "emailCcFlag": False,
        }
        texts = {"notes": notes, "internalNotes": internal_notes, "billableOption": billable}
        body |= {name: text for name, text in texts.items() if text}
        if work_type_id is not None:
            body["workType"] = {"id": work_type_id}
        if idle:
            body["hoursDeduct"] = round(idle.total_seconds() / 3600, 4)
        response = self._wire.write("POST", "/time/entries", {}, body, f"{TIME} (add)")
        return read(TimeEntryData.from_json, written(response), "time entry", failure=Uncertain)

    def list_work_types(self) -> list[WorkTypeData]:
        """Return the kinds of work in use, by name."""
        params: Params = {"orderBy": "id asc", "pageSize": 1000}
        full, light = "id,name,billTime,inactiveFlag,overallDefaultFlag", "id,name,defaultFlag,inactiveFlag"
        try:
            response = self._get("/time/workTypes", {}, params | {"fields": full}, TIME)
        except NotPermitted:
            response = self._get("/time/workTypes/info", {}, params | {"fields": light}, TIME)
        rows = [row for row in rows_of(response) if not row.get("inactiveFlag")]
        return sorted(read_all(WorkTypeData.from_json, rows, "work type"), key=lambda each: each.name.lower())


def _stamp(moment: datetime) -> str:
    """Write a moment in whole seconds: ConnectWise refuses fractions."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
