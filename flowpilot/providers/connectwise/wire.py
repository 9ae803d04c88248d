"""One call to ConnectWise: sent, timed, logged, repeated where that is safe, and its failure put into our words."""

import copy
import logging
import random
import re
import time
from typing import Any, Self
from urllib.parse import quote

import httpx

from flowpilot.errors import Refused, Unavailable, UserError
from flowpilot.providers.connectwise.address import GuardedTransport, checked
from flowpilot.providers.connectwise.errors import explain, retry_after, silence
from flowpilot.providers.connectwise.gate import AT_ONCE, Gate
from flowpilot.providers.connectwise.models import CompanyInfo

logger = logging.getLogger("flowpilot.psa")
logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole addresses, and ours hold what people searched for

ACCEPT = "application/vnd.connectwise.com+json; version=2025.1"
ROUTERS = frozenset({"", "v4_6_release"})  # a path that is no API, and the name that leads to every release
LIMITS = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE, keepalive_expiry=45.0)
PASSING_STATUSES = frozenset({502, 503, 504})
LONGEST_WAIT = 5.0  # seconds a caller is kept waiting for ConnectWise to want calls again
_MORE_TRIES, _MORE_TRIES_THROTTLED = 1, 2
_LONGEST_UPLOAD = 30.0
_LOOKED_UP_AGAIN = 60.0  # seconds between two look-ups of where the API has gone


class Wire:
    """Sends requests as one API member. GETs are tried again where that helps; what writes is sent once."""

    def __init__(
        self,
        *,
        base_url: str,
        company_id: str,
        public_key: str,
        private_key: str,
        client_id: str,
        read_timeout: float,
    ) -> None:
        self._address, self._company_id = checked(base_url), company_id
        self._read_timeout = read_timeout
        self._deadline: float | None = None
        self._place = _Place(self._address.base_url)
        self._gate = Gate()
        self._http = httpx.Client(
            auth=httpx.BasicAuth(f"{company_id}+{public_key}", private_key),
            headers=httpx.Headers({"Accept": ACCEPT, "clientId": client_id.strip()}, encoding="utf-8"),
            transport=GuardedTransport(LIMITS),
            follow_redirects=False,
            trust_env=False,
        )

    def within(self, seconds: float) -> Self:
        """Return the same wire for a caller who waits only so long from now."""
        hurried = copy.copy(self)
        hurried._deadline = time.monotonic() + seconds
        return hurried

    def get(self, template: str, ids: dict[str, int], params: dict[str, str | int], permission: str) -> httpx.Response:
        """Read, trying again when the failure may pass and the caller can wait."""
        tries, throttled_tries = _MORE_TRIES, _MORE_TRIES_THROTTLED
        while True:
            try:
                response = self._send("GET", template, ids, params=params)
            except httpx.RequestError as error:
                if not tries or isinstance(error, httpx.ReadTimeout):
                    raise silence(error, is_write=False) from error
                tries -= 1
            else:
                if response.is_success:
                    return response
                if response.status_code == 429 and throttled_tries:
                    throttled_tries -= 1  # the gate keeps the next try waiting, or refuses it
                elif response.status_code in PASSING_STATUSES and tries:
                    tries -= 1
                else:
                    raise explain(response, permission, is_write=False)
            self._pause()

    def write(self, method: str, template: str, ids: dict[str, int], body: Any, permission: str) -> httpx.Response:
        """Write once. Raises Uncertain when ConnectWise may have done it all the same."""
        sent: dict[str, Any] = {} if body is None else {"json": body}
        try:
            response = self._send(method, template, ids, **sent)
        except httpx.RequestError as error:
            raise silence(error, is_write=True) from error
        if response.is_success:
            return response
        raise explain(response, permission, is_write=True)

    def company_info(self) -> CompanyInfo | None:
        """Return where this company's API is now, or None when the site does not know the company."""
        data = self._open_answer(self._address.info_url + quote(self._company_id, safe=""))
        return CompanyInfo.from_json(data) if isinstance(data, dict) else None

    def signing_key(self, key_url: str) -> str:
        """Return what callbacks are signed with. Whoever calls us names the address, so it must be this very company's.

        Raises Refused when it is another one, Unavailable when the key cannot be had.
        """
        if not self._address.is_key_url(key_url, self._company_id):
            raise Refused("The callback names a key of somebody else.")
        try:
            data = self._open_answer(key_url)
        except (httpx.RequestError, ValueError) as error:
            raise Unavailable("The key of the callback cannot be had.") from error
        key = data.get("signing_key") if isinstance(data, dict) else None
        if not isinstance(key, str) or not key:
            raise Unavailable("The key of the callback cannot be had.")
        return key

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _open_answer(self, url: str) -> Any:
        """Return the JSON of a page that needs no sign-in, and gets none."""
        with self._gate.place(self._patience(LONGEST_WAIT)):
            response = self._http.get(
                url, auth=None, headers={"clientId": ""}, timeout=self._timeout(self._read_timeout)
            )
        return response.json() if response.is_success else None

    def _send(self, method: str, template: str, ids: dict[str, int], **kwargs: Any) -> httpx.Response:
        """Send, and once more where the API has moved to. What was not routed was not done, so this is safe for writes."""
        place = self._place.base_url
        response = self._call(method, template, place + template.format(**ids), **kwargs)
        if _is_lost(response) and self._has_moved(place):
            return self._call(method, template, self._place.base_url + template.format(**ids), **kwargs)
        return response

    def _has_moved(self, from_url: str) -> bool:
        """Ask where the API is when a path of it is not there: cloud codebases change at upgrades."""
        if self._place.base_url != from_url:
            return True
        if self._address.codebase in ROUTERS or not self._place.may_be_looked_up():
            return False
        try:
            info = self.company_info()
        except (httpx.RequestError, ValueError, UserError):
            return False
        moved = self._address.on(info.codebase) if info else self._address
        if moved.base_url == from_url:
            return False
        self._place.base_url = moved.base_url
        logger.warning("psa.moved codebase=%s", moved.codebase)
        return True

    def _call(self, method: str, template: str, url: str, **kwargs: Any) -> httpx.Response:
        with self._gate.place(self._patience(LONGEST_WAIT)):
            timeout = self._timeout(self._read_timeout)
            try:
                response = self._logged(method, template, url, timeout=timeout, **kwargs)
            except httpx.RequestError:
                self._gate.unanswered()
                raise
            self._gate.answered()
            if response.status_code == 429:
                self._gate.hush(retry_after(response) if response.headers.get("Retry-After") else 1.0)
            return response

    def _logged(self, method: str, template: str, url: str, **kwargs: Any) -> httpx.Response:
        started, status, request_id = time.monotonic(), "none", ""
        try:
            response = self._http.request(method, url, **kwargs)
            status = str(response.status_code)
            request_id = re.sub(r"[^\w-]", "", response.headers.get("x-cw-request-id", ""))[:64]
            return response
        except httpx.RequestError as error:
            status = type(error).__name__
            raise
        finally:
            line = {
                "method": method,
                "path": template,
                "status": status,
                "ms": round((time.monotonic() - started) * 1000),
                "request_id": request_id,
            }
            logger.info("psa.call %s", " ".join(f"{key}={value}" for key, value in line.items()), extra={"psa": line})

    def _timeout(self, read: float) -> httpx.Timeout:
        left = self._patience(read)
        if left <= 0:
            raise Unavailable("ConnectWise is slow. Try again in a moment.")
        return httpx.Timeout(left, connect=min(5.0, left), write=self._patience(_LONGEST_UPLOAD))

    def _patience(self, most: float) -> float:
        return most if self._deadline is None else min(most, self._deadline - time.monotonic())

    def _pause(self) -> None:
        time.sleep(max(0.0, self._patience(random.uniform(0.05, 0.25))))  # noqa: S311  (jitter is no secret)


class _Place:
    """Where the API is now; hurried callers share it with the others."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._looked_up_at = -_LOOKED_UP_AGAIN

    def may_be_looked_up(self) -> bool:
        now = time.monotonic()
        if now - self._looked_up_at < _LOOKED_UP_AGAIN:
            return False
        self._looked_up_at = now
        return True


def _is_lost(response: httpx.Response) -> bool:
    """Whether nothing of the API answered: an HTML page, or the router that knows no such codebase."""
    is_json = "json" in response.headers.get("Content-Type", "")
    return not is_json and (
        response.status_code == 404 or (response.status_code == 400 and "Cannot route" in response.text)
    )
