"""What FlowPilot asks of ConnectWise, and nothing more."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx

from flowpilot.errors import Refused, Unavailable
from flowpilot.providers.connectwise import conditions
from flowpilot.providers.connectwise.errors import NotPermitted, Uncertain, UnknownAddress
from flowpilot.providers.connectwise.models import (
    BoardData,
    ConfigurationData,
    MemberData,
    NoteData,
    ServerInfo,
    StatusData,
    TicketData,
    TicketPage,
)
from flowpilot.providers.connectwise.wire import Wire

_TICKET_FIELDS = (
    "id,summary,board,status,priority,company,contact,contactName,contactEmailAddress,contactPhoneNumber,siteName,site,"
    "owner,resources,type,severity,impact,slaStatus,resolutionGoalUTC,closedFlag,_info/dateEntered,_info/lastUpdated"
)
_NOTE_FIELDS = "id,text,detailDescriptionFlag,internalAnalysisFlag,resolutionFlag,member,contact,_info"
_CONFIGURATION_FIELDS = (
    "id,name,type,status,osType,osInfo,ram,modelNumber,serialNumber,ipAddress,lastLoginName,activeFlag"
)
ORDERS = {  # each ends with the id, so that no two tickets are equal and pages do not overlap
    "updated": "lastUpdated desc,id desc",
    "newest": "id desc",
    "oldest": "id asc",
    "priority": "priority/sort asc,id desc",
    "company": "company/name asc,id desc",
    "due": "resolutionGoalUTC asc,id desc",
}
_NOTES_A_PAGE, _MOST_PAGES = 100, 50
_CLOCK_MARGIN = timedelta(minutes=5)

TICKETS = "Service Desk > Service Tickets"
CONFIGURATIONS = "Companies > Configurations"
MEMBERS = "System > Member Maintenance"

_Params = dict[str, str | int]
_Rows = list[dict[str, Any]]


class ConnectWise:
    """One account's ConnectWise. Failures are NotFound, Refused, Invalid or Unavailable; errors.py tells them apart."""

    def __init__(
        self,
        *,
        base_url: str,
        company_id: str,
        public_key: str,
        private_key: str,
        client_id: str,
        read_timeout: float = 10.0,
    ) -> None:
        self._wire = Wire(
            base_url=base_url,
            login=f"{company_id}+{public_key}",
            private_key=private_key,
            client_id=client_id,
            read_timeout=read_timeout,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def test(self) -> ServerInfo:
        """Prove that the address, the keys and the first permission work; return what the server is."""
        info = _object(self._get("/system/info", {}, {}, TICKETS))
        # /system/info answers without keys on some servers, so it proves nothing by itself
        self._get("/service/boards", {}, {"pageSize": 1, "fields": "id", "orderBy": "id asc"}, TICKETS)
        return _read(ServerInfo.from_json, info, "description of itself")

    def search_tickets(
        self,
        *,
        text: str = "",
        board_id: int | None = None,
        status_names: Sequence[str] = (),
        open_only: bool = True,
        owner_identifier: str | None = None,
        page: int = 1,
        page_size: int = 50,
        order: str = "updated",
    ) -> TicketPage:
        """Return one page of tickets. A page may be shorter than asked and still have more behind it.

        The text is looked for in the summary, the company's and the contact's name, and as a ticket number.
        `owner_identifier` finds the tickets a member owns or shares. `order` is one of ORDERS.
        """
        condition = conditions.tickets(
            text=text,
            board_id=board_id,
            status_names=status_names,
            open_only=open_only,
            owner_identifier=owner_identifier,
        )
        params: _Params = {"fields": _TICKET_FIELDS, "orderBy": ORDERS[order], "page": page, "pageSize": page_size}
        if condition:
            params["conditions"] = condition
        response = self._get("/service/tickets", {}, params, TICKETS)
        tickets = _read_all(TicketData.from_json, _rows(response), "ticket")
        if owner_identifier:
            tickets = [ticket for ticket in tickets if owner_identifier.lower() in ticket.is_assigned_to]
        return TicketPage(tickets=tuple(tickets), page=page, has_more="next" in response.links)

    def get_ticket(self, ticket_id: int) -> TicketData:
        """Return one service ticket. Raises NotFound."""
        response = self._get("/service/tickets/{id}", {"id": ticket_id}, {"fields": _TICKET_FIELDS}, TICKETS)
        return _read(TicketData.from_json, _object(response), "ticket")

    def list_notes(self, ticket_id: int) -> list[NoteData]:
        """Return everything written on a ticket, newest first; time entries' notes too where the server has them."""
        extra = ",noteType,isMarkdownFlag,timeStart,originalAuthor"
        try:
            pages = self._note_pages("/service/tickets/{id}/allNotes", ticket_id, _NOTE_FIELDS + extra)
            notes = [note for page in pages for note in page]
        except UnknownAddress:  # servers before allNotes
            pages = self._note_pages("/service/tickets/{id}/notes", ticket_id, _NOTE_FIELDS + ",dateCreated,createdBy")
            notes = [note for page in pages for note in page]
        oldest = datetime.min.replace(tzinfo=UTC)
        return sorted(notes, key=lambda note: (note.created_at or oldest, note.id), reverse=True)

    def find_note(self, ticket_id: int, reference: str, since: datetime) -> NoteData | None:
        """Return the note that carries the reference, if one was written since then (less five minutes).

        The reference is looked for bare, as brackets around it may read back escaped.
        """
        for notes in self._note_pages(
            "/service/tickets/{id}/notes", ticket_id, _NOTE_FIELDS + ",dateCreated,createdBy"
        ):
            found = next((note for note in notes if reference in note.text.replace("\\", "")), None)
            if found or any(note.created_at and note.created_at < since - _CLOCK_MARGIN for note in notes):
                return found
        return None

    def list_configurations(self, ticket_id: int) -> list[ConfigurationData]:
        """Return the devices attached to a ticket, by name. The ticket itself only holds references to them."""
        params: _Params = {"fields": "id", "orderBy": "id asc", "pageSize": 100}
        path = "/service/tickets/{id}/configurations"
        ids = _read_all(
            lambda row: int(row["id"]), _rows(self._get(path, {"id": ticket_id}, params, TICKETS)), "device"
        )
        if not ids:
            return []
        params = {
            "conditions": conditions.is_any_id_of("id", ids),
            "fields": _CONFIGURATION_FIELDS,
            "orderBy": "name asc,id asc",
            "pageSize": 100,
        }
        rows = _rows(self._get("/company/configurations", {}, params, CONFIGURATIONS))
        return _read_all(ConfigurationData.from_json, rows, "configuration")

    def list_boards(self) -> list[BoardData]:
        """Return the service boards in use, by name."""
        fields = "id,name,inactiveFlag,projectFlag"
        rows = self._listed_or_light("/service/boards", "/service/info/boards", fields, fields, TICKETS)
        rows = [row for row in rows if not row.get("inactiveFlag") and not row.get("projectFlag")]
        return sorted(_read_all(BoardData.from_json, rows, "board"), key=lambda board: board.name.lower())

    def list_statuses(self, board_id: int) -> list[StatusData]:
        """Return a board's statuses in their order. Equal names on another board are other statuses."""
        path, fields = "/service/boards/{id}/statuses", "id,name,sortOrder,inactive,closedStatus,defaultFlag"
        params: _Params = {"fields": fields, "orderBy": "id asc", "pageSize": 1000}
        rows = _rows(self._get(path, {"id": board_id}, params, TICKETS))
        statuses = _read_all(StatusData.from_json, [row for row in rows if not row.get("inactive")], "status")
        return sorted(statuses, key=lambda status: (status.sort_order, status.id))

    def list_members(self) -> list[MemberData]:
        """Return the people who can work on tickets, by name: no API members, nobody who left."""
        fields = "id,identifier,firstName,lastName,licenseClass,inactiveFlag"
        full, light = f"{fields},primaryEmail,officeEmail", f"{fields},fullName,defaultEmail"
        rows = self._listed_or_light("/system/members", "/system/info/members", full, light, MEMBERS)
        rows = [row for row in rows if not row.get("inactiveFlag") and row.get("licenseClass") != "A"]
        return sorted(_read_all(MemberData.from_json, rows, "member"), key=lambda member: member.name.lower())

    def create_note(
        self,
        ticket_id: int,
        text: str,
        *,
        is_internal: bool,
        is_discussion: bool,
        is_resolution: bool,
        member_id: int | None = None,
    ) -> NoteData:
        """Write a note, mailing nobody. Never repeated: see Uncertain, Throttled and Unavailable for what to do.

        Raises ValueError when no flag says where it shows, or when an internal text would be shown to the customer.
        """
        if not (is_internal or is_discussion or is_resolution):
            raise ValueError("A note needs a place: internal, discussion or resolution.")
        if is_internal and is_discussion:
            raise ValueError("ConnectWise shows a note that is internal and discussion to the customer.")
        body: dict[str, Any] = {
            "text": text,
            "internalAnalysisFlag": is_internal,
            "detailDescriptionFlag": is_discussion,
            "resolutionFlag": is_resolution,
            "processNotifications": False,
        }
        if member_id is not None:
            body["member"] = {"id": member_id}
        path = "/service/tickets/{id}/notes"
        response = self._wire.write("POST", path, {"id": ticket_id}, body, f"{TICKETS} (add)")
        return _read(NoteData.from_json, _written(response), "note", failure=Uncertain)

    def set_status(self, ticket_id: int, status_id: int) -> TicketData:
        """Move a ticket to a status of its board; return the ticket as it is now.

        Raises Refused when ConnectWise answers with success and keeps another status, as it does for other boards'.
        """
        operations = [{"op": "replace", "path": "status", "value": {"id": status_id}}]
        path = "/service/tickets/{id}"
        response = self._wire.write("PATCH", path, {"id": ticket_id}, operations, f"{TICKETS} (edit)")
        ticket = _read(TicketData.from_json, _written(response), "ticket", failure=Uncertain)
        if ticket.status is None or ticket.status.id != status_id:
            kept = f"“{ticket.status.name}”" if ticket.status else "another status"
            raise Refused(f"ConnectWise kept the status {kept}. The chosen one does not belong to this ticket's board.")
        return ticket

    def _get(self, template: str, ids: dict[str, int], params: _Params, permission: str) -> httpx.Response:
        return self._wire.get(template, ids, params, f"{permission} (inquire)")

    def _note_pages(self, template: str, ticket_id: int, fields: str) -> Iterator[list[NoteData]]:
        """Yield pages of notes, newest first, until the last one."""
        for page in range(1, _MOST_PAGES + 1):
            params: _Params = {"fields": fields, "orderBy": "id desc", "page": page, "pageSize": _NOTES_A_PAGE}
            response = self._get(template, {"id": ticket_id}, params, TICKETS)
            yield _read_all(NoteData.from_json, _rows(response), "note")
            if "next" not in response.links:
                return

    def _listed_or_light(self, path: str, light_path: str, fields: str, light_fields: str, permission: str) -> _Rows:
        """Read a whole setup list, in its light form where the full one is not permitted."""
        params: _Params = {"orderBy": "id asc", "pageSize": 1000}
        try:
            return _rows(self._get(path, {}, params | {"fields": fields}, permission))
        except NotPermitted:
            try:
                return _rows(self._get(light_path, {}, params | {"fields": light_fields}, permission))
            except UnknownAddress:
                pass  # older servers have no light form: then the missing permission is what counts
            raise


def _rows(response: httpx.Response) -> _Rows:
    rows = _json(response)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unavailable("ConnectWise sent a list we cannot read.")
    return rows


def _object(response: httpx.Response) -> dict[str, Any]:
    data = _json(response)
    if not isinstance(data, dict):
        raise Unavailable("ConnectWise sent a record we cannot read.")
    return data


def _written(response: httpx.Response) -> dict[str, Any]:
    """Return what a write answered. Success with an unreadable answer proves nothing."""
    try:
        return _object(response)
    except Unavailable as error:
        raise Uncertain(
            "ConnectWise's answer cannot be read. It may have been done; check the ticket first."
        ) from error


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:  # a login page or a proxy's notice, with status 200
        raise Unavailable("Something other than ConnectWise answered. Try again, or check the site address.") from error


def _read[T](
    parse: Callable[[dict[str, Any]], T], data: dict[str, Any], noun: str, failure: type[Unavailable] = Unavailable
) -> T:
    try:
        return parse(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise failure(f"ConnectWise sent a {noun} we cannot read.") from error


def _read_all[T](parse: Callable[[dict[str, Any]], T], rows: _Rows, noun: str) -> list[T]:
    return [_read(parse, row, noun) for row in rows]
