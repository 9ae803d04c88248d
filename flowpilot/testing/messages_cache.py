"""How the Messages API's prompt cache counts: a reading of its documented rules. Tokens are a quarter of the characters."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from flowpilot.testing.scripted_server import count_tokens

LOOKBACK = 20  # positions before a breakpoint, itself counted
LIVES = {"5m": 300.0, "1h": 3600.0}
LEARN_TOKENS = 972  # the definitions of Microsoft Learn's three tools
_MINIMUMS = {
    "claude-sonnet-5": 1024,
    "claude-opus-4-8": 1024,
    "claude-sonnet-4-6": 1024,
    "claude-sonnet-4-5": 1024,
    "claude-opus-4-7": 2048,
    "claude-opus-4-6": 4096,
    "claude-opus-4-5": 4096,
    "claude-haiku-4-5": 4096,
}
_OTHERS = 512  # the 5.5 family, Opus 5, Fable 5


class _Position(NamedTuple):
    text: str
    tokens: int
    ttl: str  # "" without a breakpoint


class PrefixCache:
    """Remembers prefixes up to their breakpoints, for as long as their ttl says. A read renews what it found, for nothing."""

    def __init__(self, cacheable_from: int | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cacheable_from = cacheable_from
        self._clock = clock
        self._passed = 0.0
        self._kept: dict[str, tuple[float, str]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._passed = 0.0

    def pass_time(self, seconds: float) -> None:
        """Let what is kept grow older."""
        self._passed += seconds

    def use(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the input side of a request's usage, and remember what it writes."""
        now = self._clock() + self._passed
        totals, hashes, marks, total = [], [], [], 0
        for position, digest in _chain(body):
            total += position.tokens
            totals.append(total)
            hashes.append(digest)
            if position.ttl and total >= self._minimum(body["model"]):
                marks.append((len(totals) - 1, position.ttl))
        read = self._read([place for place, _ in marks], hashes, totals, now)
        written, done = {"5m": 0, "1h": 0}, read
        for place, ttl in marks:
            written[ttl] += max(0, totals[place] - done)
            done = max(done, totals[place])
            self._kept[hashes[place]] = (now + LIVES[ttl], ttl)
        return {
            "input_tokens": total - done,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": sum(written.values()),
            "cache_creation": {f"ephemeral_{ttl}_input_tokens": count for ttl, count in written.items()},
        }

    def _minimum(self, model: str) -> int:
        return _MINIMUMS.get(model, _OTHERS) if self._cacheable_from is None else self._cacheable_from

    def _read(self, places: list[int], hashes: list[str], totals: list[int], now: float) -> int:
        """Return how many tokens were found: the last breakpoint looks back first, then the one before it."""
        for place in reversed(places):
            for at in range(place, max(-1, place - LOOKBACK), -1):
                until, ttl = self._kept.get(hashes[at], (0.0, ""))
                if now < until:
                    self._kept[hashes[at]] = (now + LIVES[ttl], ttl)
                    return totals[at]
        return 0


def _chain(body: dict[str, Any]) -> Iterator[tuple[_Position, str]]:
    """Yield every block of a prompt in the cache's order with the digest of all up to it; what a change of an option empties stands between."""
    options = body.get("output_config") or {}
    has_images = any(
        block["type"] == "image" for message in body["messages"] for block in blocks_of(message["content"])
    )
    choices = [body.get("tool_choice"), body.get("thinking"), options.get("effort"), has_images]
    digest = hashlib.sha256(body["model"].encode())
    parts = (
        (None, _tools(body)),
        (options.get("format"), _system(body)),
        (choices, _messages(body)),
    )
    for option, positions in parts:
        digest.update(json.dumps(option).encode())
        for position in positions:
            digest.update(position.text.encode() + b"\x00")
            yield position, digest.hexdigest()


def _tools(body: dict[str, Any]) -> Iterator[_Position]:
    for block in body.get("tools") or []:
        more = LEARN_TOKENS if block.get("type") == "mcp_toolset" else 0
        yield _position(block, json.dumps(_bare(block)), more)


def _system(body: dict[str, Any]) -> Iterator[_Position]:
    for block in blocks_of(body.get("system") or []):
        yield _position(block, block["text"])


def _messages(body: dict[str, Any]) -> Iterator[_Position]:
    for message in body["messages"]:
        for block in blocks_of(message["content"]):
            yield _position(block, f"{message['role']}:{block.get('text') or json.dumps(_bare(block))}")


def _position(block: dict[str, Any], text: str, more: int = 0) -> _Position:
    control = block.get("cache_control")
    return _Position(text, count_tokens(text) + more, control.get("ttl", "5m") if control else "")


def _bare(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != "cache_control"}


def blocks_of(content: Any) -> list[dict[str, Any]]:
    """Return a content's blocks; a plain string is one."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
