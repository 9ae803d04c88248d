"""Text from outside (tickets, documents, pasted output, tool results): fenced, labelled, and with likely secrets masked.

Nothing here makes such text safe to obey; it tells the model what it is, and keeps back what must not leave.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FENCE = "untrusted"
_FENCED = re.compile(rf'<{_FENCE} name="([^"]*)"[^>]*>\n.*?\n</{_FENCE}>', re.DOTALL)
_MASKED = "[masked: "
_KEPT_INVISIBLE = {"\t", "\n", "\r"}


@dataclass(frozen=True)
class Found:
    """A likely secret: `text[start:end]` is the secret itself, `kind` what it seems to be."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class _Rule:
    """`any_of` are words of which one must stand in the text, in lower case, before the pattern is tried: most texts hold none."""

    kind: str
    any_of: tuple[str, ...]
    pattern: re.Pattern[str]
    is_guess: bool


def fence(name: str, text: str) -> str:
    """Mark text as data that nobody need obey: masked, without invisible characters, and with look-alikes of our own fence defused."""
    plain, hidden = strip_invisible(text)
    safe = mask_secrets(plain).replace(f"</{_FENCE}", f"<\\/{_FENCE}").replace(f"<{_FENCE}", f"<\\{_FENCE}")
    label = strip_invisible(name)[0].translate(_UNQUOTED)[:80]
    note = f' removed_invisible_characters="{hidden}"' if hidden else ""
    return f'<{_FENCE} name="{label}"{note}>\n{safe}\n</{_FENCE}>'


def find_fenced(text: str) -> list[tuple[str, str]]:
    """Return each fenced part of a text, with its name, fences and all."""
    return [(found[1], found[0]) for found in _FENCED.finditer(text)]


def strip_invisible(text: str) -> tuple[str, int]:
    """Return a text without characters that show nothing (tags, bidi controls, zero width), and how many there were."""
    if text.isascii() and text.isprintable():
        return text, 0
    kept = "".join(character for character in text if not _is_invisible(character))
    return kept, len(text) - len(kept)


def find_secrets(text: str) -> list[Found]:
    """Return the likely secrets of a text, in order and without overlaps."""
    lowered = text.lower()
    found = sorted(
        (each for rule in _rules() if any(word in lowered for word in rule.any_of) for each in _matches(rule, text)),
        key=lambda each: (each.start, -each.end),
    )
    apart: list[Found] = []
    for each in found:
        if not apart or each.start >= apart[-1].end:
            apart.append(each)
    return apart


def mask_secrets(text: str) -> str:
    """Return a text with its likely secrets replaced by what they seem to be. The same text always gives the same."""
    parts, at = [], 0
    for each in find_secrets(text):
        parts += [text[at : each.start], f"{_MASKED}{each.kind}]"]
        at = each.end
    return "".join([*parts, text[at:]])


def _is_invisible(character: str) -> bool:
    if character in _KEPT_INVISIBLE:
        return False
    return unicodedata.category(character) in {"Cf", "Cc"} or 0xE0100 <= ord(character) <= 0xE01EF


def _matches(rule: _Rule, text: str) -> Iterator[Found]:
    for match in rule.pattern.finditer(text):
        start, end = match.span("secret")
        is_masked = text.startswith(_MASKED, start)  # what stands there already is no secret
        if not is_masked and (not rule.is_guess or _looks_secret(text[start:end])):
            yield Found(start, end, rule.kind)


def _looks_secret(value: str) -> bool:
    """Tell a password from a word of prose: it mixes kinds of characters, or is a long run of letters and digits."""
    kinds = sum(bool(re.search(each, value)) for each in ("[a-z]", "[A-Z]", r"\d", r"[^\w\s]|_"))
    return len(value) >= 6 and kinds >= 2 and bool(re.search(r"\d|[^\w\s.]", value)) and not _PROSE.fullmatch(value)


@cache
def _rules() -> tuple[_Rule, ...]:
    kept = json.loads((Path(__file__).parent / "secrets.json").read_text(encoding="utf-8"))
    return tuple(
        _Rule(rule["kind"], tuple(rule["any_of"]), re.compile(rule["pattern"]), rule.get("is_guess", False))
        for rule in kept
    )


_UNQUOTED = str.maketrans({'"': "'", "<": "(", ">": ")", "\n": " ", "\r": " "})
# A date, a time, a version, a host, a path or an address beside the word "password" is none.
_PROSE = re.compile(
    r"[\d.:/-]+|[^\W\d_]+(?:[-'’/][^\W\d_]+)*[.,;:!?)]*|\d+-[^\W\d_]+[.,;:!?)]*|(?:https?://|\\\\|[A-Za-z]:\\).*|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
)
