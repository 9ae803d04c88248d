"""What an AI answered about a script: its words and the script in them. Pure; takes an answer that is still growing as well."""

import re
from dataclasses import dataclass

from flowpilot.scripts.languages import known_language

_OPENING = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+-]*)[^\n]*\n", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """An answer taken apart. `is_whole` says that the script's fence was closed."""

    words: str
    code: str
    language: str = ""
    is_whole: bool = False


def take_apart(text: str) -> Answer:
    """Return the words of an answer and its longest fenced script."""
    words: list[str] = []
    best = Answer("", "")
    at = 0
    while opening := _OPENING.search(text, at):
        words.append(text[at : opening.start()])
        mark = opening[1][0] * len(opening[1])
        closing = re.compile(rf"^[ \t]*{re.escape(mark)}+[ \t]*$", re.MULTILINE).search(text, opening.end())
        code = text[opening.end() : closing.start() if closing else len(text)]
        if len(code) > len(best.code):
            best = Answer("", code, known_language(opening[2]), closing is not None)
        at = closing.end() if closing else len(text)
    words.append(text[at:])
    said = re.sub(r"\n{3,}", "\n\n", "\n\n".join(part.strip() for part in words if part.strip()))
    return Answer(said, best.code, best.language, best.is_whole)
