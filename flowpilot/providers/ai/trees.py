"""Decision trees as the guided engine walks them: questions, steps, and ends that are fixes. Pure.

The JSON form is what `FlowTree.from_json` reads. Whether a tree makes sense as a whole, `flowpilot.flows.validation` says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from flowpilot.errors import Invalid

OTHERWISE = "otherwise"  # the answer that every question has: unsure, skipped, or none of the others
ESCALATE = "escalate"  # the node that every tree has: nothing is left to try

_YES = {"yes", "y", "yep", "yeah", "true", "correct"}
_NO = {"no", "n", "nope", "false"}


@dataclass(frozen=True)
class Branch:
    """Where an answer leads, what it means, and the fact that a rule concludes from it."""

    to: str
    means: str = ""
    concludes: str = ""


@dataclass(frozen=True)
class Question:
    """Something only the technician can say. `usual` is the answer whose branch may be put before it is given.

    The keys of `answers`: yes and no; a choice; for a text the words to find in it; for a number `<50`. Always `otherwise`.
    """

    id: str
    text: str
    why: str = ""
    kind: str = "yes_no"
    choices: tuple[str, ...] = ()
    answers: Mapping[str, Branch] = field(default_factory=dict)
    usual: str = ""

    @property
    def ahead(self) -> Branch | None:
        """The branch that can be put together with this question, if there is one."""
        if len({branch.to for branch in self.answers.values()}) == 1:
            return next(iter(self.answers.values()))
        return self.answers.get(self.usual)

    @property
    def branches(self) -> tuple[Branch, ...]:
        return tuple(self.answers.values())

    def follow(self, answer: str) -> Branch:
        """Return the branch of an answer; what no branch names follows `otherwise`."""
        return self.answers.get(_KEYS[self.kind](self, answer)) or self.answers.get(OTHERWISE) or Branch(ESCALATE)


@dataclass(frozen=True)
class Step:
    """Something the technician does and ticks off. `reads` are words that its result may hold and where they lead."""

    id: str
    text: str
    next: Branch
    why: str = ""
    command: str = ""
    expect: str = ""
    reads: Mapping[str, Branch] = field(default_factory=dict)

    @property
    def ahead(self) -> Branch | None:
        return self.next

    @property
    def branches(self) -> tuple[Branch, ...]:
        return (self.next, *self.reads.values())

    def follow(self, answer: str) -> Branch:
        """Return the branch of what the step showed; without a known result it goes on."""
        return self.reads.get(_word_in(self.reads, answer), self.next)


@dataclass(frozen=True)
class Fix:
    """A resolution to propose. `if_failed` is the node that goes on when it did not help; without it nothing is left."""

    id: str
    title: str
    rationale: str
    steps: tuple[str, ...]
    confidence: int
    if_failed: str = ""
    rules_out: str = ""
    client_summary: str = ""
    script: Mapping[str, str] | None = None

    @property
    def branches(self) -> tuple[Branch, ...]:
        return (Branch(self.if_failed or ESCALATE),)


Node = Question | Step | Fix


@dataclass(frozen=True)
class FlowTree:
    """A flow. `match` weighs words and phrases (`print*` is a prefix); a flow without any is the general one."""

    slug: str
    title: str
    start: str
    nodes: Mapping[str, Node]
    kind: str = "troubleshooting"
    about: str = ""
    escalate: str = ""
    match: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Any) -> "FlowTree":
        """Read a tree. Raises Invalid, in words that name the place."""
        where = "The flow"
        data = _object(data, where)
        nodes = {key: _node(key, value) for key, value in _object(data.get("nodes"), f"{where}: nodes").items()}
        match = _object(data.get("match", {}), f"{where}: match")
        if not all(isinstance(weight, int) and _words(phrase) for phrase, weight in match.items()):
            raise Invalid(f"{where}: match needs words and whole numbers.")
        return cls(
            slug=_text(data, "slug", where),
            title=_text(data, "title", where),
            start=_text(data, "start", where),
            nodes=nodes,
            kind=_text(data, "kind", where, "troubleshooting"),
            about=_text(data, "about", where, ""),
            escalate=_text(data, "escalate", where, ""),
            match=match,
        )

    def score(self, text: str) -> int:
        """Return how well the flow fits a text; each word or phrase counts once."""
        words = _words(text)
        return sum(weight for phrase, weight in self.match.items() if _pattern(phrase).search(words))


def same_text(text: str) -> str:
    """Return the form in which the lane and the engine compare texts."""
    return " ".join(text.lower().split())


def _yes_no_key(question: Question, answer: str) -> str:
    first = _words(answer).partition(" ")[0]
    return "yes" if first in _YES else "no" if first in _NO else OTHERWISE


def _choice_key(question: Question, answer: str) -> str:
    exact = [choice for choice in question.answers if same_text(choice) == same_text(answer)]
    named = exact or [choice for choice in question.answers if _pattern(choice).search(_words(answer))]
    return named[0] if len(named) == 1 else OTHERWISE


def _text_key(question: Question, answer: str) -> str:
    return _word_in(question.answers, answer) or OTHERWISE


def _number_key(question: Question, answer: str) -> str:
    """Return the smallest limit (`<50`) that the first number of an answer stays under."""
    found = re.search(r"-?\d+(?:[.,]\d+)?", answer)
    limits = sorted((float(key[1:]), key) for key in question.answers if key != OTHERWISE)
    value = float(found.group().replace(",", ".")) if found else None
    return next((key for limit, key in limits if value is not None and value < limit), OTHERWISE)


_KEYS = {"yes_no": _yes_no_key, "choice": _choice_key, "text": _text_key, "number": _number_key}
KINDS = tuple(_KEYS)


def _word_in(keys: Mapping[str, Any], text: str) -> str:
    """Return the longest key whose words stand in a text, or nothing."""
    words = _words(text)
    found = [key for key in keys if key != OTHERWISE and _pattern(key).search(words)]
    return max(found, key=lambda key: (len(key), key), default="")


def _words(text: str) -> str:
    """Return lower-case words with single spaces: `Wi-Fi's` is `wi fis`."""
    return re.sub(r"[\W_]+", " ", re.sub(r"['\u2019]", "", text.casefold())).strip()


@lru_cache(maxsize=4096)
def _pattern(phrase: str) -> re.Pattern[str]:
    return re.compile(rf"\b{_words(phrase)}" + ("" if phrase.endswith("*") else r"\b"))


def _node(key: str, data: Any) -> Node:
    where = f"The node “{key}”"
    data = _object(data, where)
    match data.get("type"):
        case "question":
            return _question(key, data, where)
        case "step":
            return Step(
                id=key,
                text=_text(data, "text", where),
                next=_branch(data.get("next"), where),
                why=_text(data, "why", where, ""),
                command=_text(data, "command", where, ""),
                expect=_text(data, "expect", where, ""),
                reads=_branches(data.get("reads", {}), where),
            )
        case "fix":
            return _fix(key, data, where)
    raise Invalid(f"{where} is neither a question nor a step nor a fix.")


def _question(key: str, data: dict[str, Any], where: str) -> Question:
    kind = _text(data, "kind", where, "yes_no")
    if kind not in KINDS:
        raise Invalid(f"{where}: there is no kind of question called {kind}.")
    answers = _branches(data.get("answers"), where)
    if kind == "number" and not all(re.fullmatch(r"<\d+", answer) for answer in answers if answer != OTHERWISE):
        raise Invalid(f"{where}: the answers to a number are limits such as <50.")
    return Question(
        id=key,
        text=_text(data, "text", where),
        why=_text(data, "why", where, ""),
        kind=kind,
        choices=_texts(data, "choices", where),
        answers=answers,
        usual=_text(data, "usual", where, ""),
    )


def _fix(key: str, data: dict[str, Any], where: str) -> Fix:
    confidence = data.get("confidence")
    if not isinstance(confidence, int) or not 0 <= confidence <= 100:
        raise Invalid(f"{where} needs a confidence from 0 to 100.")
    script = _object(data["script"], f"{where}: script") if data.get("script") else None
    return Fix(
        id=key,
        title=_text(data, "title", where),
        rationale=_text(data, "rationale", where),
        steps=_texts(data, "steps", where),
        confidence=confidence,
        if_failed=_text(data, "if_failed", where, ""),
        rules_out=_text(data, "rules_out", where, ""),
        client_summary=_text(data, "client_summary", where, ""),
        script={part: _text(script, part, where) for part in ("language", "purpose")} if script else None,
    )


def _branches(data: Any, where: str) -> dict[str, Branch]:
    return {answer: _branch(branch, where) for answer, branch in _object(data, f"{where}: answers").items()}


def _branch(data: Any, where: str) -> Branch:
    """Read a branch: the name of a node, or an object with `to`, `means` and `concludes`."""
    if isinstance(data, str):
        return Branch(data)
    data = _object(data, f"{where}: what follows")
    return Branch(_text(data, "to", where), _text(data, "means", where, ""), _text(data, "concludes", where, ""))


def _object(data: Any, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Invalid(f"{where} is missing or not an object.")
    return data


def _text(data: Mapping[str, Any], name: str, where: str, default: str | None = None) -> str:
    value = data.get(name, default)
    if not isinstance(value, str):
        raise Invalid(f"{where} needs {name}, as text.")
    return value.strip()


def _texts(data: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    values = data.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Invalid(f"{where}: {name} is a list of texts.")
    return tuple(value.strip() for value in values)
