"""What the Gemini SDK's errors mean. The SDK is imported late, as in `gemini`."""

import re
from typing import TYPE_CHECKING, Any

from flowpilot.providers.ai.failures import Failure

if TYPE_CHECKING:
    from google.genai.errors import APIError

_TOO_MUCH = ("exceeds the maximum number of tokens", "payload size exceeds")
_RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


def describe(error: Exception) -> Failure:
    """Return what one of the SDK's errors means. A wrong key is a 400 here, and so is a prompt that is too long."""
    from google.genai.errors import APIError

    if not isinstance(error, APIError):
        return Failure("unreadable")
    said, details = str(error.message or "")[:200], _details(error.details)
    status = error.code
    if any(detail.get("reason") == "API_KEY_INVALID" for detail in details):
        status = 401
    elif any(words in said for words in _TOO_MUCH):
        status = 413
    reason = str(error.status or "api_error").lower()
    return Failure(reason=reason, status=status, said=said, retry_after=_retry_after(error, details))


def _details(body: Any) -> list[dict[str, Any]]:
    """Return the typed details of an error's body, whatever a proxy made of it."""
    error = body.get("error", body) if isinstance(body, dict) else {}
    details = error.get("details") if isinstance(error, dict) else None
    return [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []


def _retry_after(error: "APIError", details: list[dict[str, Any]]) -> float | None:
    """Return the seconds that RetryInfo asks for (`34.5s`), or else the header."""
    delays = [str(detail.get("retryDelay", "")) for detail in details if detail.get("@type") == _RETRY_INFO]
    header = getattr(error.response, "headers", None) or {}
    found = re.fullmatch(r"(\d+(?:\.\d+)?)s?", (delays or [header.get("retry-after", "")])[0])
    return float(found[1]) if found else None
