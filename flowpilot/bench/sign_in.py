"""Time wrong passwords for known and for unknown addresses: the medians must lie within five per cent.

Each pair is measured back to back and the order alternates, so that a busy machine slows both alike. In a database of its own.
"""

import statistics
import time
import uuid

from django.test import Client, override_settings

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.services import open_account
from flowpilot.testing.scratch import scratch_database


def add_arguments(parser):
    parser.add_argument("--pairs", type=int, default=30, help="how many sign-ins of each kind")


def run(*, pairs: int, **options) -> dict:
    """Return the median of each kind in milliseconds, and how far apart they are."""
    with scratch_database(), override_settings(ALLOWED_HOSTS=["testserver"]):
        account = open_account(name="Bench", account_id=uuid.uuid4())
        with account_scope(account.id):
            people = [
                User.objects.create_user(
                    f"bench-{uuid.uuid4().hex}@example.com", "x" * 20, account=account, name="Bench"
                )
                for _ in range(pairs)
            ]
        known, unknown = _measure([person.email for person in people])
    medians = statistics.median(known) * 1000, statistics.median(unknown) * 1000
    return {
        "pairs": pairs,
        "known_ms": round(medians[0], 1),
        "unknown_ms": round(medians[1], 1),
        "apart_percent": round(abs(medians[0] - medians[1]) / max(medians) * 100, 2),
    }


def _measure(addresses: list[str]) -> tuple[list[float], list[float]]:
    known: list[float] = []
    unknown: list[float] = []
    for number, address in enumerate(addresses):
        kinds = [(known, address), (unknown, f"nobody-{uuid.uuid4().hex}@example.com")]
        for times, email in kinds if number % 2 else reversed(kinds):
            place = f"198.51.100.{number % 250}" if number < 250 else f"203.0.113.{number % 250}"
            times.append(_try(email, place))
    return known, unknown


def _try(email: str, place: str) -> float:
    client = Client(REMOTE_ADDR=place)
    began = time.perf_counter()
    client.post("/accounts/login/", {"login": email, "password": "not the password"})
    return time.perf_counter() - began
