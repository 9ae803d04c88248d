"""The circuit breaker: a provider that keeps failing is left alone, but for a probe now and then.

Each process keeps its own: it needs no round trip on the way to an answer, and a few processes mean a few probes.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

FAILURES, WITHIN, PROBE_EVERY = 5, 30.0, 15.0  # five failures in thirty seconds open it; then one probe each fifteen


@dataclass
class _Circuit:
    failed_at: deque[float] = field(default_factory=lambda: deque(maxlen=FAILURES))
    probe_at: float | None = None  # when the next probe may go; None while it is closed


class Breaker:
    """One circuit a key. Thread-safe; `clock` is for tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._circuits: dict[str, _Circuit] = {}
        self._lock = threading.Lock()

    def allows(self, key: str) -> bool:
        """Return whether a call may go. While it is open, one probe each fifteen seconds may, and this takes it."""
        with self._lock:
            circuit = self._circuits.get(key)
            if circuit is None or circuit.probe_at is None:
                return True
            if self._clock() < circuit.probe_at:
                return False
            circuit.probe_at = self._clock() + PROBE_EVERY
            return True

    def is_open(self, key: str) -> bool:
        """Return whether the provider is left alone at present, and no probe is due."""
        circuit = self._circuits.get(key)
        return circuit is not None and circuit.probe_at is not None and self._clock() < circuit.probe_at

    def succeeded(self, key: str) -> None:
        """Close the circuit: the provider answers."""
        with self._lock:
            self._circuits.pop(key, None)

    def failed(self, key: str) -> None:
        """Count a failure; the fifth within thirty seconds opens the circuit."""
        with self._lock:
            circuit, now = self._circuits.setdefault(key, _Circuit()), self._clock()
            circuit.failed_at.append(now)
            if len(circuit.failed_at) == FAILURES and now - circuit.failed_at[0] <= WITHIN and circuit.probe_at is None:
                circuit.probe_at = now + PROBE_EVERY

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._circuits.clear()


breaker = Breaker()
