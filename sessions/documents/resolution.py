"""The resolution note by rule, in its internal reading. Nothing is claimed that the session does not prove."""

from collections.abc import Iterator

from sessions import lane
from sessions.documents.sentences import BULLET, STEP, Document, Section, Sentence, section
from sessions.documents.state import SESSION, Fix, State

TITLES = {
    "problem": "Problem",
    "confirmed": "What we confirmed",
    "root_cause": "Root cause",
    "resolution": "Resolution",
    "next_steps": "Next steps",
    "references": "References",
}
UNVERIFIED = {"verifying", "waiting"}
LONGEST_PROBLEM = 600  # characters of what was first said


def resolution_note(state: State, link: str = "") -> Document:
    """Return the internal note, with a link to its session if there is one: the root cause is *undetermined* unless a fix worked, a fix without a verdict is *applied, not verified*."""
    sections = [
        named("problem", problem(state)),
        named("confirmed", confirmed(state)),
        named("root_cause", root_cause(state)),
        named("resolution", resolution(state)),
        named("next_steps", next_steps(state)),
        named("references", iter([Sentence(f"Session: {link}", (SESSION,), BULLET)] if link else [])),
    ]
    return Document(tuple(each for each in sections if each.sentences))


def named(key: str, sentences: Iterator[Sentence]) -> Section:
    """Return one section of the note."""
    return section(key, TITLES[key], sentences)


def problem(state: State) -> Iterator[Sentence]:
    """Yield what was reported, by the ticket and in the words of whoever wrote first."""
    who = ", ".join(part for part in (state.contact, state.company) if part)
    head = f"{state.ticket_summary} ({who})" if who and state.ticket_summary else state.ticket_summary or who
    words = " ".join(state.problem.split())
    clipped = words[:LONGEST_PROBLEM].rstrip() + "…" if len(words) > LONGEST_PROBLEM else words
    if head:
        yield Sentence(head, (state.ticket,))
    if clipped and clipped != state.ticket_summary:
        yield Sentence(clipped, (state.said_first,))
    if not head and not clipped:
        yield Sentence("Not described.", (SESSION,))


def confirmed(state: State) -> Iterator[Sentence]:
    """Yield the facts that stand; the ticket knows what it says, and fixes have their own section."""
    facts = [fact for fact in state.facts if fact.source_type not in {"fix", "ticket"}]
    for fact in facts:
        yield Sentence(fact.text, (f"fact:{fact.id}",), BULLET)
    if not facts:
        yield Sentence("Nothing was confirmed.", (SESSION,))


def root_cause(state: State) -> Iterator[Sentence]:
    """Yield the reason of the fix that worked; anything less proves no cause."""
    worked = state.worked
    if worked and worked.rationale:
        yield Sentence(worked.rationale, (f"fix:{worked.id}",))
    else:
        yield Sentence("Undetermined.", (f"fix:{worked.id}",) if worked else (SESSION,))


def resolution(state: State) -> Iterator[Sentence]:
    """Yield what was done and what came of it."""
    worked = state.worked
    told = list(_worked(worked)) if worked else []
    told += unverified(state)
    told += tried(state, "Also tried:" if told else "Tried:")
    if not told:
        told = [Sentence("No fix was applied.", (SESSION,))]
    told += list(_ruled_out(state))
    told += list(_scripts(state))
    yield from told


def unverified(state: State) -> Iterator[Sentence]:
    """Yield the fixes that nobody has seen work yet."""
    for fix in state.fixes:
        if fix.outcome in UNVERIFIED:
            yield Sentence(f"{fix.title}: applied, not verified{_in_brackets(fix.reason)}.", (f"fix:{fix.id}",))


def tried(state: State, lead: str) -> Iterator[Sentence]:
    """Yield the fixes that helped partly or not at all, under a line that leads to them."""
    fixes = [fix for fix in state.fixes if fix.outcome in {"partial", "failed"}]
    if fixes:
        yield Sentence(lead, tuple(f"fix:{fix.id}" for fix in fixes))
    for fix in fixes:
        yield Sentence(f"{fix.title}: {verdict(fix)}", (f"fix:{fix.id}",), BULLET)


def next_steps(state: State) -> Iterator[Sentence]:
    """Yield what is open: fixes to verify, and without a fix that worked, the lane's open tasks."""
    for fix in state.fixes:
        if fix.outcome in UNVERIFIED:
            yield Sentence(f"Verify: {fix.title}", (f"fix:{fix.id}",), BULLET)
    if state.worked is None:
        for task in filter(lane.is_open, state.tasks):
            yield Sentence(f"Still open: {task['text']}", (f"task:{task['id']}",), BULLET)


def verdict(fix: Fix) -> str:
    """Return what came of a fix, in words."""
    words = {"partial": "helped partly", "failed": "didn’t work", "success": "worked"}
    return words.get(fix.outcome, "applied, not verified") + _in_brackets(fix.reason)


def _worked(fix: Fix) -> Iterator[Sentence]:
    source = (f"fix:{fix.id}",)
    yield Sentence(
        f"{fix.title.rstrip('.')}. It worked" + (f": {fix.reason.rstrip('.')}" if fix.reason else "") + ".", source
    )
    for step in fix.steps:
        yield Sentence(step, source, STEP)


def _ruled_out(state: State) -> Iterator[Sentence]:
    fixes = [fix for fix in state.fixes if fix.is_dismissed]
    if fixes:
        yield Sentence("Ruled out without trying:", tuple(f"fix:{fix.id}" for fix in fixes))
    for fix in fixes:
        yield Sentence(f"{fix.title}{_in_brackets(fix.reason)}", (f"fix:{fix.id}",), BULLET)


def _scripts(state: State) -> Iterator[Sentence]:
    scripts = [script for script in state.scripts if script.outcome]
    if scripts:
        yield Sentence("Scripts:", tuple(f"script:{script.id}" for script in scripts))
    for script in scripts:
        yield Sentence(f"{script.name}: {script.outcome}", (f"script:{script.id}",), BULLET)


def _in_brackets(reason: str) -> str:
    return f" ({reason.rstrip('.')})" if reason else ""
