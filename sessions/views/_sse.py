"""What every stream of server-sent events does: its headers, its events, and looking again whether its reader may still read."""

from collections.abc import AsyncIterator
from time import monotonic

from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse

from flowpilot.accounts.scope import run_in_scope
from flowpilot.accounts.signed_in import is_still_signed_in

OVER = "event: done\ndata: \n\n"
SIGNED_OUT = f"event: signed-out\ndata: \n\n{OVER}"


def event_stream(events: AsyncIterator[str]) -> StreamingHttpResponse:
    """Return a reply of events, which nobody keeps or holds back."""
    response = StreamingHttpResponse(events, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def sse_event(html: str, event_id: str) -> str:
    """Return one unnamed event; whatever ends a line in Unicode starts a field of its own, so nothing breaks out."""
    lines = "".join(f"data: {line}\n" for line in html.splitlines())
    return f"id: {event_id}\n{lines}\n"


class SignIn:
    """The sign-in that opened a stream, looked at again every few seconds."""

    def __init__(self, request: HttpRequest) -> None:
        self._request, self._seen_at = request, monotonic()

    async def holds(self) -> bool:
        """Return whether its person is still signed in, active and of the same account."""
        if monotonic() - self._seen_at < settings.STREAM_SIGN_IN_SECONDS:
            return True
        self._seen_at = monotonic()
        return await run_in_scope(self._request.account_id, is_still_signed_in, self._request)  # type: ignore[attr-defined]
