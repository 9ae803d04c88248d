"""What the sandbox answers: bodies word for word as ConnectWise sends them."""

import json
from dataclasses import dataclass, field
from typing import Any

HTML_404 = "<!DOCTYPE html><html><head><title>404 - File or directory not found.</title></head><body>404</body></html>"

HTML_503 = (
    "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>"
)


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any = None  # text is sent as it is, everything else as JSON
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """Return the body as it goes over the wire."""
        if self.body is None and self.status == 204:
            return b""
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()

    def content_type(self) -> str:
        """Return the media type of the body."""
        if not isinstance(self.body, str):
            return "application/json; charset=utf-8"
        return "text/html" if self.body.startswith("<") else "text/plain"


class Problem(Exception):
    """A request the sandbox refuses; carries the answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def coded(status: int, code: str, message: str) -> Reply:
    """The short form of an error."""
    return Reply(status, {"code": code, "message": message})


def invalid(resource: str, code: str, message: str, at: str) -> Reply:
    """A record that breaks one rule."""
    error = {"code": code, "message": message, "resource": resource, "field": at}
    return Reply(400, {"code": "InvalidObject", "message": f"{resource} object is invalid", "errors": [error]})


def bad_condition(message: str) -> Reply:
    """A condition string that cannot be followed."""
    return coded(400, "ApiFindCondition", message)


def not_found(noun: str, key: object) -> Reply:
    """No such record."""
    return coded(404, "NotFound", f"{noun} {key} not found")


def no_endpoint(*, as_html: bool) -> Reply:
    """No such path."""
    return Reply(404, HTML_404) if as_html else coded(404, "ConnectWiseApi", "The endpoint does not exist.")


def security(status: int) -> Reply:
    """A missing permission."""
    return coded(status, "Security", "You do not have security permission to perform this action.")


def too_many(retry_after: int | None) -> Reply:
    """The limiter. Its key is `error`, unlike everywhere else."""
    message = "Too many requests. Please try again in 30 seconds."
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Reply(429, {"error": "ConnectWiseAPI", "message": message}, headers)
