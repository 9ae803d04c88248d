"""Whether a model's JSON fits its schema: the part of JSON Schema that structured output allows. Pure."""

from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def find_mismatch(value: Any, schema: dict[str, Any], where: str = "the answer") -> str:
    """Return in words where a value does not fit, or "" where it does."""
    if options := schema.get("anyOf"):
        return "" if any(not find_mismatch(value, option) for option in options) else f"{where} fits none of its forms"
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} is not one of {schema['enum']}"
    if not _is_type(value, schema.get("type")):
        return f"{where} is not of type {schema['type']}"
    if isinstance(value, dict):
        return _object_mismatch(value, schema, where)
    if isinstance(value, list) and "items" in schema:
        found = (find_mismatch(item, schema["items"], f"{where}[{at}]") for at, item in enumerate(value))
        return next(filter(None, found), "")
    return ""


def _is_type(value: Any, names: str | list[str] | None) -> bool:
    if names is None:
        return True
    wanted = [names] if isinstance(names, str) else names
    if isinstance(value, bool):
        return "boolean" in wanted
    return any(isinstance(value, _TYPES[name]) for name in wanted)


def _object_mismatch(value: dict[str, Any], schema: dict[str, Any], where: str) -> str:
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            return f"{where} has no {name}"
    if schema.get("additionalProperties") is False and (extra := value.keys() - properties.keys()):
        return f"{where} has an unknown {min(extra)}"
    found = (
        find_mismatch(value[name], properties[name], f"{where}.{name}") for name in value.keys() & properties.keys()
    )
    return next(filter(None, found), "")
