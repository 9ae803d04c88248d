"""How well a script fits some words: a number from 0 to 100, the same every time. Pure.

Words of the name count most, then tags, then the summary; a word that few scripts share counts more. What worked before comes first
among equals.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

_WORD = re.compile(r"[a-z0-9]+")
_EMPTY = frozenset(
    ["a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "has", "in", "is", "it", "its", "not", "of", "on",
     "or", "so", "some", "that", "the", "then", "there", "this", "to", "was", "when", "which", "with", "you", "your", "script", "run", "use",
     "user", "users", "new", "them", "they", "what", "who", "will", "all", "any", "out", "up", "down", "if", "into", "no", "after", "before"]
)  # fmt: skip
_ENDINGS = ("ings", "ing", "ies", "ied", "ers", "er", "ed", "es", "s", "e", "y")
_SAME = {
    "spooler": "queue", "spool": "queue", "jobs": "queue", "cleanup": "clear", "clean": "clear", "delete": "clear", "flush": "clear",
    "empty": "clear", "purge": "clear", "signin": "login", "sso": "login", "logon": "login", "authentication": "login", "auth": "login",
    "password": "login", "credential": "login", "hdd": "disk", "drive": "disk", "storage": "disk", "ssl": "tls", "cert": "certificate",
    "ip": "address", "subnet": "address", "restart": "restart", "reset": "reset", "rebuild": "rebuild", "hang": "stuck",
}  # fmt: skip
MATCHES_FROM = 50  # below it a script is not offered as the one
_NAME, _TAG, _SUMMARY = 3.0, 1.0, 0.5


class Candidate(Protocol):
    """What ranking needs to know of a script."""

    name: str
    summary: str
    tags: list[str]
    language: str
    worked_count: int
    failed_count: int
    usage_count: int


@dataclass(frozen=True)
class Match[C: Candidate]:
    """A script and how well it fits, in percent."""

    template: C
    percent: int

    @property
    def is_good(self) -> bool:
        return self.percent >= MATCHES_FROM


def rank[C: Candidate](candidates: Sequence[C], *, title: str, more: str = "", language: str = "") -> list[Match[C]]:
    """Return the candidates that share a word with what is looked for, the best first. `title` counts twice as much as `more`."""
    strong, weak = set(words(title)), set(words(more))
    if not strong | weak:
        return []
    known = [_known(each) for each in candidates]
    shared = Counter(word for weights in known for word in weights)
    found = []
    for candidate, weights in zip(candidates, known, strict=True):
        percent = _percent(weights, strong, weak, shared, len(known))
        if percent and language and candidate.language != language:
            percent = round(percent * 0.8)
        if percent:
            found.append(Match(candidate, percent))
    return sorted(
        found,
        key=lambda match: (-match.percent, -_record(match.template), -match.template.usage_count, match.template.name),
    )


def words(text: str) -> list[str]:
    """Return what a text is about: its words in lower case, without endings and without those that say nothing."""
    plain = text.lower().replace("sign-in", "login").replace("sign in", "login").replace("log in", "login")
    return [_stem(word) for word in _WORD.findall(plain) if word not in _EMPTY and len(word) > 1]


def _percent(weights: dict[str, float], strong: set[str], weak: set[str], shared: Counter[str], count: int) -> int:
    """Return how much of the script's own words were asked for, and how much of what was asked for it answers."""
    hit = {word for word in weights if word in strong or word in weak}
    if not hit:
        return 0
    rare = {word: 1 + math.log((1 + count) / (1 + shared[word])) for word in {*weights, *strong}}
    said = sum(weights[word] * rare[word] * (1.0 if word in strong else 0.7) for word in hit)
    names = sum(weight * rare[word] for word, weight in weights.items() if weight >= _NAME)
    asked = sum(rare[word] for word in strong)
    answered = sum(rare[word] for word in strong if word in weights)
    covers = min(1.0, said / names) if names else 0.0
    answers = answered / asked if asked else covers
    return min(99, round(100 * (0.65 * covers + 0.35 * answers)))


def _known(candidate: Candidate) -> dict[str, float]:
    weights: dict[str, float] = {}
    for text, weight in ((candidate.summary, _SUMMARY), (" ".join(candidate.tags), _TAG), (candidate.name, _NAME)):
        weights |= dict.fromkeys(words(text), weight)
    return weights


def _record(candidate: Candidate) -> float:
    """Return how often it worked, smoothed so that one lucky run is not better than nine of ten."""
    return (candidate.worked_count + 1) / (candidate.worked_count + candidate.failed_count + 2)


def _stem(word: str) -> str:
    word = _SAME.get(word, word)
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return _SAME.get(word.removesuffix(ending), word.removesuffix(ending))
    return word


def mentioned(texts: Iterable[str]) -> str:
    """Return texts as one to match against."""
    return "\n".join(text for text in texts if text)
