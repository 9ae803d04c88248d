"""How many calls a tenant may make: four at a time, below its rate, none while ConnectWise wants quiet or does not answer."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flowpilot.errors import Unavailable
from flowpilot.providers.connectwise.errors import Throttled

AT_ONCE = 4  # a dozen at once trips ConnectWise's limiter
CALLS_A_SECOND, BURST = 12.0, 120.0  # ConnectWise starts to refuse near a thousand a minute
FAILURES_THAT_OPEN = 4  # in a row, without any answer
QUIET_SECONDS = 10.0  # between two tries of a ConnectWise that does not answer


class Gate:
    """Everybody who calls one tenant's ConnectWise from this process goes through its one gate."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._tokens, self._counted_at = BURST, time.monotonic()
        self._quiet_until = 0.0
        self._unanswered = 0
        self._next_probe_at = 0.0

    @contextmanager
    def place(self, patience: float) -> Iterator[None]:
        """Hold one of the places while calling. Raises Throttled or Unavailable when that would take too long."""
        until = time.monotonic() + patience
        if not self._places.acquire(timeout=max(0.0, patience)):
            raise Unavailable("ConnectWise is slow, and other calls are waiting for it. Try again in a moment.")
        try:
            self._wait_for_quiet(until)
            self._require_answers()
            yield
        finally:
            self._places.release()

    def hush(self, seconds: float) -> None:
        """Let no call out for so long, as ConnectWise asked."""
        with self._lock:
            self._quiet_until = max(self._quiet_until, time.monotonic() + seconds)

    def answered(self) -> None:
        """Note that ConnectWise is there."""
        self._unanswered = 0

    def unanswered(self) -> None:
        """Note that a call got no answer; after several in a row only one in a while is let out."""
        with self._lock:
            self._unanswered += 1
            if self._unanswered >= FAILURES_THAT_OPEN:
                self._next_probe_at = time.monotonic() + QUIET_SECONDS

    def _wait_for_quiet(self, until: float) -> None:
        with self._lock:
            now = time.monotonic()
            self._tokens = min(BURST, self._tokens + (now - self._counted_at) * CALLS_A_SECOND)
            self._counted_at = now
            wait = max(self._quiet_until - now, (1 - self._tokens) / CALLS_A_SECOND, 0.0)
            if now + wait > until:
                raise Throttled("ConnectWise is receiving too many calls. Try again in a moment.", wait)
            self._tokens -= 1
        if wait:
            time.sleep(wait)

    def _require_answers(self) -> None:
        with self._lock:
            if self._unanswered < FAILURES_THAT_OPEN:
                return
            now = time.monotonic()
            if now < self._next_probe_at:
                raise Unavailable("ConnectWise isn’t answering at the moment. FlowPilot keeps trying.")
            self._next_probe_at = now + QUIET_SECONDS  # this caller tries; the others wait for what it finds
