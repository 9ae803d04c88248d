"""Cutting growing markdown into blocks that are finished and the one that still grows. Pure."""

import re

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")


def split_blocks(text: str) -> tuple[str, str]:
    """Return (finished, growing): `finished` ends at the last blank line outside code fences and can be rendered for good.

    A list or a quote may go on after a blank line, so a line that continues one keeps its block open.
    """
    cut, at, fence = 0, 0, ""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        at += len(line)
        found = _FENCE.match(line)
        if found and not fence:
            fence = found[1]
        elif found and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if not fence and not line.strip() and line.endswith("\n") and following.strip() and not _goes_on(following):
            cut = at
    return text[:cut], text[cut:]


def _goes_on(line: str) -> bool:
    """Whether a line continues what stood before the blank line, or may yet when the rest of it has come."""
    return line[:1] in " \t>*-+" or bool(re.match(r"\d+([.)]|\Z)", line))
