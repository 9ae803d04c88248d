"""Who is let in, and where a path leads: the codebase, the sign-in, the limiter."""

import base64
import binascii
import time
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from flowpilot.providers.connectwise.sandbox.replies import HTML_404, HTML_503, Reply, coded, no_endpoint, too_many
from flowpilot.providers.connectwise.sandbox.switches import Switches

SANDBOX_COMPANY_ID = "summit"
SANDBOX_PUBLIC_KEY = "SandboxPublicKey"
SANDBOX_PRIVATE_KEY = "SandboxPrivateKey"
SANDBOX_CLIENT_ID = "5f1a0c9e-0d5b-4c7e-9a44-3f7c2d1b8e60"
SIGNING_KEY = "sandbox-signing-key"
KEY_PATH = "system/callbackkey/index.rails"
_ROUTER = "v4_6_release"  # leads to whatever release there is
_UNAUTHENTICATED = coded(401, "ConnectWiseApi", "UserNotAuthenticated")
_CANNOT_ROUTE = Reply(400, "Cannot route. Codebase/company is invalid")


@dataclass
class Seen:
    """A request as it came in, for tests to look at."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class Door:
    """Decides about a request before any endpoint sees it."""

    def __init__(self) -> None:
        self.inside = self.most_inside = 0
        self._calls: deque[float] = deque()
        self.closed_until = 0.0

    def reset(self) -> None:
        """Forget who came."""
        self._calls.clear()
        self.most_inside, self.closed_until = self.inside, 0.0

    def open_answer(self, seen: Seen, switches: Switches) -> Reply | None:
        """Answer what needs no sign-in: where a company's API is, and the key that callbacks are signed with."""
        if seen.path.startswith("/login/companyinfo/"):
            return _company_info(unquote(seen.path.rsplit("/", 1)[1]), switches)
        if seen.path.endswith(f"/{KEY_PATH}"):
            return Reply(200, {"signing_key": SIGNING_KEY})
        return None

    def limit(self, switches: Switches) -> Reply | None:
        """Refuse who asks too much, and everybody while the house is closed."""
        now = time.monotonic()
        if now < self.closed_until:
            return Reply(503, HTML_503)
        while self._calls and self._calls[0] < now - 60:
            self._calls.popleft()
        self._calls.append(now)
        is_much = switches.calls_a_minute and len(self._calls) > switches.calls_a_minute
        is_crowd = switches.most_at_once and self.inside > switches.most_at_once
        return too_many(30 if switches.says_retry_after else None) if is_much or is_crowd else None

    def routed(self, whole: str, switches: Switches) -> tuple[str, Reply | None]:
        """Return the path below apis/3.0, or why there is none."""
        codebase, _, rest = whole.removeprefix("/").partition("/apis/3.0")
        if codebase not in (_ROUTER, switches.codebase):
            return "", Reply(404, HTML_404)
        if "/apis/3.0" in rest:
            return "", _CANNOT_ROUTE
        if not rest.startswith("/"):
            return "", no_endpoint(as_html=switches.html_for_unknown_endpoint)
        return rest.rstrip("/"), None

    def refusal(self, headers: dict[str, str], path: str, switches: Switches) -> Reply | None:
        """Return why the caller is not let in, if so."""
        if switches.needs_api_prefix and not headers.get("host", "").startswith("api-"):
            return Reply(403, {"code": "Security", "message": "SSL is required.", "errors": None})
        if path == "/system/info" and switches.open_system_info:
            return None
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return _UNAUTHENTICATED
        try:
            given = base64.b64decode(token, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return coded(500, "ConnectWiseApi", "Length cannot be less than zero.\r\nParameter name: length")
        if given != f"{SANDBOX_COMPANY_ID}+{SANDBOX_PUBLIC_KEY}:{SANDBOX_PRIVATE_KEY}":
            if switches.auth_failure_status == 404:
                return Reply(404, HTML_404)
            return coded(401, "Unauthorized", "Unauthorized")
        if headers.get("clientid") != SANDBOX_CLIENT_ID:
            return coded(switches.client_id_failure_status, "Unauthorized", "The clientId is missing or not valid.")
        return None


def _company_info(company: str, switches: Switches) -> Reply:
    if company.lower() != SANDBOX_COMPANY_ID:
        return Reply(200, None)
    info = {
        "CompanyName": "Summit IT Services",
        "Codebase": f"{switches.codebase}/",
        "VersionCode": switches.codebase.replace("_", "."),
        "VersionNumber": "v2026.1.105333",
        "CompanyID": SANDBOX_COMPANY_ID,
        "IsCloud": "True" if switches.company_info_is_text else True,
    }
    return Reply(200, info)
