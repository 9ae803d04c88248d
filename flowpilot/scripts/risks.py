"""What a script would do that a person should know before copying it: rules, line by line. Pure.

The rules err on the side of saying too much of what runs, and say nothing of comments and of lines that only print.
"""

import re
from dataclasses import dataclass

from flowpilot.scripts.risk_rules import HIGH, RULES

MOST_LINES = 5_000
_LONGEST_LINE = 2_000
_COMMENTS = {
    "powershell": re.compile(r"(?:^|\s)#(?!\s*requires\b).*$", re.IGNORECASE),
    "bash": re.compile(r"(?:^|\s)#.*$"),
    "python": re.compile(r"(?:^|\s)#.*$"),
    "cmd": re.compile(r"^\s*@?(?:rem\b|::).*$", re.IGNORECASE),
}
_STRINGS = re.compile(r"'[^']*'|\"(?:\\.|`.|[^\"\\`])*\"")
_ONLY_PRINTS = re.compile(
    r"^\s*@?(?:Write-(?:Host|Output|Verbose|Warning|Information|Error|Debug)\b|throw\b|echo\b|printf\b|print\(|log(?:ger|ging)?\.\w+\()",
    re.IGNORECASE,
)
_BLOCK = {"powershell": ("<#", "#>"), "python": ('"""', '"""')}
_ONLY_ASKS = re.compile(
    r"^\s*(?:Get-(?:Help|Command|Alias)|man|which|type|command\s+-v|help|where)\s|\s-WhatIf\b|\s--dry-run\b",
    re.IGNORECASE,
)
_RUNS_ON = re.compile(r"\$\(|`|[|;&>]")


@dataclass(frozen=True)
class Risk:
    """What one line does. `line` counts from one."""

    line: int
    kind: str
    level: str
    words: str
    code: str

    @property
    def is_high(self) -> bool:
        return self.level == HIGH


def find_risks(code: str, language: str) -> list[Risk]:
    """Return what the script does that is risky, in the order of its lines; of one kind a line is told once, the worst."""
    found: list[Risk] = []
    for number, line in enumerate(_readable(code, language), 1):
        found += _risks_of(number, line, language)
    return found


def summary(risks: list[Risk]) -> list[Risk]:
    """Return each thing a script does once, with its first line, the worst first."""
    seen: dict[tuple[str, str], Risk] = {}
    for risk in risks:
        seen.setdefault((risk.kind, risk.words), risk)
    return sorted(seen.values(), key=lambda risk: (not risk.is_high, risk.line))


def _risks_of(number: int, line: str, language: str) -> list[Risk]:
    told = set()
    risks = []
    for rule in RULES:
        if language in rule.languages and rule.kind not in told and rule.pattern.search(line):
            told.add(rule.kind)
            risks.append(Risk(number, rule.kind, rule.level, rule.words, line.strip()[:200]))
    return risks


def _readable(code: str, language: str) -> list[str]:
    """Return the lines with what does not run taken out, one for one."""
    lines, is_inside = [], False
    opening, closing = _BLOCK.get(language, ("", ""))
    for line in code.splitlines()[:MOST_LINES]:
        line = line[:_LONGEST_LINE]
        if is_inside:
            is_inside = closing not in line
            lines.append("")
        elif opening and line.lstrip().startswith(opening):
            is_inside = closing not in line.lstrip()[len(opening) :]
            lines.append("")
        else:
            lines.append(_running(line, language))
    return lines


def _running(line: str, language: str) -> str:
    line = _COMMENTS[language].sub("", line)
    if _ONLY_ASKS.search(line):
        return ""
    bare = _STRINGS.sub("''", line)
    if (
        _ONLY_PRINTS.match(line)
        and not _RUNS_ON.search(bare)
        and "$(" not in line
        and not (language == "bash" and "`" in line)
    ):
        return ""
    return line
