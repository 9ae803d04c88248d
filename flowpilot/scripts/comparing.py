"""What changed between two scripts, line by line, as a page shows it. Pure."""

from dataclasses import dataclass
from difflib import SequenceMatcher

CONTEXT = 3


@dataclass(frozen=True)
class Line:
    """One line of a difference. `kind` is ins, del, gap (lines left out) or nothing for a line that stayed."""

    kind: str
    text: str


@dataclass(frozen=True)
class Difference:
    """What changed."""

    lines: tuple[Line, ...]
    added: int
    removed: int

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


def compare(before: str, after: str) -> Difference:
    """Return the lines that went and came, with some of those around them."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[Line] = []
    added = removed = 0
    groups = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for at, (tag, start, end, first, last) in enumerate(groups):
        if tag == "equal":
            lines += _context(old[start:end], is_first=at == 0, is_last=at == len(groups) - 1)
            continue
        lines += [Line("del", text) for text in old[start:end]]
        lines += [Line("ins", text) for text in new[first:last]]
        removed, added = removed + end - start, added + last - first
    return Difference(tuple(lines), added, removed)


def _context(stayed: list[str], *, is_first: bool, is_last: bool) -> list[Line]:
    head, tail = (0 if is_first else CONTEXT), (0 if is_last else CONTEXT)
    if len(stayed) <= head + tail + 1:
        return [Line("", text) for text in stayed]
    hidden = len(stayed) - head - tail
    kept_tail = stayed[len(stayed) - tail :] if tail else []
    gap = Line("gap", f"{hidden} unchanged line{'s' if hidden > 1 else ''}")
    return [*(Line("", text) for text in stayed[:head]), gap, *(Line("", text) for text in kept_tail)]
