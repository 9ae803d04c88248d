"""What can go wrong on the way, on demand."""

import random
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from flowpilot.providers.connectwise.sandbox.replies import HTML_404, HTML_503, Reply, coded, security, too_many

ANSWERS = {
    "401": coded(401, "Unauthorized", "Unauthorized"),
    "403": security(403),
    "404html": Reply(404, HTML_404),
    "429": too_many(30),
    "500": coded(500, "ConnectWiseApi", "An internal error has occurred: timeout expired."),
    "502html": Reply(502, HTML_503.replace("503 Service Unavailable", "502 Bad Gateway")),
    "503html": Reply(503, HTML_503),
    "504html": Reply(504, HTML_503.replace("503 Service Unavailable", "504 Gateway Time-out")),
    "200html": Reply(200, "<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Back soon.</body></html>"),
    "409": coded(409, "ConcurrencyConflict", "The record is in use."),
}
BEFORE = frozenset({"stall", "drop"})  # nothing is done
AFTER = frozenset({"commit_then_drop", "commit_then_stall", "commit_then_500", "late_commit"})  # it is done, untold


@dataclass
class Fault:
    kind: str
    times: int = 1
    match: str = ""  # a part of "POST /service/tickets/48213/notes"
    answer: Reply | None = None


class Faults:
    """The faults still to come, in the order they were asked for."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()
        self._mixed: list[tuple[float, Fault]] = []

    def add(self, kind: str | Reply, times: int, match: str | None) -> None:
        """Let the next matching requests fail."""
        with self._lock:
            self._waiting.append(_fault(kind, times, match or ""))

    def mix(self, shares: Iterable[tuple[float, str | Reply]], match: str = "") -> None:
        """Let matching requests fail by chance, each kind in its share of them, until all is cleared."""
        with self._lock:
            self._mixed = [(share, _fault(kind, 1, match)) for share, kind in shares]

    def take(self, request_line: str) -> Fault | None:
        """Return the fault this request meets, and count it."""
        with self._lock:
            fault = next((fault for fault in self._waiting if fault.match in request_line), None)
            if fault:
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
            return fault or self._drawn(request_line)

    def clear(self) -> None:
        """Forget what was still to come."""
        with self._lock:
            self._waiting.clear()
            self._mixed = []

    def _drawn(self, request_line: str) -> Fault | None:
        chance = random.random()  # noqa: S311  (a fault is no secret)
        for share, fault in self._mixed:
            chance -= share
            if chance < 0:
                return fault if fault.match in request_line else None
        return None


def _fault(kind: str | Reply, times: int, match: str) -> Fault:
    if isinstance(kind, Reply):
        return Fault("answer", times, match, kind)
    if kind in ANSWERS or kind in BEFORE or kind in AFTER:
        return Fault(kind, times, match, ANSWERS.get(kind))
    raise ValueError(f"There is no fault named {kind}.")
