"""Tickets: finding, reading, creating and changing them."""

from datetime import datetime
from typing import Any, Unpack

from flowpilot.errors import Invalid, Refused
from flowpilot.providers.connectwise import conditions
from flowpilot.providers.connectwise.calls import (
    TICKETS,
    Calls,
    Params,
    object_of,
    read,
    read_all,
    rows_of,
    written,
)
from flowpilot.providers.connectwise.conditions import Criteria
from flowpilot.providers.connectwise.errors import Uncertain
from flowpilot.providers.connectwise.models import TicketData, TicketPage

LONGEST_SUMMARY = 100
ORDERS = {  # each ends with the id, so that no two tickets are equal and pages do not overlap
    "updated": "lastUpdated desc,id desc",
    "newest": "id desc",
    "oldest": "id asc",
    "priority": "priority/sort asc,id desc",
    "company": "company/name asc,id desc",
    "status": "status/name asc,id desc",
    "due": "resolutionGoalUTC asc,id desc",
}
_FIELDS = (
    "id,summary,board,status,priority,company,contact,contactName,contactEmailAddress,contactPhoneNumber,siteName,site,"
    "owner,resources,type,subType,source,severity,impact,sla,slaStatus,resolutionGoalUTC,closedFlag,closedDate,"
    "_info/dateEntered,_info/lastUpdated"
)
_PATH = "/service/tickets/{id}"


class Tickets(Calls):
    """A part of ConnectWise: what can be asked of tickets."""

    def search_tickets(
        self, *, page: int = 1, page_size: int = 50, order: str = "updated", **wanted: Unpack[Criteria]
    ) -> TicketPage:
        """Return one page of tickets. A page may be shorter than asked and still have more behind it.

        `Criteria` says what can be searched by; `order` is one of ORDERS.
        """
        params: Params = {"fields": _FIELDS, "orderBy": ORDERS[order], "page": page, "pageSize": page_size}
        if condition := conditions.tickets(wanted):
            params["conditions"] = condition
        response = self._get("/service/tickets", {}, params, TICKETS)
        found = read_all(TicketData.from_json, rows_of(response), "ticket")
        tickets = tuple(ticket for ticket in found if _is_wanted(ticket, wanted))
        return TicketPage(tickets=tickets, page=page, has_more="next" in response.links)

    def count_tickets(self, **wanted: Unpack[Criteria]) -> int:
        """Return how many tickets there are. With a member it may count a few of members with a longer name."""
        condition = conditions.tickets(wanted)
        params: Params = {"conditions": condition} if condition else {}
        data = object_of(self._get("/service/tickets/count", {}, params, TICKETS))
        return read(lambda data: int(data["count"]), data, "count")

    def get_ticket(self, ticket_id: int) -> TicketData:
        """Return one service ticket. Raises NotFound."""
        response = self._get(_PATH, {"id": ticket_id}, {"fields": _FIELDS}, TICKETS)
        return read(TicketData.from_json, object_of(response), "ticket")

    def find_ticket(self, reference: str, since: datetime | None = None) -> TicketData | None:
        """Return the ticket that was created with a reference, or None."""
        page = self.search_tickets(
            external_reference=reference, open_only=False, entered_since=since, order="oldest", page_size=2
        )
        return page.tickets[0] if page.tickets else None

    def create_ticket(
        self,
        *,
        summary: str,
        company_id: int,
        board_id: int,
        contact_id: int | None = None,
        description: str = "",
        priority_id: int | None = None,
        type_id: int | None = None,
        sub_type_id: int | None = None,
        status_id: int | None = None,
        owner_id: int | None = None,
        reference: str = "",
    ) -> TicketData:
        """Create a ticket, mailing nobody. Never repeated: after Uncertain, look for its `reference` with find_ticket.

        What is left out is the board's default. Raises Invalid when ConnectWise does not take it.
        """
        summary = " ".join(summary.split())
        if not summary or len(summary) > LONGEST_SUMMARY:
            raise Invalid(f"A ticket needs a summary of at most {LONGEST_SUMMARY} characters.")
        numbers = {
            "company": company_id,
            "board": board_id,
            "contact": contact_id,
            "priority": priority_id,
            "type": type_id,
            "subType": sub_type_id,
            "status": status_id,
            "owner": owner_id,
        }
        texts = {"summary": summary, "initialDescription": description.strip(), "externalXRef": reference}
        body: dict[str, Any] = {name: text for name, text in texts.items() if text}
        body |= {name: {"id": number} for name, number in numbers.items() if number is not None}
        body["processNotifications"] = False
        response = self._wire.write("POST", "/service/tickets", {}, body, f"{TICKETS} (add)")
        return read(TicketData.from_json, written(response), "ticket", failure=Uncertain)

    def set_status(self, ticket_id: int, status_id: int) -> TicketData:
        """Move a ticket to a status of its board; return the ticket as it is now.

        Raises Refused when ConnectWise answers with success and keeps another status, as it does for other boards'.
        """
        ticket = self._patch(ticket_id, "replace", "status", {"id": status_id})
        if ticket.status is None or ticket.status.id != status_id:
            kept = f"“{ticket.status.name}”" if ticket.status else "another status"
            raise Refused(f"ConnectWise kept the status {kept}. The chosen one does not belong to this ticket's board.")
        return ticket

    def set_priority(self, ticket_id: int, priority_id: int) -> TicketData:
        """Give a ticket a priority; return the ticket as it is now. Raises Refused when ConnectWise kept another."""
        ticket = self._patch(ticket_id, "replace", "priority", {"id": priority_id})
        if ticket.priority is None or ticket.priority.id != priority_id:
            raise Refused("ConnectWise answered with success, and kept the priority as it was.")
        return ticket

    def set_owner(self, ticket_id: int, member_id: int) -> TicketData:
        """Make a member the owner; return the ticket as it is now. Raises Refused when ConnectWise kept another."""
        ticket = self._patch(ticket_id, "replace", "owner", {"id": member_id})
        if ticket.owner is None or ticket.owner.id != member_id:
            raise Refused("ConnectWise answered with success, and kept the owner as it was.")
        return ticket

    def clear_owner(self, ticket_id: int) -> TicketData:
        """Leave a ticket without an owner, in whichever way the server takes; return the ticket, read afresh."""
        try:
            self._patch(ticket_id, "remove", "owner", None)
        except Invalid:  # some servers refuse to remove it, and take null
            self._patch(ticket_id, "replace", "owner", None)
        ticket = self.get_ticket(ticket_id)
        if ticket.owner is not None:
            raise Refused(f"ConnectWise answered with success, and kept {ticket.owner.name} as the owner.")
        return ticket

    def _patch(self, ticket_id: int, verb: str, path: str, value: dict[str, int] | None) -> TicketData:
        operation: dict[str, Any] = {"op": verb, "path": path}
        if verb != "remove":
            operation["value"] = value
        response = self._wire.write("PATCH", _PATH, {"id": ticket_id}, [operation], f"{TICKETS} (edit)")
        return read(TicketData.from_json, written(response), "ticket", failure=Uncertain)


def _is_wanted(ticket: TicketData, wanted: Criteria) -> bool:
    """Sort out what conditions cannot: `al` also finds `albert` among the resources."""
    identifier = wanted.get("owner_identifier")
    if identifier and identifier.lower() not in ticket.is_assigned_to:
        return False
    return not (wanted.get("is_unassigned") and ticket.is_assigned_to)
