"""Reading a pasted mail or note by rules: labelled lines, mail headers, and the first line that says something. Pure."""

import re
from dataclasses import dataclass

_LABELS = {
    "company": ("company", "client", "customer", "organisation", "organization", "firm"),
    "contact": ("contact", "caller", "user", "name", "reported by", "requester", "from"),
    "summary": ("summary", "subject", "title", "issue", "problem"),
    "priority": ("priority", "urgency"),
    "board": ("board", "queue", "department"),
    "type": ("type", "category"),
    "description": ("description", "details"),
}
_FIELD_OF = {label: field for field, labels in _LABELS.items() for label in labels}
_LABELLED = re.compile(r"^\s*(?:\*\*)?([A-Za-z][A-Za-z ]{1,20}?)(?:\*\*)?\s*[:=]\s*(?:\*\*)?\s*(\S.*?)\s*$")
_HEADER = re.compile(r"^\s*(?:from|to|cc|sent|date|received|reply-to|importance)\s*:", re.IGNORECASE)
_ADDRESS = re.compile(r"(?P<name>[^<\"]*?)\"?\s*<?(?P<mail>[\w.+-]+@(?P<host>[\w-]+(?:\.[\w-]+)+))>?")
_GREETING = re.compile(
    r"^(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|thanks|thank you|fw|fwd|re)\b", re.IGNORECASE
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
LONGEST_SUMMARY = 100


@dataclass(frozen=True)
class Guess:
    """What a field may be, with how sure that is (0 to 100) and why it is no surer."""

    value: str
    confidence: int
    note: str = ""


def by_rules(text: str) -> dict[str, Guess]:
    """Return what can be told from a text without understanding it. What it does not say is absent."""
    found: dict[str, Guess] = {}
    rest = []
    for line in text.splitlines():
        labelled = _LABELLED.match(line)
        field = _FIELD_OF.get(labelled[1].strip().lower()) if labelled else None
        if labelled and field and field not in found:
            found[field] = Guess(labelled[2].strip("* "), 90)
        elif not _HEADER.match(line):
            rest.append(line)
    _read_address(found, text)
    body = "\n".join(rest).strip()
    if "description" not in found and body:
        found["description"] = Guess(body, 80)
    if "summary" not in found and (line := _first_words(body)):
        found["summary"] = Guess(line, 40, "The first sentence of the text.")
    if "summary" in found:
        found["summary"] = Guess(_short(found["summary"].value), found["summary"].confidence, found["summary"].note)
    return found


def _read_address(found: dict[str, Guess], text: str) -> None:
    """Take the sender's name and, from the address, the company that it may belong to."""
    address = _ADDRESS.search(found["contact"].value if "contact" in found else text)
    if address is None:
        return
    name = address["name"].strip() if "contact" in found else ""
    if "contact" in found:
        found["contact"] = Guess(name or address["mail"], found["contact"].confidence)
    if "company" not in found:
        host = address["host"].split(".")[0]
        found["company"] = Guess(host, 55, f"Taken from the address {address['mail']}.")


def _first_words(body: str) -> str:
    for line in _SENTENCE.split(" ".join(body.split())):
        words = line.strip()
        if len(words) > 8 and not _GREETING.match(words):
            return words
    return " ".join(body.split())


def _short(line: str) -> str:
    line = " ".join(line.split())
    if len(line) <= LONGEST_SUMMARY:
        return line
    return line[: LONGEST_SUMMARY - 1].rsplit(" ", 1)[0][: LONGEST_SUMMARY - 1] + "…"


def alike(one: str, other: str) -> float:
    """Return how much of two summaries is the same words, from 0 to 1."""
    first, second = _words(one), _words(other)
    return len(first & second) / min(len(first), len(second)) if first and second else 0.0


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w{4,}", text.casefold()) if word not in _COMMON}


_COMMON = frozenset(
    [
        "with",
        "from",
        "this",
        "that",
        "have",
        "does",
        "doesn",
        "after",
        "before",
        "since",
        "when",
        "they",
        "them",
        "your",
        "their",
        "cannot",
        "into",
    ]
)
