"""The escalation package by rule: what the next person needs, in the order they need it."""

from collections.abc import Iterator
from dataclasses import dataclass

from sessions import lane
from sessions.documents import resolution
from sessions.documents.sentences import BULLET, EDIT, STEP, Document, Section, Sentence, section
from sessions.documents.state import SESSION, State

TITLES = {
    "ask": "The ask",
    "happening": "What is happening",
    "environment": "Environment",
    "tried": "What was tried",
    "ruled_out": "What is ruled out",
    "hypothesis": "Current hypothesis",
    "check_first": "What to check first",
    "unknown": "What we do not know",
    "client": "Client side",
    "references": "References",
}
_MISSING = {
    "ask": "what you ask for",
    "due": "by when",
    "environment": "the environment",
    "tried": "what was tried",
    "ruled_out": "what is ruled out",
    "hypothesis": "a hypothesis",
    "check_first": "what to check first",
    "client": "what the client knows",
}


@dataclass(frozen=True)
class Ask:
    """What only the person who hands over can say."""

    ask: str = ""
    due: str = ""
    client: str = ""


@dataclass(frozen=True)
class References:
    """What the package points at."""

    link: str = ""
    minutes: int = 0
    attachments: tuple[str, ...] = ()
    related: tuple[str, ...] = ()


def escalation_package(state: State, ask: Ask, references: References) -> Document:
    """Return the package. Sections with nothing in them are left out; `missing` names them."""
    sections = [
        named("ask", _ask(ask)),
        named("happening", resolution.problem(state)),
        named("environment", _environment(state)),
        named("tried", _tried(state)),
        named("ruled_out", _ruled_out(state)),
        named("hypothesis", _hypothesis(state)),
        named("check_first", _check_first(state)),
        named("unknown", _unknown(state)),
        named("client", _client(state, ask)),
        named("references", _references(state, references)),
    ]
    return Document(tuple(each for each in sections if each.sentences))


def with_ask(edited: Document, built: Document) -> Document:
    """Return an edited package with the ask as it stands in the form beside it, which is where it is written."""
    ask = [each for each in built.sections if each.key == "ask"]
    return Document((*ask, *(each for each in edited.sections if each.key != "ask")))


def named(key: str, sentences: Iterator[Sentence]) -> Section:
    """Return one section of the package."""
    return section(key, TITLES[key], sentences)


def missing(package: Document, ask: Ask) -> list[str]:
    """Return the parts that the package lacks, in words."""
    there = {each.key for each in package.sections}
    gaps = {"ask": not ask.ask, "due": not ask.due, "client": not ask.client}
    return [words for key, words in _MISSING.items() if gaps.get(key, key not in there)]


def _ask(ask: Ask) -> Iterator[Sentence]:
    yield Sentence(_one_line(ask.ask), (EDIT,))
    if ask.due:
        yield Sentence(f"By when: {_one_line(ask.due)}", (EDIT,))


def _environment(state: State) -> Iterator[Sentence]:
    for fact in state.facts:
        if fact.source_ref.startswith("configuration:"):
            yield Sentence(fact.text, (f"fact:{fact.id}",), BULLET)


def _tried(state: State) -> Iterator[Sentence]:
    for fix in state.fixes:
        if fix.outcome != "none":
            yield Sentence(f"{fix.title}: {resolution.verdict(fix)}", (f"fix:{fix.id}",), BULLET)
    for task in state.tasks:
        if task["kind"] == "action" and task["state"] == lane.DONE:
            yield Sentence(f"{task['text']}: {task['answer'] or 'done'}", (f"task:{task['id']}",), BULLET)
    for script in state.scripts:
        if script.outcome:
            yield Sentence(f"{script.name}: {script.outcome}", (f"script:{script.id}",), BULLET)


def _ruled_out(state: State) -> Iterator[Sentence]:
    by_fix = {fact.source_ref: fact for fact in state.facts if fact.source_type == "fix"}
    for fix in state.fixes:
        fact = by_fix.get(fix.id)
        sources = (f"fix:{fix.id}", *([f"fact:{fact.id}"] if fact else ()))
        if fix.outcome == "failed":
            yield Sentence(f"{fix.title}: {resolution.verdict(fix)}", sources, BULLET)
        elif fix.is_dismissed:
            yield Sentence(f"{fix.title}: dismissed" + (f" ({fix.reason})" if fix.reason else ""), sources, BULLET)


def _hypothesis(state: State) -> Iterator[Sentence]:
    fix = next((fix for fix in reversed(state.fixes) if fix.is_active and fix.outcome != "failed"), None)
    if fix is None:
        return
    source = (f"fix:{fix.id}",)
    yield Sentence(fix.rationale or fix.title, source)
    yield Sentence(f"Confidence when it was suggested: {fix.confidence} %.", source)
    word = "For" if fix.outcome == "success" else "Against" if fix.outcome == "partial" else "Not settled"
    settled = resolution.verdict(fix) if fix.outcome != "none" else "not tried yet"
    yield Sentence(f"{word}: {fix.title} {settled}.", source)


def _check_first(state: State) -> Iterator[Sentence]:
    for fix in state.fixes:
        if fix.is_active and fix.outcome == "none" and not fix.is_dismissed:
            yield Sentence(f"Try: {fix.title}", (f"fix:{fix.id}",), STEP)
        elif fix.outcome in resolution.UNVERIFIED:
            yield Sentence(f"Verify: {fix.title}", (f"fix:{fix.id}",), STEP)
    for task in state.tasks:
        if task["kind"] == "action" and lane.is_open(task):
            yield Sentence(task["text"], (f"task:{task['id']}",), STEP)


def _unknown(state: State) -> Iterator[Sentence]:
    if state.worked is None:
        yield Sentence("The root cause is undetermined.", (SESSION,), BULLET)
    for task in state.tasks:
        if task["kind"] == "question" and lane.is_open(task):
            yield Sentence(task["text"], (f"task:{task['id']}",), BULLET)
        elif task["state"] == lane.SKIPPED:
            yield Sentence(f"{task['text']} (skipped)", (f"task:{task['id']}",), BULLET)


def _client(state: State, ask: Ask) -> Iterator[Sentence]:
    who = ", ".join(part for part in (state.contact, state.company) if part)
    if who:
        yield Sentence(f"Contact: {who}", (state.ticket,))
    if ask.client:
        yield Sentence(_one_line(ask.client), (EDIT,))


def _references(state: State, references: References) -> Iterator[Sentence]:
    if state.ticket_id:
        yield Sentence(f"Ticket #{state.ticket_id}", (state.ticket,), BULLET)
    for related in references.related:
        yield Sentence(f"Related: {related}", (SESSION,), BULLET)
    for script in state.scripts:
        yield Sentence(f"Script: {script.name}", (f"script:{script.id}",), BULLET)
    if references.attachments:
        yield Sentence(f"Attachments in the session: {', '.join(references.attachments)}", (SESSION,), BULLET)
    yield Sentence(f"Time spent: {references.minutes} minutes", (SESSION,), BULLET)
    if references.link:
        yield Sentence(f"Session: {references.link}", (SESSION,), BULLET)


def _one_line(text: str) -> str:
    return " ".join(text.split())
