"""Boards and what tickets on them can be: statuses, types, priorities."""

from flowpilot.providers.connectwise.calls import TICKETS, Calls, Params, read_all
from flowpilot.providers.connectwise.models import BoardData, PriorityData, StatusData, SubTypeData, TypeData

_WHOLE: Params = {"orderBy": "id asc", "pageSize": 1000}


class Boards(Calls):
    """A part of ConnectWise: what a ticket can be filed under."""

    def list_boards(self) -> list[BoardData]:
        """Return the service boards in use, by name."""
        fields = "id,name,inactiveFlag,projectFlag"
        rows = self._listed_or_light("/service/boards", "/service/info/boards", fields, fields, TICKETS)
        rows = [row for row in rows if not row.get("inactiveFlag") and not row.get("projectFlag")]
        return sorted(read_all(BoardData.from_json, rows, "board"), key=lambda board: board.name.lower())

    def list_statuses(self, board_id: int) -> list[StatusData]:
        """Return a board's statuses in their order. Equal names on another board are other statuses."""
        fields = "id,name,sortOrder,inactive,closedStatus,defaultFlag,timeEntryNotAllowed"
        rows = self._of_board("statuses", board_id, fields)
        statuses = read_all(StatusData.from_json, [row for row in rows if not row.get("inactive")], "status")
        return sorted(statuses, key=lambda status: (status.sort_order, status.id))

    def list_types(self, board_id: int) -> list[TypeData]:
        """Return a board's types, by name."""
        rows = self._of_board("types", board_id, "id,name,inactiveFlag,defaultFlag")
        types = read_all(TypeData.from_json, [row for row in rows if not row.get("inactiveFlag")], "type")
        return sorted(types, key=lambda each: each.name.lower())

    def list_sub_types(self, board_id: int) -> list[SubTypeData]:
        """Return a board's subtypes, by name; each says which types it goes with."""
        rows = self._of_board("subtypes", board_id, "id,name,inactiveFlag,typeAssociationIds")
        types = read_all(SubTypeData.from_json, [row for row in rows if not row.get("inactiveFlag")], "subtype")
        return sorted(types, key=lambda each: each.name.lower())

    def list_priorities(self) -> list[PriorityData]:
        """Return the priorities of every board, the most urgent first."""
        rows = self._whole("/service/priorities", _WHOLE | {"fields": "id,name,sortOrder,color,defaultFlag"}, TICKETS)
        return sorted(read_all(PriorityData.from_json, rows, "priority"), key=lambda each: (each.rank, each.id))

    def _of_board(self, noun: str, board_id: int, fields: str) -> list[dict]:
        template = "/service/boards/{id}/" + noun
        pages = self._pages(template, {"id": board_id}, _WHOLE | {"fields": fields}, TICKETS)
        return [row for rows, _ in pages for row in rows]
