"""Which ConnectWise may be called: its cloud by region, hosts that were approved by name, and nothing behind them.

The name is checked when an address is kept and when it is used. It is resolved once a connection, what it resolves to is checked, and the
connection goes to that very address, so that a name cannot answer differently the second time.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpcore
import httpx
from django.conf import settings

from flowpilot.errors import Invalid

REGIONS = {  # by the API host; the pages of the same region are at the name without `api-`
    "api-na.myconnectwise.net": "North America",
    "api-eu.myconnectwise.net": "Europe",
    "api-au.myconnectwise.net": "Australia",
    "api-aus.myconnectwise.net": "Australia (aus)",
    "api-za.myconnectwise.net": "South Africa",
    "api-staging.connectwisedev.com": "Staging",
    "sandbox-na.myconnectwise.net": "Developer sandbox",
}
_CLOUD = re.compile(
    r"(api-)?(na|eu|au|aus|za)\.myconnectwise\.net|(api-)?staging\.connectwisedev\.com|sandbox-na\.myconnectwise\.net"
)
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_ROOT = re.compile(r"(?P<codebase>[\w.]+)/apis/3\.0")
_KEY_PATH = re.compile(r"/[\w.]+/{1,2}system/callbackkey/index\.rails")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Address:
    """Where one company's API is."""

    scheme: str
    netloc: str
    path: str

    @property
    def codebase(self) -> str:
        """The release in the path, such as v4_6_release; empty when the path is no API."""
        found = _ROOT.fullmatch(self.path)
        return found["codebase"] if found else ""

    @property
    def base_url(self) -> str:
        """The address as a client takes it."""
        return f"{self.scheme}://{self.netloc}/{self.path}".rstrip("/")

    @property
    def info_url(self) -> str:
        """Where the same site says which codebase a company is on."""
        return f"{self.scheme}://{self.netloc.removeprefix('api-')}/login/companyinfo/"

    def is_key_url(self, url: str, company_id: str) -> bool:
        """Whether an address is where this site keeps this company's key for callbacks, and not another's."""
        parts = urlsplit(url)
        named = [name.casefold() for name in parse_qs(parts.query).get("companyName", [])]
        is_here = (parts.scheme, parts.netloc.removeprefix("api-")) == (self.scheme, self.netloc.removeprefix("api-"))
        return is_here and bool(_KEY_PATH.fullmatch(parts.path)) and named == [company_id.casefold()]

    def on(self, codebase: str) -> "Address":
        """Return the same site's API on another codebase, or this one when it is not the name of one."""
        path = f"{codebase.strip('/')}/apis/3.0"
        return Address(self.scheme, self.netloc, path) if _ROOT.fullmatch(path) else self


def checked(url: str) -> Address:
    """Return an address that may be called. Raises Invalid, in words for whoever typed it."""
    if url != url.strip() or not url.isascii() or not url.isprintable() or "\\" in url:
        raise Invalid("The ConnectWise address holds characters that do not belong into one.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Invalid("The ConnectWise address cannot be read.") from error
    if "@" in parts.netloc or parts.query or parts.fragment or "?" in url or "#" in url:
        raise Invalid("The ConnectWise address holds more than a host and a path.")
    path = parts.path.strip("/")
    if settings.PSA_LOOPBACK and host in _LOOPBACK and parts.scheme in ("http", "https"):
        return Address(parts.scheme, parts.netloc, path)
    if parts.scheme != "https" or port not in (None, 443):
        raise Invalid("The ConnectWise address must begin with https:// and name no port.")
    if not _is_approved(host):
        raise Invalid(
            "ConnectWise is reached at one of its regions, or at a host that this FlowPilot's operator approved (PSA_HOSTS)."
        )
    return Address("https", host, path)


def is_public(text: str) -> bool:
    """Whether an IP address is one of the public internet. `is_global` alone lets several inner ones through."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if address.is_site_local:
            return False
    return address.is_global and not (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )


class GuardedTransport(httpx.HTTPTransport):
    """Connects to public addresses only, and to the one that was checked."""

    def __init__(self, limits: httpx.Limits) -> None:
        super().__init__(trust_env=False)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_GuardedBackend(),
        )


class _GuardedBackend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return self._plain.connect_tcp(_resolved(host, port), port, *args, **kwargs)

    def sleep(self, seconds: float) -> None:
        self._plain.sleep(seconds)


def _resolved(host: str, port: int) -> str:
    """Resolve a name once; every address it has must be allowed, and the first is the one to connect to."""
    try:
        found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} cannot be found.") from error
    if settings.PSA_LOOPBACK and host in _LOOPBACK:
        return found[0]
    if not found or not all(is_public(address) for address in found):
        raise httpcore.ConnectError(f"{host} leads to an address that is not public.")
    return found[0]


def _is_approved(host: str) -> bool:
    approved = {each.lower().rstrip(".") for each in settings.PSA_HOSTS}
    return bool(_HOST.fullmatch(host)) and (bool(_CLOUD.fullmatch(host)) or host in approved)
