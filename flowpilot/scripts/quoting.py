"""One literal a language: a value becomes data that the language reads back as it was, and never code. Pure.

A literal stands in one place only, to the right of an assignment above the script's body (`rendering`). So nothing here need hold inside
other quotes, a comment or an argument.
"""

import re
from collections.abc import Callable
from decimal import Decimal

from flowpilot.errors import Invalid

Value = str | bool | Decimal
# PowerShell takes each of these for a single quote, and doubled for the character itself.
_POWERSHELL_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
# The command processor puts a variable's text into the line before it reads the line, so only what means nothing to it may be in one.
_CMD_REFUSED = re.compile(r"[^A-Za-z0-9 _.,:;\\/@+=#$~\[\]{}-]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def literal(language: str, value: Value) -> str:
    """Return a value as a literal of the language. Raises Invalid for a value that the language cannot carry."""
    return _LITERALS[language](value)


def quote_powershell(text: str) -> str:
    """Return a single-quoted string. Raises Invalid for NUL and half characters."""
    _refuse_unwritable(text)
    return "'" + _POWERSHELL_QUOTES.sub(r"\1\1", text) + "'"


def quote_bash(text: str) -> str:
    """Return a single-quoted word. Raises Invalid for NUL and half characters."""
    _refuse_unwritable(text)
    return "'" + text.replace("'", "'\"'\"'") + "'"


def quote_python(text: str) -> str:
    """Return a string of ASCII characters only, so that no file encoding matters."""
    return ascii(text)


def quote_cmd(text: str) -> str:
    """Return text that means nothing to the command processor, as it stands. Raises Invalid for anything else."""
    if found := _CMD_REFUSED.search(text):
        raise Invalid(
            f"A batch file cannot carry {_named(found[0])} safely. Use the PowerShell version, or leave it out."
        )
    return text


def _refuse_unwritable(text: str) -> None:
    if "\x00" in text:
        raise Invalid("A value cannot hold the NUL character.")
    if _SURROGATE.search(text):
        raise Invalid("This value holds half a character, which no file can hold. Type it again.")


def _named(character: str) -> str:
    return f"“{character}”" if character.isprintable() else f"the character U+{ord(character):04X}"


def _with(quote: Callable[[str], str], yes: str, no: str) -> Callable[[Value], str]:
    def write(value: Value) -> str:
        if isinstance(value, bool):
            return yes if value else no
        return format(value, "f") if isinstance(value, Decimal) else quote(value)

    return write


_LITERALS: dict[str, Callable[[Value], str]] = {
    "powershell": _with(quote_powershell, "$true", "$false"),
    "bash": _with(quote_bash, "true", "false"),
    "python": _with(quote_python, "True", "False"),
    "cmd": _with(quote_cmd, "1", "0"),
}
