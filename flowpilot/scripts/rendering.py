"""A script with its values: what is copied, and what is shown. Pure.

The body never changes. Above it each parameter is assigned a literal of its language, so a value has one place, which no body can move
into a comment, other quotes or an argument.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flowpilot.errors import Invalid
from flowpilot.scripts.languages import LANGUAGES
from flowpilot.scripts.parameters import Parameter
from flowpilot.scripts.quoting import Value, literal

MASK = "********"
_ASSIGNMENTS = {
    "powershell": "${name} = {value}",
    "bash": "{name}={value}",
    "python": "{name} = {value}",
    "cmd": 'set "{name}={value}"',
}
_HEADS = {
    "powershell": re.compile(r"(?:[ \t]*(?:#[^\n]*|using [^\n]*|<#.*?#>[ \t]*)?\n)*", re.DOTALL | re.IGNORECASE),
    "bash": re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*"),
    "cmd": re.compile(r"(?:[ \t]*(?:@echo off|@?rem\b[^\n]*|::[^\n]*|@?setlocal[^\n]*)?\r?\n)*", re.IGNORECASE),
}
_NOT_IN_A_TITLE = re.compile(r"[^\w .,()+-]", re.ASCII)


@dataclass(frozen=True)
class Piece:
    """A run of a rendered script; `parameter` names whose value it is, `is_missing` says that nobody gave one yet."""

    text: str
    parameter: str = ""
    is_missing: bool = False


def render(
    *, language: str, body: str, parameters: Sequence[Parameter], values: Mapping[str, Value], title: str = ""
) -> str:
    """Return the script to copy, secrets and all. Raises Invalid for a value that is missing or that the language cannot carry."""
    missing = [parameter.title for parameter in parameters if parameter.name not in values]
    if missing:
        raise Invalid(f"Fill in first: {', '.join(missing)}.")
    return "".join(piece.text for piece in _write(language, body, parameters, values, title, is_masked=False))


def preview(
    *, language: str, body: str, parameters: Sequence[Parameter], values: Mapping[str, Value], title: str = ""
) -> list[Piece]:
    """Return the script to look at: secrets are masked, what is missing is named."""
    return _write(language, body, parameters, values, title, is_masked=True)


def masked(pieces: Sequence[Piece]) -> str:
    """Return a preview as text, which is what may be kept."""
    return "".join(piece.text for piece in pieces)


def file_name(title: str, language: str) -> str:
    """Return what a downloaded script is called."""
    words = re.findall(r"[A-Za-z0-9]+", title)
    return f"{'-'.join(words)[:60] or 'script'}.{LANGUAGES[language].extension}"


def to_file(text: str, language: str) -> bytes:
    """Return a script as the bytes of a file that its interpreter reads back as the same characters."""
    known = LANGUAGES[language]
    lines = text.replace("\r\n", "\n").replace("\n", known.newline)
    return known.signature + lines.encode()


def _write(language, body, parameters, values, title, *, is_masked) -> list[Piece]:
    head, rest = _split(language, body.replace("\r\n", "\n"))
    words = _NOT_IN_A_TITLE.sub("", title)[:120].strip()
    comment = LANGUAGES[language].comment
    banner = f"{comment} {words}. Prepared by FlowPilot, read it before you run it.\n" if words else ""
    pieces = [Piece(head + banner)]
    for parameter in parameters:
        before, after = _ASSIGNMENTS[language].format(name=parameter.name, value="\x00").split("\x00")
        pieces += [Piece(before), _value(language, parameter, values, is_masked=is_masked), Piece(after + "\n")]
    return [piece for piece in [*pieces, Piece(rest)] if piece.text or piece.parameter]


def _value(language: str, parameter: Parameter, values: Mapping[str, Value], *, is_masked: bool) -> Piece:
    value = values.get(parameter.name)
    if value is None:
        return Piece(literal(language, ""), parameter.name, is_missing=True)
    if is_masked and parameter.is_secret:
        return Piece(literal(language, MASK) if language != "cmd" else MASK, parameter.name)
    try:
        return Piece(literal(language, value), parameter.name)
    except Invalid:
        if not is_masked:
            raise
        return Piece(literal(language, ""), parameter.name, is_missing=True)


def _split(language: str, body: str) -> tuple[str, str]:
    """Return what must stay on top of a script, and the rest."""
    if language == "python":
        return _split_python(body)
    found = _HEADS[language].match(body)
    end = found.end() if found else 0
    return body[:end], body[end:]


def _split_python(body: str) -> tuple[str, str]:
    """Return a module's comments, docstring and `from __future__`, and the rest."""
    lines = body.splitlines(keepends=True)
    end = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    try:
        tree = ast.parse(body)
    except (SyntaxError, ValueError):
        return "".join(lines[:end]), "".join(lines[end:])
    for at, node in enumerate(tree.body):
        is_docstring = (
            at == 0
            and isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        )
        if not is_docstring and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            break
        end = max(end, node.end_lineno or 0)
    return "".join(lines[:end]), "".join(lines[end:])
