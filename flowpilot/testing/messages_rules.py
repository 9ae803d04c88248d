"""What the Messages API refuses, with the words it has for it. Used by the server that stands in for it."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from flowpilot.testing.messages_cache import blocks_of
from flowpilot.testing.scripted_server import BadRequest, count_tokens

MOST_BREAKPOINTS = 4
MOST_TOKENS = 1_000_000
LARGEST_IMAGE = 10 * 1024 * 1024
MCP_BETAS = {"mcp-client-2025-11-20", "mcp-client-2026-09-15"}
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
_BLOCK_FIELDS = {
    "text": {"type", "text", "cache_control", "citations"},
    "image": {"type", "source", "cache_control"},
    "thinking": {"type", "thinking", "signature"},
    "mcp_tool_use": {"type", "id", "name", "input", "server_name", "cache_control"},
    "mcp_tool_result": {"type", "tool_use_id", "is_error", "content", "cache_control"},
}
_MCP_BLOCKS = {"mcp_tool_use", "mcp_tool_result"}
_SERVER_FIELDS = {"type", "url", "name", "authorization_token"}
_TOOLSET_FIELDS = {"type", "mcp_server_name", "default_config", "configs", "cache_control", "tools"}
_FORCING = {"any", "tool"}
_NEVER_FORCED = ("claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5")
_EFFORTS = {"low", "medium", "high", "xhigh", "max"}
_SCHEMA_REFUSED = {"minimum", "maximum", "minLength", "maxLength", "maxItems", "pattern"}
_IMAGES = {
    "image/png": b"\x89PNG",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}


def check_betas(header: str) -> bool:
    """Return whether a request may name MCP servers; refuse a beta that does not exist."""
    names = {name.strip() for name in header.split(",") if name.strip()}
    if unknown := sorted(names - MCP_BETAS):
        raise BadRequest(f"Unexpected value(s) `{', '.join(unknown)}` for the `anthropic-beta` header.")
    return bool(names & MCP_BETAS)


def check_request(body: Any, *, has_mcp: bool = False, paused: Sequence[list[dict[str, Any]]] = ()) -> None:
    """Raise BadRequest for what the API would refuse. `paused` are the answers that wait to be gone on with."""
    if not isinstance(body, dict):
        raise BadRequest("The request body is not valid JSON")
    for name in ("temperature", "top_p", "top_k"):
        if name in body:
            raise BadRequest(f"{name}: sampling parameters are not supported")
    _only(body, _FIELDS | ({"mcp_servers"} if has_mcp else set()), "")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise BadRequest("model: Field required")
    tokens = body.get("max_tokens")
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0:
        raise BadRequest("max_tokens: Field required")
    if not isinstance(body.get("stream", False), bool):
        raise BadRequest("stream: Input should be a valid boolean")
    _check_tools(body, has_mcp=has_mcp)
    _check_system(body)
    _check_messages(body.get("messages"), has_mcp=has_mcp, paused=paused)
    _check_breakpoints(body)
    _check_output(body.get("output_config"))
    _check_length(body)


def _check_tools(body: dict[str, Any], *, has_mcp: bool) -> None:
    """Each MCP server needs exactly one toolset, and a toolset its server."""
    tools, servers = body.get("tools") or [], body.get("mcp_servers") or []
    toolsets = []
    for number, tool in enumerate(tools):
        kind = tool.get("type", "custom") if isinstance(tool, dict) else None
        if kind == "mcp_toolset" and has_mcp:
            _only(tool, _TOOLSET_FIELDS, f"tools.{number}")
            toolsets.append(tool.get("mcp_server_name"))
        elif kind != "custom" and not str(kind).startswith(("web_search_", "web_fetch_")):
            raise BadRequest(
                f"tools.{number}: Input tag '{kind}' found using 'type' does not match any of the expected tags"
            )
    names = []
    for number, server in enumerate(servers):
        _only(server, _SERVER_FIELDS, f"mcp_servers.{number}")
        if (
            server.get("type") != "url"
            or not str(server.get("url", "")).startswith("https://")
            or not server.get("name")
        ):
            raise BadRequest(f"mcp_servers.{number}: type, url (https) and name are required")
        names.append(server["name"])
    for name in names:
        if names.count(name) > 1 or toolsets.count(name) != 1:
            raise BadRequest(f"mcp_servers: server '{name}' must be referenced by exactly one mcp_toolset in tools")
    for name in set(toolsets) - set(names):
        raise BadRequest(f"tools: mcp_toolset refers to an MCP server '{name}' that is not defined in mcp_servers")
    choice = (body.get("tool_choice") or {}).get("type")
    if choice in _FORCING and body["model"].startswith(_NEVER_FORCED):
        raise BadRequest(f"tool_choice: '{choice}' is not supported by this model")


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


def _check_messages(messages: Any, *, has_mcp: bool, paused: Sequence[list[dict[str, Any]]]) -> None:
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
        kinds = {"user": {"text", "image"}, "assistant": {"text", "thinking"}}.get(message["role"], {"text"})
        if has_mcp and message["role"] == "assistant":
            kinds = kinds | _MCP_BLOCKS
        for place, block in enumerate(blocks_of(content)):
            _check_block(block, f"{where}.content.{place}", kinds)
            if message["role"] == "user" and block.get("citations"):
                raise BadRequest(f"{where}.content.{place}.citations: not permitted in user messages")
    if messages[-1]["role"] == "assistant" and not _goes_on(messages[-1]["content"], paused):
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
    elif kind == "image":
        _check_image(block.get("source"), where)
    elif kind == "thinking" and not block.get("signature"):
        raise BadRequest(f"{where}.signature: Field required")


def _check_image(source: Any, where: str) -> None:
    _only(source, {"type", "media_type", "data"}, f"{where}.source")
    media_type = source.get("media_type")
    if media_type not in _IMAGES:
        raise BadRequest(f"{where}.source.media_type: unsupported")
    try:
        data = base64.b64decode(source.get("data", ""), validate=True)
    except binascii.Error:
        raise BadRequest(f"{where}.source.data: invalid base64") from None
    if len(data) > LARGEST_IMAGE:
        raise BadRequest(f"{where}: image exceeds 10 MB maximum: {len(data)} bytes > {LARGEST_IMAGE} bytes")
    shown = next((name for name, start in _IMAGES.items() if data.startswith(start)), media_type)
    if shown != media_type:
        raise BadRequest(
            f"{where}: The image was specified using the {media_type} media type, but the image appears to be a {shown} image"
        )


def _goes_on(content: Any, paused: Sequence[list[dict[str, Any]]]) -> bool:
    """Whether a last assistant message is a paused answer, sent back unchanged."""
    return _plain(blocks_of(content)) in [_plain(blocks) for blocks in paused]


def _plain(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in block.items() if name != "cache_control" and value is not None}
        for block in blocks
    ]


def _check_length(body: dict[str, Any]) -> None:
    blocks = [*blocks_of(body.get("system") or [])]
    for message in body["messages"]:
        blocks += blocks_of(message["content"])
    tokens = sum(count_tokens(block.get("text", "")) for block in blocks)
    if tokens > MOST_TOKENS:
        raise BadRequest(f"prompt is too long: {tokens} tokens > {MOST_TOKENS} maximum")


def _check_breakpoints(body: dict[str, Any]) -> None:
    blocks = [*blocks_of(body.get("tools") or []), *blocks_of(body.get("system") or [])]
    for message in body["messages"]:
        blocks += blocks_of(message["content"])
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
