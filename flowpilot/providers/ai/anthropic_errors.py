"""What the Anthropic SDK's errors mean. The SDK is imported late, as in `anthropic`."""

from typing import TYPE_CHECKING

from flowpilot.providers.ai.failures import Failure

if TYPE_CHECKING:
    from anthropic import APIStatusError


def describe(error: Exception) -> Failure:
    """Return what one of the SDK's errors means."""
    from anthropic import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, APIStatusError):
        return Failure(
            reason=error.type or "api_error",
            status=error.status_code,
            said=(error.api_message or "")[:200],
            retry_after=_retry_after(error),
            is_final=error.response.headers.get("x-should-retry") == "false",
        )
    if isinstance(error, APITimeoutError):
        return Failure("too_slow")
    return Failure("dropped" if isinstance(error, APIConnectionError) else "unreadable")


def _retry_after(error: "APIStatusError") -> float | None:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None
