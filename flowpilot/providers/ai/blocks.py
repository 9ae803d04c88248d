"""The content blocks of a streamed answer of Claude: its text, the tools it used, and the articles these brought. Pure.

Blocks are kept whole, because a paused answer goes on only where they are sent back unchanged.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flowpilot.providers.ai.base import Source

_HOST = "learn.microsoft.com"  # the one server whose results are shown as sources
_MOST_SOURCES = 6
_GROWING = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


@dataclass
class Blocks:
    """What has arrived of an answer's content. `tools` are the names of the tools that were used."""

    tools: list[str] = field(default_factory=list)
    _blocks: dict[int, dict[str, Any]] = field(default_factory=dict)
    _parts: dict[tuple[int, str], list[str]] = field(default_factory=dict)

    def start(self, index: int, block: dict[str, Any]) -> str:
        """Take in a block's beginning; return the text it brings."""
        self._blocks[index] = block
        if block.get("type") == "mcp_tool_use":
            self.tools.append(str(block.get("name") or "")[:80])
        return str(block.get("text") or "") if block.get("type") == "text" else ""

    def grow(self, index: int, delta: dict[str, Any]) -> str:
        """Take in a block's next part; return the text it brings."""
        kind = delta.get("type")
        if kind in _GROWING:
            name = _GROWING[kind]
            part = str(delta[name])
            self._parts.setdefault((index, name), []).append(part)
            return part if name == "text" else ""
        if kind == "input_json_delta":
            self._parts.setdefault((index, "input"), []).append(str(delta["partial_json"]))
        elif kind == "citations_delta":
            block = self._blocks[index]
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]
        return ""

    def content(self) -> tuple[dict[str, Any], ...]:
        """Return the blocks as the API would have sent them at once."""
        return tuple(self._whole(index, block) for index, block in sorted(self._blocks.items()))

    def sources(self) -> tuple[Source, ...]:
        """Return the articles that were found or cited, each once, in the order they came."""
        found: dict[str, str] = {}
        for block in self._blocks.values():
            for title, url in _articles(block):
                if _is_article(url):
                    found.setdefault(url, title)
        return tuple(Source(title.strip()[:120] or url, url) for url, title in found.items())[:_MOST_SOURCES]

    def _whole(self, index: int, block: dict[str, Any]) -> dict[str, Any]:
        grown = dict(block)
        for name in _GROWING.values():
            if parts := self._parts.get((index, name)):
                grown[name] = (block.get(name) or "") + "".join(parts)
        if parts := self._parts.get((index, "input")):
            grown["input"] = json.loads("".join(parts) or "{}")
        return grown


def _articles(block: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield title and address of what a block cites or a tool found."""
    for citation in _dicts(block.get("citations")):
        yield str(citation.get("title") or ""), str(citation.get("url") or citation.get("source") or "")
    if block.get("type") == "mcp_tool_result" and not block.get("is_error"):
        content = block.get("content")
        for text in [content] if isinstance(content, str) else [part.get("text") for part in _dicts(content)]:
            yield from _results(str(text or ""))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _results(text: str) -> Iterator[tuple[str, str]]:
    """Yield what the server's search found: a JSON list of articles, alone or under `results`. Anything else names none."""
    try:
        found = json.loads(text)
    except ValueError:
        return
    for row in _dicts(found.get("results") if isinstance(found, dict) else found):
        yield str(row.get("title") or ""), str(row.get("contentUrl") or row.get("link") or row.get("url") or "")


def _is_article(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.hostname == _HOST and parts.port is None and not parts.username
    except ValueError:
        return False
