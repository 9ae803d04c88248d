"""What can be said of a script without running it: does it parse, and what would a linter say.

Python is parsed here, PowerShell and Bash by their grammars, and Bash is looked at by shellcheck. Nothing is ever run.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tree_sitter_bash
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from flowpilot.errors import Invalid

LONGEST_SCRIPT = 60_000  # characters
MOST_PROBLEMS = 8
_GRAMMARS = {"bash": tree_sitter_bash.language, "powershell": tree_sitter_powershell.language}
_UNITS = re.compile(r"\b\d+(?:KB|MB|GB|TB|PB)\b")  # the grammar knows them in lower case only
_BARE_COMMA = re.compile(r"(?<=\w),(?:[ \t]*(?=\w))?")  # behind a bare word the grammar reads on
_LINT_SECONDS = 5
_UNSET = {"SC2154", "SC2148"}  # what the parameters set above the body, and the first line that they may come before


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a script, or that a linter warns of."""

    line: int
    words: str
    is_error: bool = True
    is_guess: bool = False  # the grammar here knows less than the language's own


@dataclass(frozen=True)
class Report:
    """What checking a script came to."""

    problems: tuple[Problem, ...]
    is_parsed: bool  # somebody who knows the language looked

    @property
    def is_broken(self) -> bool:
        return any(problem.is_error for problem in self.problems)

    @property
    def words(self) -> str:
        if self.is_broken:
            return "Does not parse"
        if any(problem.is_guess for problem in self.problems):
            return f"May not parse, look at line {self.problems[0].line}"
        if not self.is_parsed:
            return "Not parsed: no grammar for this language here"
        warned = len(self.problems)
        return f"Parses, {warned} warning{'s' if warned > 1 else ''}" if warned else "Parses, no warnings"


def check(code: str, language: str) -> Report:
    """Parse a script, and lint it where there is a linter."""
    if language == "python":
        return Report(tuple(_check_python(code)), is_parsed=True)
    if language not in _GRAMMARS:
        return Report((), is_parsed=False)
    broken = tuple(_check_tree(code, language))[:MOST_PROBLEMS]
    return Report(broken or (tuple(_lint(code))[:MOST_PROBLEMS] if language == "bash" else ()), is_parsed=True)


def check_body(body: str, language: str, names: list[str]) -> str:
    """Return a template's body as it is kept. Raises Invalid for one that is empty, too long, or sets its parameters itself."""
    body = (
        body.replace("\r\n", "\n")
        .replace("\r", "\n")
        .replace("\x00", "")
        .encode("utf-8", "ignore")
        .decode()
        .strip("\n")
    )
    if not body.strip():
        raise Invalid("The script is empty.")
    if len(body) > LONGEST_SCRIPT:
        raise Invalid(
            f"That is {len(body):,} characters; a script takes {LONGEST_SCRIPT:,}. Nothing was lost: it is still here."
        )
    if names and language == "powershell" and _has_param_block(body):
        raise Invalid("Take the param(…) block out: FlowPilot sets each parameter above the script.")
    return body + "\n"


def _check_python(code: str) -> Iterator[Problem]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except SyntaxError as error:
        yield Problem(error.lineno or 1, str(error.msg).capitalize())
    except (ValueError, RecursionError, MemoryError):
        yield Problem(1, "Cannot be read as Python")


def _check_tree(code: str, language: str) -> Iterator[Problem]:
    if language == "powershell":
        code = _BARE_COMMA.sub(" ,", _UNITS.sub(lambda found: found[0].lower(), code))
    is_guess = language == "powershell"
    for node in _wrong(_parser(language).parse(code.encode("utf-8", "replace")).root_node):
        is_named = node.is_missing and node.type.strip()
        words = f"Something is missing here: {node.type}" if is_named else "Cannot be read from here on"
        yield Problem(node.start_point[0] + 1, words, is_error=not is_guess, is_guess=is_guess)


def _wrong(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            yield node
        elif node.has_error:
            waiting.extend(reversed(node.children))


def _has_param_block(body: str) -> bool:
    root = _parser("powershell").parse(body.encode()).root_node
    return any(child.type == "param_block" for child in root.children)


def _lint(code: str) -> Iterator[Problem]:
    command = _shellcheck()
    if command is None:
        return
    try:
        done = subprocess.run(  # noqa: S603  shellcheck reads the script from its input and runs nothing
            [command, "--shell=bash", "--format=json", "--severity=warning", "-"],
            input=code.encode(),
            capture_output=True,
            timeout=_LINT_SECONDS,
            check=False,
        )
        found = json.loads(done.stdout or b"[]")
    except (subprocess.TimeoutExpired, ValueError, OSError):
        return
    for comment in found:
        if f"SC{comment['code']}" not in _UNSET:
            yield Problem(comment["line"], comment["message"], is_error=comment["level"] == "error")


@cache
def _shellcheck() -> str | None:
    beside = Path(sys.executable).parent / "shellcheck"
    return str(beside) if beside.exists() else shutil.which("shellcheck")


@cache
def _parser(language: str) -> Parser:
    return Parser(Language(_GRAMMARS[language]()))
