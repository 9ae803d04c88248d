"""What ConnectWise calls by itself."""

from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import uuid4

from flowpilot.providers.connectwise.sandbox.replies import Problem, Reply, invalid
from flowpilot.providers.connectwise.sandbox.store.records import Records
from flowpilot.providers.connectwise.sandbox.tables import Record, info

LEVELS = {
    "ticket": {"owner", "board", "project", "phase", "status", "ticket", "integratortag"},
    "schedule": {"owner", "status", "type", "location", "member", "schedule"},
    "time": {"owner", "company", "time"},
    "contact": {"owner", "company", "contact"},
    "company": {"owner", "company", "type", "status", "territory"},
}
_BAD_LEVEL = "Unrecognized level for type, see documentation for supported levels for each type"


class Callbacks(Records):
    """A part of the store."""

    def add_callback(self, body: Record) -> Record:
        """Keep whom to call. Raises Problem."""
        for name in ("url", "objectId", "type", "level"):
            if body.get(name) is None:
                raise Problem(invalid("callbackEntry", "MissingRequiredField", f"The {name} field is required.", name))
        self._check(body)
        same = ("url", "objectId", "type", "level")
        if any(all(_plain(row[key]) == _plain(body[key]) for key in same) for row in self.tables.callbacks.values()):
            message = "A matching callback entry already exists"
            raise Problem(invalid("callbackEntry", "ObjectExists", message, "objectId"))
        return self.put(
            "callbacks",
            {
                "id": self.next_id("callbacks", 26_501),
                "description": body.get("description"),
                "url": body["url"],
                "objectId": body["objectId"] or 1,
                "type": body["type"],
                "level": body["level"],
                "memberId": self.api_member()["id"],
                "payloadVersion": "3.0.0",
                "inactiveFlag": bool(body.get("inactiveFlag")),
                "isSoapCallbackFlag": False,
                "isSelfSuppressedFlag": False,
                "connectWiseID": str(uuid4()),
                "_info": info(datetime.now(UTC), self.api_member()["identifier"]),
            },
        )

    def _check(self, body: Record) -> None:
        errors = []
        address = urlsplit(str(body["url"]))
        if address.scheme not in ("http", "https") or not address.hostname:
            errors.append(("InvalidField", "Invalid URL", "url"))
        if str(body["level"]).lower() not in LEVELS.get(str(body["type"]).lower(), set()):
            errors.append(("InvalidObject", _BAD_LEVEL, "level"))
        if errors:
            details = [
                {"code": code, "message": message, "resource": "callbackEntry", "field": at}
                for code, message, at in errors
            ]
            body = {"code": "InvalidObject", "message": "callbackEntry object is invalid", "errors": details}
            raise Problem(Reply(400, body))


def _plain(value: object) -> str:
    return str(value).lower()
