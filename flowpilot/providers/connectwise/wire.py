"""One call to ConnectWise: sent, timed, logged, repeated where that is safe, and its failure put into our words."""

import logging
import random
import re
import time
from typing import Any

import httpx

from flowpilot.providers.connectwise.errors import explain, retry_after, silence

logger = logging.getLogger("flowpilot.psa")
logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole addresses, and ours hold what people searched for

ACCEPT = "application/vnd.connectwise.com+json; version=2025.1"
LIMITS = httpx.Limits(max_connections=4, max_keepalive_connections=4)  # a dozen at once trips ConnectWise's limiter
PASSING_STATUSES = frozenset({429, 502, 503, 504})
LONGEST_WAIT = 5.0  # seconds a caller is kept waiting for a second try


class Wire:
    """Sends requests as one API member. GETs are tried twice; what writes is sent once."""

    def __init__(self, *, base_url: str, login: str, private_key: str, client_id: str, read_timeout: float) -> None:
        self._http = httpx.Client(
            base_url=base_url,
            auth=httpx.BasicAuth(login, private_key),
            headers=httpx.Headers({"Accept": ACCEPT, "clientId": client_id.strip()}, encoding="utf-8"),
            timeout=httpx.Timeout(read_timeout, connect=5.0, write=30.0, pool=10.0),
            limits=LIMITS,
            follow_redirects=False,
            trust_env=False,
        )

    def get(self, template: str, ids: dict[str, int], params: dict[str, str | int], permission: str) -> httpx.Response:
        """Read, with one more try when the first failed in passing."""
        for is_last in (False, True):
            try:
                response = self._send("GET", template, ids, params=params)
            except httpx.RequestError as error:
                if is_last or isinstance(error, httpx.ReadTimeout):
                    raise silence(error, is_write=False) from error
                wait = 0.0
            else:
                if response.is_success:
                    return response
                failure = explain(response, permission, is_write=False)
                wait = _wait(response)
                if is_last or response.status_code not in PASSING_STATUSES or wait > LONGEST_WAIT:
                    raise failure
            time.sleep(wait + random.uniform(0.05, 0.25))  # noqa: S311  (jitter is no secret)
        raise AssertionError("the last try either returns or raises")

    def write(self, method: str, template: str, ids: dict[str, int], body: Any, permission: str) -> httpx.Response:
        """Write once. Raises Uncertain when ConnectWise may have done it all the same."""
        try:
            response = self._send(method, template, ids, json=body)
        except httpx.RequestError as error:
            raise silence(error, is_write=True) from error
        if response.is_success:
            return response
        raise explain(response, permission, is_write=True)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _send(self, method: str, template: str, ids: dict[str, int], **kwargs: Any) -> httpx.Response:
        started, status, request_id = time.monotonic(), "none", ""
        try:
            response = self._http.request(method, template.format(**ids), **kwargs)
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


def _wait(response: httpx.Response) -> float:
    if response.status_code != 429:
        return 0.0
    return retry_after(response) if response.headers.get("Retry-After") else 1.0
