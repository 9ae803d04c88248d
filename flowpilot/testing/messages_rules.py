"""What the Messages API refuses, and how its prompt cache counts. Used by the server that stands in for it."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

LOOKBACK = 20  # positions before a breakpoint, itself counted
MOST_BREAKPOINTS = 4
_FIELDS = {
    "cache_control",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "thinking",
    "tool_choice",
    "tools",
}
_BLOCK_FIELDS = {"text": {"type", "text", "cache_control", "citations"}, "image": {"type", "source", "cache_control"}}
_EFFORTS = {"low", "medium", "high", "xhigh", "max"}
_SCHEMA_REFUSED = {"minimum", "maximum", "minLength", "maxLength", "maxItems", "pattern"}


class BadRequest(Exception):
    """The API would refuse this."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def check_request(body: Any) -> None:
    """Raise BadRequest for what the API would refuse."""
    if not isinstance(body, dict):
        raise BadRequest("The request body is not valid JSON")
    for name in ("temperature", "top_p", "top_k"):
        if name in body:
            raise BadRequest(f"{name}: sampling parameters are not supported")
    _only(body, _FIELDS, "")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise BadRequest("model: Field required")
    tokens = body.get("max_tokens")
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0:
        raise BadRequest("max_tokens: Field required")
    if not isinstance(body.get("stream", False), bool):
        raise BadRequest("stream: Input should be a valid boolean")
    _check_system(body)
    _check_messages(body.get("messages"))
    _check_breakpoints(body)
    _check_output(body.get("output_config"))


class PrefixCache:
    """Remembers prefixes up to their breakpoints, for ever; counts tokens as a quarter of the characters."""

    def __init__(self, cacheable_from: int) -> None:
        self._cacheable_from = cacheable_from
        self._kept: set[str] = set()

    def clear(self) -> None:
        self._kept.clear()

    def use(self, body: dict[str, Any]) -> dict[str, int]:
        """Return the input side of a request's usage, and remember what it writes."""
        digest = hashlib.sha256(json.dumps([body["model"], body.get("output_config")]).encode())
        totals, hashes, breakpoints, total = [], [], [], 0
        for text, is_breakpoint in _positions(body):
            digest.update(text.encode() + b"\x00")
            total += count_tokens(text)
            totals.append(total)
            hashes.append(digest.hexdigest())
            if is_breakpoint and total >= self._cacheable_from:
                breakpoints.append(len(totals) - 1)
        read = written = 0
        for place in breakpoints:
            hits = [at for at in range(max(0, place - LOOKBACK + 1), place + 1) if hashes[at] in self._kept]
            read = max([read, *(totals[at] for at in hits)])
        if breakpoints:
            written = max(0, totals[breakpoints[-1]] - read)
        self._kept.update(hashes[place] for place in breakpoints)
        return {
            "input_tokens": total - read - written,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": written,
        }


def count_tokens(text: str) -> int:
    """Return about how many tokens a text is."""
    return -(-len(text) // 4)


def _positions(body: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield every block of the prompt in the cache's order, without its breakpoint, and whether it carried one."""
    for block in _blocks(body.get("tools") or []):
        yield json.dumps(_bare(block)), "cache_control" in block
    for block in _blocks(body.get("system") or []):
        yield block["text"], "cache_control" in block
    for message in body["messages"]:
        for block in _blocks(message["content"]):
            yield f"{message['role']}:{block.get('text') or json.dumps(_bare(block))}", "cache_control" in block


def _bare(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != "cache_control"}


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _only(value: Any, allowed: set[str], where: str) -> None:
    if not isinstance(value, dict):
        raise BadRequest(f"{where}: Input should be an object")
    for name in value.keys() - allowed:
        raise BadRequest(f"{where}.{name}: Extra inputs are not permitted".lstrip("."))


def _check_system(body: dict[str, Any]) -> None:
    if "system" not in body:
        return
    system = body["system"]
    if not isinstance(system, str | list):
        raise BadRequest("system: Input should be a string or a list")
    for number, block in enumerate(system if isinstance(system, list) else []):
        _check_block(block, f"system.{number}", {"text"})


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages: at least one message is required")
    for number, message in enumerate(messages):
        where = f"messages.{number}"
        _only(message, {"role", "content"}, where)
        if message.get("role") not in ("user", "assistant", "system") or (message["role"] == "system" and not number):
            raise BadRequest(f"{where}.role: Input should be 'user' or 'assistant'")
        content = message.get("content")
        if not isinstance(content, str | list) or not content:
            raise BadRequest(f"{where}.content: all messages must have non-empty content")
        kinds = {"text"} if message["role"] != "user" else {"text", "image"}
        for place, block in enumerate(_blocks(content)):
            _check_block(block, f"{where}.content.{place}", kinds)
    if messages[-1]["role"] == "assistant":
        raise BadRequest(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )


def _check_block(block: Any, where: str, kinds: set[str]) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in kinds:
        raise BadRequest(f"{where}.type: Input should be one of {sorted(kinds)}")
    _only(block, _BLOCK_FIELDS[kind], where)
    if kind == "text":
        if not isinstance(block.get("text"), str) or not block["text"]:
            raise BadRequest(f"{where}: text content blocks must be non-empty")
        if not block["text"].strip():
            raise BadRequest(f"{where}: text content blocks must contain non-whitespace text")
    else:
        _only(block.get("source"), {"type", "media_type", "data"}, f"{where}.source")
        if block["source"].get("media_type") not in ("image/png", "image/jpeg", "image/gif", "image/webp"):
            raise BadRequest(f"{where}.source.media_type: unsupported")


def _check_breakpoints(body: dict[str, Any]) -> None:
    blocks = [*_blocks(body.get("tools") or []), *_blocks(body.get("system") or [])]
    for message in body["messages"]:
        blocks += _blocks(message["content"])
    found = [block["cache_control"] for block in [*blocks, body] if "cache_control" in block]
    if len(found) > MOST_BREAKPOINTS:
        raise BadRequest(
            f"A maximum of {MOST_BREAKPOINTS} blocks with cache_control may be provided. Found {len(found)}."
        )
    is_short = False
    for control in found:
        _only(control, {"type", "ttl"}, "cache_control")
        ttl = control.get("ttl", "5m")
        if control.get("type") != "ephemeral" or ttl not in ("5m", "1h"):
            raise BadRequest("cache_control: Input should be ephemeral, with a ttl of 5m or 1h")
        if ttl == "1h" and is_short:
            raise BadRequest("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block")
        is_short = ttl == "5m"


def _check_output(config: Any) -> None:
    if config is None:
        return
    _only(config, {"format", "effort"}, "output_config")
    if "effort" in config and config["effort"] not in _EFFORTS:
        raise BadRequest("output_config.effort: unsupported")
    if "format" in config:
        _only(config["format"], {"type", "schema"}, "output_config.format")
        if config["format"].get("type") != "json_schema":
            raise BadRequest("output_config.format.type: Input should be 'json_schema'")
        _check_schema(config["format"].get("schema"))


def _check_schema(schema: Any) -> None:
    """Objects must be closed; limits are refused."""
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        raise BadRequest(
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"
        )
    for name in schema.keys() & _SCHEMA_REFUSED:
        raise BadRequest(f"output_config.format.schema: property '{name}' is not supported")
    for nested in [*schema.get("properties", {}).values(), schema.get("items"), *schema.get("anyOf", [])]:
        _check_schema(nested)
