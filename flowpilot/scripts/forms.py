"""What people type into the forms of scripts, and what the forms show again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from flowpilot.scripts.languages import LANGUAGES
from flowpilot.scripts.parameters import KINDS, Parameter, check_values
from flowpilot.scripts.quoting import Value
from flowpilot.scripts.rendering import Piece, masked, preview
from flowpilot.scripts.risks import Risk, find_risks, summary

PREFIX = "value-"
_ROW = ("name", "kind", "label", "default", "choices", "help", "required", "fill")
SPARE_ROWS = 2


@dataclass(frozen=True)
class Source:
    """Where a value that was filled in came from; an address when it is a thing on the page."""

    label: str
    icon: str = "check"
    href: str = ""


@dataclass(frozen=True)
class Field:
    """One parameter with what stands in its field."""

    parameter: Parameter
    value: str
    problem: str = ""
    source: Source | None = None

    @property
    def is_on(self) -> bool:
        return self.value.lower() in {"on", "true", "yes", "1"}


@dataclass(frozen=True)
class Shown:
    """A script as its preview shows it: pieces, what it would do, and what still keeps it from being copied."""

    pieces: list[Piece]
    risks: list[Risk]
    problems: dict[str, str]
    lexer: str
    language: str

    @property
    def text(self) -> str:
        return masked(self.pieces)

    @property
    def is_ready(self) -> bool:
        return not self.problems


def given_values(post: QueryDict, parameters: Sequence[Parameter]) -> dict[str, str]:
    """Return what was typed for each parameter, by its name."""
    return {each.name: post.get(PREFIX + each.name, "") for each in parameters}


def first_values(parameters: Sequence[Parameter]) -> dict[str, str]:
    """Return the defaults."""
    return {each.name: each.default for each in parameters}


def fields(
    parameters: Sequence[Parameter], raw: Mapping[str, str], *, sources: Mapping[str, Source] | None = None
) -> list[Field]:
    """Return the parameters as fields. A secret is never sent back to the page."""
    found = sources or {}
    return [
        Field(each, "" if each.is_secret else raw.get(each.name, ""), source=found.get(each.name))
        for each in parameters
    ]


def show(
    *, language: str, body: str, parameters: Sequence[Parameter], raw: Mapping[str, str], title: str
) -> tuple[Shown, dict[str, Value]]:
    """Return a script's preview with these values, and the values that fit."""
    values, problems = check_values(parameters, raw)
    pieces = preview(language=language, body=body, parameters=parameters, values=values, title=title)
    risks = summary(find_risks(masked(pieces), language))
    for piece in pieces:
        if piece.is_missing and piece.parameter not in problems:
            problems[piece.parameter] = "This value cannot be carried by this language."
    known = LANGUAGES[language]
    return Shown(pieces, risks, problems, known.lexer, known.label), values


def read_rows(post: QueryDict) -> list[dict[str, Any]]:
    """Return the parameters of an edit form; rows without a name are left out."""
    columns = {name: post.getlist(f"p-{name}") for name in _ROW}
    rows = []
    for at, name in enumerate(columns["name"]):
        row = {column: (values[at].strip() if at < len(values) else "") for column, values in columns.items()}
        if name.strip():
            rows.append(
                {
                    **row,
                    "choices": [each.strip() for each in row["choices"].split(",")],
                    "is_required": row["required"] != "no",
                }
            )
    return rows


def spare_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows an edit form shows: those there are, and some empty ones for a browser without script."""
    shown = [{**row, "choices_text": ", ".join(map(str, row.get("choices") or []))} for row in rows]
    blank = {
        "name": "",
        "kind": "text",
        "label": "",
        "default": "",
        "choices_text": "",
        "help": "",
        "is_required": True,
        "fill": "",
    }
    return [*shown, *(dict(blank) for _ in range(SPARE_ROWS))]


KIND_CHOICES = list(KINDS.items())
FILL_CHOICES = [
    ("", "Nothing"),
    ("mail", "Contact’s e-mail"),
    ("contact", "Contact’s name"),
    ("company", "Client"),
    ("host", "Device or server"),
    ("address", "IP address"),
    ("printer", "Printer"),
    ("service", "Service"),
    ("mailbox", "Mailbox"),
]
