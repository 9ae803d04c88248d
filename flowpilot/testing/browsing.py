"""Loading a page of the running demo as htmx does: the page, and then every piece that asks to be loaded, side by side."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import unescape

import httpx

from flowpilot.testing.product import Product

_TAG = re.compile(r"<\w+[^>]*\shx-get=[^>]*>")
_ATTRIBUTE = re.compile(r'([\w:-]+)="([^"]*)"')
_IN_SIGHT = {"#queue"}  # of what loads when somebody sees it; the rest is further down
_TICKET = "/v4_6_release/apis/3.0/service/tickets/48213"
_AT_ONCE = 6  # connections of a browser to one host


@dataclass(frozen=True)
class Opening:
    """One page with its pieces: how long until each had its content, and until nothing more followed; what was asked meanwhile."""

    seconds: float
    seconds_to_the_end: float
    calls: list[str]


class Browsing:
    """A signed-in person who opens pages."""

    def __init__(self, product: Product) -> None:
        self._http = httpx.Client(base_url=product.url, timeout=60, trust_env=False, follow_redirects=True)
        self._product = product
        self._sign_in(product)

    def time_of_a_call(self) -> float:
        """Return what one bare call to ConnectWise takes, on a connection that is there: what everything is compared with."""
        with self._product.connectwise() as http:
            http.get(_TICKET)
            started = time.perf_counter()
            http.get(_TICKET).raise_for_status()
            return time.perf_counter() - started

    def opening(self, path: str, *, htmx: bool = False, only: str = "") -> Opening:
        """Open a page and say what it took. `only` follows that piece alone."""
        self._product.lever("DELETE", "calls")
        first, last = self.open(path, htmx=htmx, only=only)
        return Opening(first, last, self._product.lever("GET", "calls"))

    def open(self, path: str, *, htmx: bool = False, only: str = "") -> tuple[float, float]:
        """Load a page and all that it loads by itself; return when its pieces were there, and when what they loaded was."""
        started = time.perf_counter()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            waiting = [(0, threads.submit(self._get, path, htmx))]
            arrived = [0.0, 0.0]
            while waiting:
                depth, answer = waiting.pop(0)
                pieces = [piece for piece, target in _pieces(answer.result()) if only in ("", target)]
                arrived[min(depth, 2) // 2] = time.perf_counter() - started
                waiting += [(depth + 1, threads.submit(self._get, piece, True)) for piece in pieces]
        return arrived[0], max(arrived)

    def _get(self, path: str, is_piece: bool) -> str:
        headers = {"HX-Request": "true", "HX-Current-URL": f"{self._http.base_url}tickets/"} if is_piece else {}
        answer = self._http.get(path, headers=headers)
        answer.raise_for_status()
        return answer.text

    def _sign_in(self, product: Product) -> None:
        page = self._http.get("/accounts/login/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token
        form = {"login": product.email, "password": product.password, "csrfmiddlewaretoken": token[1]}
        self._http.post("/accounts/login/", data=form).raise_for_status()


def _pieces(html: str) -> list[tuple[str, str]]:
    """Return the addresses of what loads by itself, with the element each is for."""
    found = []
    for tag in _TAG.findall(html):
        attributes = dict(_ATTRIBUTE.findall(tag))
        triggers = [each.split()[0] for each in attributes.get("hx-trigger", "").split(",") if each.split()]
        target = attributes.get("hx-target") or f"#{attributes.get('id', '')}"
        if "load" in triggers or ("revealed" in triggers and target in _IN_SIGHT):
            found.append((unescape(attributes["hx-get"]), target))
    return found
