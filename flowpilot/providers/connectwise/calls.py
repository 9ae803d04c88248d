"""What the nouns of ConnectWise share: asking, and reading what came back."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx

from flowpilot.errors import Unavailable
from flowpilot.providers.connectwise.errors import NotPermitted, Uncertain, UnknownAddress
from flowpilot.providers.connectwise.wire import Wire

type Params = dict[str, str | int]
type Record = dict[str, Any]
type Rows = list[Record]

MOST_PAGES = 50

# The permissions of a security role, by the names an admin finds them under.
TICKETS = "Service Desk > Service Tickets"
SCHEDULING = "Service Desk > Resource Scheduling"
CONFIGURATIONS = "Companies > Configurations"
COMPANIES = "Companies > Company Maintenance"
CONTACTS = "Companies > Contacts"
MEMBERS = "System > Member Maintenance"
TIME = "Time & Expense > Time Entry"
CALLBACKS = "System > Table Setup"


class Calls:
    """Base of every noun: the wire, and the ways of reading that they share."""

    _wire: Wire

    def _get(self, template: str, ids: dict[str, int], params: Params, permission: str) -> httpx.Response:
        return self._wire.get(template, ids, params, f"{permission} (inquire)")

    def _list[T](
        self, template: str, parse: Callable[[Record], T], noun: str, permission: str, **asked: str | int | None
    ) -> list[T]:
        """Return the first page of a list. `id` stands in the path; what is None or empty is not asked for."""
        number = asked.pop("id", None)
        params: Params = {name: value for name, value in asked.items() if value not in (None, "")}
        response = self._get(template, {} if number is None else {"id": int(number)}, params, permission)
        return read_all(parse, rows_of(response), noun)

    def _pages(
        self, template: str, ids: dict[str, int], params: Params, permission: str
    ) -> Iterator[tuple[Rows, bool]]:
        """Yield pages with whether another follows. ConnectWise says so by its Link header alone."""
        for page in range(1, MOST_PAGES + 1):
            response = self._get(template, ids, params | {"page": page}, permission)
            has_more = "next" in response.links
            yield rows_of(response), has_more
            if not has_more:
                return

    def _listed_or_light(self, path: str, light_path: str, fields: str, light_fields: str, permission: str) -> Rows:
        """Read a whole setup list, in its light form where the full one is not permitted."""
        params: Params = {"orderBy": "id asc", "pageSize": 1000}
        try:
            return self._whole(path, params | {"fields": fields}, permission)
        except NotPermitted:
            try:
                return self._whole(light_path, params | {"fields": light_fields}, permission)
            except UnknownAddress:
                pass  # older servers have no light form: then the missing permission is what counts
            raise

    def _whole(self, path: str, params: Params, permission: str) -> Rows:
        return [row for rows, _ in self._pages(path, {}, params, permission) for row in rows]


def rows_of(response: httpx.Response) -> Rows:
    """Return the records of a list."""
    rows = _json(response)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unavailable("ConnectWise sent a list we cannot read.")
    return rows


def object_of(response: httpx.Response) -> Record:
    """Return one record."""
    data = _json(response)
    if not isinstance(data, dict):
        raise Unavailable("ConnectWise sent a record we cannot read.")
    return data


def written(response: httpx.Response) -> Record:
    """Return what a write answered. Success with an unreadable answer proves nothing."""
    try:
        return object_of(response)
    except Unavailable as error:
        raise Uncertain(
            "ConnectWise's answer cannot be read. It may have been done; check the ticket first."
        ) from error


def read[T](parse: Callable[[Record], T], data: Record, noun: str, failure: type[Unavailable] = Unavailable) -> T:
    """Return a record as a value of ours, or say that it cannot be read."""
    try:
        return parse(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise failure(f"ConnectWise sent a {noun} we cannot read.") from error


def read_all[T](parse: Callable[[Record], T], rows: Rows, noun: str) -> list[T]:
    """Return records as values of ours."""
    return [read(parse, row, noun) for row in rows]


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:  # a login page or a proxy's notice, with status 200
        raise Unavailable("Something other than ConnectWise answered. Try again, or check the site address.") from error
