"""What Gemini's API refuses, with the words it has for it, and how its implicit cache counts. Used by the server that stands in for it."""

import base64
import binascii
import hashlib
import json
import re
from typing import Any

from flowpilot.testing.scripted_server import BadRequest, count_tokens

_FIELDS = {
    "cachedContent",
    "contents",
    "generationConfig",
    "safetySettings",
    "systemInstruction",
    "toolConfig",
    "tools",
}
_CONFIG_FIELDS = {
    "candidateCount",
    "maxOutputTokens",
    "responseJsonSchema",
    "responseMimeType",
    "responseSchema",
    "seed",
    "stopSequences",
    "temperature",
    "thinkingConfig",
    "topK",
    "topP",
}
_CONTENT_FIELDS = {"parts", "role"}
_PART_FIELDS = {"text", "inlineData", "thought", "thoughtSignature"}
_IMAGES = {"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"}
MOST_TOKENS = 1_048_576


def check_model(path: str) -> tuple[str, bool]:
    """Return the model of a path and whether its answer is streamed. Aliases live in v1beta only."""
    found = re.fullmatch(r"/v1/models/([\w.-]+):(generateContent|streamGenerateContent)", path)
    if found is None:
        raise BadRequest("Not Found", 404)
    model = found[1]
    if not re.match(r"gemini-\d", model) or model.endswith("-latest"):
        raise BadRequest(
            f"models/{model} is not found for API version v1, or is not supported for {found[2]}. "
            "Call ModelService.ListModels to see the list of available models and their supported methods.",
            404,
        )
    return model, found[2].startswith("stream")


def check_request(body: Any) -> dict[str, Any]:
    """Return a request with its names in camel case, or raise BadRequest for what the API would refuse."""
    if not isinstance(body, dict):
        raise BadRequest("Invalid JSON payload received. Unexpected token.")
    body = _named(body, _FIELDS, "")
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents:
        raise BadRequest("* GenerateContentRequest.contents: contents is not specified")
    body["contents"] = [_check_content(content, f"contents[{at}]") for at, content in enumerate(contents)]
    if "systemInstruction" in body:
        body["systemInstruction"] = _check_content(body["systemInstruction"], "system_instruction")
    body["generationConfig"] = _check_config(body.get("generationConfig", {}))
    tokens = count_prompt(body)
    if tokens > MOST_TOKENS:
        raise BadRequest(
            f"The input token count ({tokens}) exceeds the maximum number of tokens allowed ({MOST_TOKENS})."
        )
    return body


class ImplicitCache:
    """Finds the longest prefix that an earlier request began with. Nobody marks it, and it counts from a minimum on."""

    def __init__(self, cacheable_from: int = 4096) -> None:
        self._cacheable_from = cacheable_from
        self._kept: set[str] = set()

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()

    def use(self, model: str, body: dict[str, Any]) -> int:
        """Return how many of a request's tokens were found, and remember its prefixes."""
        digest, total, found = hashlib.sha256(model.encode()), 0, 0
        for text in _texts(body):
            digest.update(text.encode() + b"\x00")
            total += count_tokens(text)
            if digest.hexdigest() in self._kept and total >= self._cacheable_from:
                found = total
            self._kept.add(digest.hexdigest())
        return found


def count_prompt(body: dict[str, Any]) -> int:
    """Return about how many tokens a prompt is."""
    return sum(count_tokens(text) for text in _texts(body))


def _texts(body: dict[str, Any]) -> list[str]:
    contents = [body["systemInstruction"]] if "systemInstruction" in body else []
    contents += body["contents"]
    return [part.get("text") or json.dumps(part) for content in contents for part in content["parts"]]


def _check_content(content: Any, where: str) -> dict[str, Any]:
    content = _named(content, _CONTENT_FIELDS, where)
    if content.get("role", "user") not in ("user", "model"):
        raise BadRequest("Please use a valid role: user, model.")
    parts = content.get("parts")
    if not isinstance(parts, list) or not parts:
        raise BadRequest(f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.")
    return {**content, "parts": [_check_part(part, f"{where}.parts[{at}]") for at, part in enumerate(parts)]}


def _check_part(part: Any, where: str) -> dict[str, Any]:
    part = _named(part, _PART_FIELDS, where)
    if len(part.keys() & {"text", "inlineData"}) != 1:
        raise BadRequest(
            f"* GenerateContentRequest.{where}.data: required oneof field 'data' must have one initialized field"
        )
    if "inlineData" in part:
        part["inlineData"] = data = _named(part["inlineData"], {"data", "mimeType"}, f"{where}.inline_data")
        if data.get("mimeType") not in _IMAGES:
            raise BadRequest(f"Unsupported MIME type: {data.get('mimeType')}")
        try:
            base64.b64decode(str(data.get("data", "")).replace("-", "+").replace("_", "/"), validate=True)
        except binascii.Error:
            raise BadRequest(
                f"Invalid value at '{where}.inline_data.data' (TYPE_BYTES), Base64 decoding failed"
            ) from None
    return part


def _check_config(config: Any) -> dict[str, Any]:
    config = _named(config, _CONFIG_FIELDS, "generation_config")
    most = config.get("maxOutputTokens", 1)
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise BadRequest("* GenerateContentRequest.generation_config.max_output_tokens: must be positive")
    schemas = config.keys() & {"responseSchema", "responseJsonSchema"}
    if len(schemas) > 1:
        raise BadRequest("response_schema and response_json_schema may not both be set")
    if schemas and config.get("responseMimeType") != "application/json":
        raise BadRequest(
            "* GenerateContentRequest.generation_config.response_schema: response_schema is only allowed with "
            "response_mime_type application/json"
        )
    return config


def _named(value: Any, allowed: set[str], where: str) -> dict[str, Any]:
    """Return an object with its names in camel case; both manners are taken, unknown names are not."""
    if not isinstance(value, dict):
        raise BadRequest(f"Invalid value at '{where or 'request'}'")
    named = {re.sub(r"_(\w)", lambda found: found[1].upper(), name): inner for name, inner in value.items()}
    for name in named.keys() - allowed:
        at = f" at '{where}'" if where else ""
        raise BadRequest(f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.')
    return named
