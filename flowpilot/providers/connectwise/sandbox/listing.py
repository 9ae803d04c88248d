"""Lists: conditions, order, pages, Link headers, chosen fields."""

import random
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flowpilot.providers.connectwise.sandbox.conditions import Record, compile_conditions, value_at
from flowpilot.providers.connectwise.sandbox.replies import Problem, Reply, bad_condition, coded
from flowpilot.providers.connectwise.sandbox.schema import CHILD, NULL, Schema
from flowpilot.providers.connectwise.sandbox.switches import Switches

DEFAULT_PAGE, LARGEST_PAGE = 25, 1000
Query = dict[str, str]


def listed(rows: list[Record], query: Query, schema: Schema, switches: Switches, *, url: str, forward: bool) -> Reply:
    """Return one page of the rows, as the query asks for it."""
    rows = matching(rows, query, schema, switches)
    size = min(_number(query, "pageSize", DEFAULT_PAGE), LARGEST_PAGE)
    if forward:
        return _forward_page(rows, query, schema, switches, size, url)
    rows = _ordered(rows, query.get("orderBy", ""), schema)
    page = max(_number(query, "page", 1), 1)
    shown = rows[(page - 1) * size : page * size]
    headers = {"Link": link} if (link := _link(query, page, size, len(rows), url)) else {}
    return Reply(200, [projected(row, query, schema, switches) for row in shown], headers)


def matching(rows: list[Record], query: Query, schema: Schema, switches: Switches) -> list[Record]:
    """Return the rows the conditions let through."""
    if query.get("customFieldConditions"):
        rows = _by_custom_fields(rows, query["customFieldConditions"], switches)
    if query.get("childConditions"):
        of_a_child = compile_conditions(query["childConditions"], CHILD, switches)
        rows = [row for row in rows if any(of_a_child(child) for child in _children(row))]
    text = query.get("conditions", "").strip()
    if not text:
        return list(rows)
    test = compile_conditions(text, schema, switches)
    return [row for row in rows if test(row)]


def _children(row: Record) -> Iterator[Record]:
    """Yield the items of a record's arrays, each as a record with that one item."""
    for name, value in row.items():
        if isinstance(value, list):
            yield from ({name: item} for item in value if isinstance(item, dict))


def _by_custom_fields(rows: list[Record], text: str, switches: Switches) -> list[Record]:
    test = compile_conditions(text, {"caption": "str", "value": "str"}, switches)
    return [row for row in rows if any(test(each) for each in row.get("customFields") or ())]


def projected(row: Record, query: Query, schema: Schema, switches: Switches) -> Record:
    """Return the record as it is sent: without nulls, and with only the fields asked for."""
    row = sendable(row)
    names = [name for name in query.get("fields", "").split(",") if name]
    if not names:
        return row
    if names == ["*"]:
        return {"id": row["id"]}
    shown: Record = {}
    for name in names:
        if name.split("/")[0] not in schema and switches.refuses_unknown_fields:
            raise Problem(bad_condition(f"{name} is not a recognized name."))
        value = value_at(row, name) if "/" in name else row.get(name)
        if value is None:
            continue
        *outer, last = name.split("/")
        place = shown
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = value
    return shown


def sendable(value: Any) -> Any:
    """Drop nulls, and what the sandbox keeps for itself."""
    if value is NULL:
        return None
    if isinstance(value, dict):
        kept = {key: sendable(item) for key, item in value.items() if item is not None}
        return {key: item for key, item in kept.items() if key == "_info" or not key.startswith("_")}
    return [sendable(item) for item in value] if isinstance(value, list) else value


def _ordered(rows: list[Record], order: str, schema: Schema) -> list[Record]:
    """Sort; rows the order does not tell apart come as they like, as from a database."""
    if not order or "id" not in order.split(",")[-1].split():
        rows = random.sample(rows, len(rows))
    for part in reversed([part.strip() for part in order.split(",") if part.strip()]):
        name, _, direction = part.partition(" ")
        if name not in schema or schema[name] in ("ref", "info", "attached", "list"):
            raise Problem(bad_condition(f"{name} is not a recognized name."))
        if direction.strip().lower() not in ("", "asc", "desc"):
            raise Problem(bad_condition(f"Syntax error near '{direction}'."))
        rows.sort(key=partial(_sort_key, name), reverse=direction.strip().lower() == "desc")
    return rows


def _sort_key(name: str, row: Record) -> tuple[bool, Any]:
    value = value_at(row, name)
    return (value is not None, value.lower() if isinstance(value, str) else (value or 0))


def _forward_page(rows: list[Record], query: Query, schema: Schema, switches: Switches, size: int, url: str) -> Reply:
    if query.get("orderBy"):
        raise Problem(bad_condition("orderBy is not supported with forward-only paging."))
    after = _number(query, "pageId", 0)
    rows = sorted((row for row in rows if row["id"] > after), key=lambda row: row["id"])
    shown = rows[:size]
    link = ""
    if len(rows) > size:
        link = f'<{url}?{urlencode(query | {"pageId": str(shown[-1]["id"])})}>; rel="next"'
    return Reply(200, [projected(row, query, schema, switches) for row in shown], {"Link": link})


def _link(query: Query, page: int, size: int, total: int, url: str) -> str:
    """Return the Link header; there is none when everything fits on one page."""
    last = -(-total // size) if size else 1
    if last <= 1:
        return ""
    pages = {"next": page + 1, "last": last} if page < last else {}
    if page > 1:
        pages |= {"prev": min(page - 1, last), "first": 1}
    return ", ".join(f'<{url}?{urlencode(query | {"page": str(n)})}>; rel="{rel}"' for rel, n in pages.items())


def _number(query: Query, name: str, default: int) -> int:
    value = query.get(name, "")
    if not value:
        return default
    if not value.isdigit():
        raise Problem(coded(500, "ConnectWiseApi", "Input string was not in a correct format."))
    return int(value) or default
