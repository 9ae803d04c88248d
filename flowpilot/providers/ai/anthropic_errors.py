"""What can go wrong with Claude, in our words, and what may pass if asked again. The SDK is imported late, as in `anthropic`."""

from typing import TYPE_CHECKING

from flowpilot.errors import Invalid, Refused, Unavailable, UserError
from flowpilot.providers.ai.base import Interrupted

if TYPE_CHECKING:
    from anthropic import APIStatusError

_PASSING = {"api_error", "overloaded_error", "rate_limit_error", "timeout_error", "dropped", "ended_early"}
_BUSY = "The AI is overloaded right now. Try again in a minute."
_LATE = "The AI did not answer in time. Try again in a minute."
_AWAY = "The AI cannot be reached. Try again in a minute."
_UNREADABLE = "The AI sent an answer that cannot be read. Try again."
_WORDS = {
    401: "The AI key was not accepted. An admin can check it in the settings.",
    402: "The AI account has no credit left. An admin can see to that.",
    403: "The AI key was not accepted for this model. An admin can check it in the settings.",
    404: "The AI does not know this model. An admin can choose another in the settings.",
    413: "This is more than the AI takes at once. Shorten it or remove an image.",
    429: "The AI takes no more requests right now. Try again in a minute.",
}
_WORDS_OF_BREAKS = {"dropped": _AWAY, "ended_early": _AWAY, "idle": _LATE, "too_slow": _LATE, "unreadable": _UNREADABLE}


class BrokeOff(Exception):
    """A stream did not reach its end; the reasons are those of Interrupted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def pause_after(error: Exception, attempt: int) -> float | None:
    """Return how many seconds to wait before asking again, or None where that is useless."""
    from anthropic import APIConnectionError, APIStatusError, APITimeoutError

    pause = 0.5 * 2**attempt
    if isinstance(error, BrokeOff):
        return pause if error.reason in _PASSING else None
    if isinstance(error, APIStatusError):
        if not _may_pass(error.status_code) or error.response.headers.get("x-should-retry") == "false":
            return None
        return _retry_after(error) or pause
    return pause if isinstance(error, APIConnectionError) and not isinstance(error, APITimeoutError) else None


def explain(error: Exception, is_begun: bool) -> UserError:
    """Return what went wrong; `is_begun` tells whether text has arrived."""
    from anthropic import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, BrokeOff):
        if is_begun:
            return Interrupted("The AI's answer broke off. What arrived is kept; try again.", reason=error.reason)
        return Unavailable(_WORDS_OF_BREAKS.get(error.reason, _BUSY))
    if isinstance(error, APIStatusError):
        return _explain_status(error.status_code, (error.api_message or "")[:200])
    if isinstance(error, APITimeoutError):
        return Unavailable(_LATE)
    return Unavailable(_AWAY if isinstance(error, APIConnectionError) else _UNREADABLE)


def _explain_status(status: int, said: str) -> UserError:
    if _may_pass(status):
        return Unavailable(_WORDS.get(status, _BUSY))
    if status == 413 or "too long" in said or "image" in said:
        return Invalid(f"{_WORDS[413]} ({said})" if said else _WORDS[413])
    return Refused(_WORDS.get(status, f"The AI refused the request: {said or status}"))


def _may_pass(status: int) -> bool:
    return status in (408, 409, 429) or status >= 500


def _retry_after(error: "APIStatusError") -> float | None:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None
