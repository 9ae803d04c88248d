"""How many ConnectWise round trips the queue and a ticket take, with 200 ms a call, as a browser would load them."""

import re
import statistics
import tempfile
from pathlib import Path

from flowpilot.testing.browsing import Browsing
from flowpilot.testing.product import Product

LOOK_UPS = re.compile(r"/(boards|statuses|priorities|members|types|subtypes|workTypes|companies|contacts)\b")
_TICKETS = (48213, 48209, 48201, 48198, 48159)
_QUEUES = ("/tickets/", *(f"/tickets/?board={number}" for number in (1, 2, 3, 4)))  # none was asked for just now


def add_arguments(parser):
    parser.add_argument("--latency", type=float, default=0.2, help="seconds that each call to ConnectWise takes")
    parser.add_argument("--rounds", type=int, default=len(_TICKETS), help=f"tickets to open, at most {len(_TICKETS)}")


def run(*, latency: float, rounds: int, **_: object) -> dict:
    """Return round trips (the median of some openings), calls, and the look-ups that an opening made again.

    A ticket is complete when every panel in sight has its content. What is known of a device beyond its name, and is not known yet, follows.
    """
    with tempfile.TemporaryDirectory(prefix="bench-tickets-") as folder:
        product = Product(Path(folder)).start()
        try:
            return _measure(product, Browsing(product), latency, rounds)
        finally:
            product.stop()


def _measure(product: Product, browser: Browsing, latency: float, rounds: int) -> dict:
    browser.open("/tickets/")  # the first page of a process compiles its templates, and fills the look-ups
    browser.open(f"/tickets/{_TICKETS[-1]}", htmx=True)
    product.lever("PUT", "latency", {"seconds": latency})
    bare = min(browser.time_of_a_call() for _ in range(3))
    queue = [browser.opening(path, only="#queue") for path in _QUEUES[:rounds]]
    details = [browser.opening(f"/tickets/{number}", htmx=True) for number in _TICKETS[:rounds]]
    again = [browser.opening(f"/tickets/{number}", htmx=True) for number in _TICKETS[:rounds]]
    return {
        "detail_round_trips": round(statistics.median(each.seconds for each in details) / bare, 2),
        "detail_round_trips_worst": round(max(each.seconds for each in details) / bare, 2),
        "detail_to_the_last_device_round_trips": round(
            statistics.median(each.seconds_to_the_end for each in details) / bare, 2
        ),
        "queue_round_trips": round(statistics.median(each.seconds for each in queue) / bare, 2),
        "lookup_calls_again": sum(bool(LOOK_UPS.search(call)) for each in again for call in each.calls),
        "calls": round(statistics.mean(len(each.calls) for each in details), 1),
        "calls_of_the_queue": round(statistics.mean(len(each.calls) for each in queue), 1),
        "call_ms": round(bare * 1000),
        "detail_ms": round(statistics.median(each.seconds for each in details) * 1000),
        "queue_ms": round(statistics.median(each.seconds for each in queue) * 1000),
    }
