"""How ConnectWise's failures are told apart, and in which words."""

from typing import Any

import httpx

from flowpilot.errors import Invalid, NotFound, Refused, Unavailable, UserError


class Uncertain(Unavailable):
    """The request went out and no answer came: it may have been done. Look before doing it again."""


class Throttled(Unavailable):
    """ConnectWise wants fewer calls; nothing was done. `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotPermitted(Refused):
    """The API member's security role lacks a permission, named in `permission`."""

    def __init__(self, message: str, permission: str) -> None:
        super().__init__(message)
        self.permission = permission


class BadCredentials(Refused):
    """ConnectWise does not accept the company, the keys or the client ID. No call will work until they change."""


class UnknownAddress(Refused):
    """Nothing answers at this path: a wrong site address, an old server, or (in the cloud) wrong keys."""


UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
DEFAULT_RETRY_AFTER = 30.0  # what ConnectWise asks for when it says anything


def explain(response: httpx.Response, permission: str, *, is_write: bool) -> UserError:
    """Turn an answer that is not a success into one of our words. Its body may be JSON, HTML or plain text."""
    status, body = response.status_code, _body(response)
    code, message = str(body.get("code") or ""), str(body.get("message") or "")
    if "security permission" in message.lower() or (status == 403 and code == "Security" and "SSL" not in message):
        text = f"ConnectWise did not allow this. The API member needs the permission “{permission}”."
        return NotPermitted(text, permission)
    if status in (401, 403) or code == "Unauthorized" or message == "UserNotAuthenticated":
        return BadCredentials("ConnectWise did not accept the keys. Check the company, the API keys and the client ID.")
    if status == 429:
        return Throttled("ConnectWise is receiving too many calls. Try again in a moment.", retry_after(response))
    if status == 404 and code == "NotFound":
        return NotFound(f"ConnectWise has no such record: {message[:200]}." if message else "It is not in ConnectWise.")
    if status == 409:
        return Unavailable("ConnectWise says the record is in use. Try again in a minute.")
    if status >= 500 or status == 408:
        return _broken(is_write)
    if status == 400 and is_write and body:
        return Invalid(f"ConnectWise did not take this: {_reasons(body)}")
    if status == 400 and body:
        return Refused(f"ConnectWise did not understand the question: {_reasons(body)}")
    return UnknownAddress(
        "ConnectWise does not answer at this address. Check the site address, the company and the keys."
    )


def silence(error: httpx.RequestError, *, is_write: bool) -> Unavailable:
    """Word a call that got no answer. Only a connection that never opened is surely no write."""
    if is_write and not isinstance(error, UNSENT):
        return Uncertain("ConnectWise did not confirm this. It may have been done; check the ticket first.")
    return Unavailable("ConnectWise did not answer. Try again in a minute.")


def retry_after(response: httpx.Response) -> float:
    """Return how many seconds ConnectWise asks us to wait."""
    value = response.headers.get("Retry-After", "").strip()
    return min(float(value), 3600.0) if value.isascii() and value.isdigit() else DEFAULT_RETRY_AFTER


def _broken(is_write: bool) -> Unavailable:
    if is_write:
        return Uncertain("ConnectWise failed while doing this. It may have been done; check the ticket first.")
    return Unavailable("ConnectWise is having trouble. Try again in a minute.")


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _reasons(body: dict[str, Any]) -> str:
    """Return what ConnectWise says is wrong: the single reasons if there are any, else the headline."""
    errors = body.get("errors")
    details = errors if isinstance(errors, list) else []
    reasons = [str(item["message"]) for item in details if isinstance(item, dict) and item.get("message")]
    return (" ".join(reasons) or str(body.get("message") or "no reason given"))[:400]
