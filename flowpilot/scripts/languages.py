"""The languages a script may be written in, and what differs between them on paper. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """One language. `signature` are bytes before the text of a file: Windows PowerShell reads a file without them as ANSI."""

    key: str
    label: str
    extension: str
    comment: str
    lexer: str
    newline: str = "\n"
    signature: bytes = b""


LANGUAGES = {
    each.key: each
    for each in (
        Language("powershell", "PowerShell", "ps1", "#", "powershell", signature=b"\xef\xbb\xbf"),
        Language("bash", "Bash", "sh", "#", "bash"),
        Language("python", "Python", "py", "#", "python"),
        Language("cmd", "Batch", "cmd", "rem", "bat", newline="\r\n"),
    )
}
CHOICES = [(each.key, each.label) for each in LANGUAGES.values()]
_OTHER_NAMES = {
    "ps": "powershell",
    "ps1": "powershell",
    "pwsh": "powershell",
    "sh": "bash",
    "shell": "bash",
    "zsh": "bash",
}
_OTHER_NAMES |= {"py": "python", "python3": "python", "bat": "cmd", "batch": "cmd"}


def known_language(name: str) -> str:
    """Return the key of a language that somebody named in their own way, or nothing."""
    name = name.strip().lower()
    name = _OTHER_NAMES.get(name, name)
    return name if name in LANGUAGES else ""
