"""The client-safe reading: two to five plain sentences without tool names, guesses, internal hosts or secrets."""

import re

from sessions import lane
from sessions.documents.resolution import UNVERIFIED
from sessions.documents.sentences import Document, Section, Sentence
from sessions.documents.state import SESSION, Fix, State

FEWEST, MOST = 2, 5
_LONGEST_TITLE = 160  # characters of a summary or a fix that a customer is told
_TOOLS = (
    "powershell cmd regedit wireshark screenconnect connectwise teamviewer anydesk splashtop ninja ninjaone datto autotask kaseya n-able "
    "intune sysinternals procmon psexec nmap putty mremoteng rdp winrm rmm psa flowpilot sfc dism gpupdate gpresult nslookup "
    "registry ipconfig netsh tracert dsregcmd robocopy msconfig services.msc eventvwr regsvr32 chkdsk"
)
_UNSAFE = {
    "a tool": re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, _TOOLS.split()))})(?![\w-])", re.IGNORECASE),
    "a command": re.compile(
        r"`|\b[\w-]+\.(?:exe|ps1|bat|cmd|msc|dll|sh|msi|reg)\b|\b[A-Z][a-z]+-[A-Z]\w{2,}|(?<!\S)/\w+:"
    ),
    "a path": re.compile(r"\\\\[\w.-]+|\b[A-Za-z]:\\|\bHK(?:LM|CU|CR|EY_\w+)\b|(?<!\S)/(?:etc|var|usr|opt|home|tmp)/"),
    "an internal host": re.compile(
        r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[\w-]+\.(?:local|lan|corp|internal|intra|home|localdomain|ad)\b"
        r"|\b(?=[A-Z0-9-]*\d)(?=[A-Z0-9-]*[A-Z])[A-Z0-9]{2,}(?:-[A-Z0-9]+)+\b|\b[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}\b"
        r"|\b[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{1,4}){3,7}\b"
    ),
    "a guess": re.compile(
        r"\b(?:probably|perhaps|maybe|might|possibly|presumably|likely|seems?|appears?|guess|think|suspect|assume|should be)\b",
        re.IGNORECASE,
    ),
    "a masked secret": re.compile(r"\[masked: "),
}


def unsafe(text: str) -> list[str]:
    """Return what in a text is not for the customer, in words."""
    return [name for name, pattern in _UNSAFE.items() if pattern.search(text)]


def client_note(state: State) -> Document:
    """Return the client-safe reading by rule. What cannot be said plainly is left out, never reworded."""
    sentences = [_reported(state), *_done(state)]
    if state.worked is None and any(map(lane.is_open, state.tasks)):
        sentences.append(Sentence("Some checks are still open, and we will carry on with them.", (SESSION,)))
    sentences.append(Sentence("If you notice anything further, please reply to this ticket.", (SESSION,)))
    return as_document(sentences[:MOST])


def as_document(sentences: list[Sentence]) -> Document:
    """Return plain sentences as a document: one section without a title."""
    return Document((Section("client", "", tuple(sentences)),))


def _reported(state: State) -> Sentence:
    summary = " ".join(state.ticket_summary.split()).rstrip(".")
    if summary and len(summary) <= _LONGEST_TITLE and not unsafe(summary):
        return Sentence(f"You reported: {summary}.", (state.ticket,))
    return Sentence("We looked into the problem that you reported.", (state.ticket,))


def _done(state: State) -> list[Sentence]:
    worked, open_fixes = state.worked, [fix for fix in state.fixes if fix.outcome in UNVERIFIED]
    told = []
    if worked:
        words = _plain_title(worked)
        first = f"We made this change: {words}." if words else "We made a change to put it right."
        told.append(Sentence(f"{first} It worked when we checked.", (f"fix:{worked.id}",)))
    elif open_fixes:
        sources = tuple(f"fix:{fix.id}" for fix in open_fixes)
        told.append(Sentence("We made a change and have not yet confirmed that it worked.", sources))
    else:
        told.append(Sentence("The cause is not known yet.", (SESSION,)))
    partial = [fix for fix in state.fixes if fix.outcome == "partial"]
    if partial and not worked:
        told.append(Sentence("What we tried helped in part.", tuple(f"fix:{fix.id}" for fix in partial)))
    return told


def _plain_title(fix: Fix) -> str:
    title = " ".join(fix.title.split()).rstrip(".")
    return "" if len(title) > _LONGEST_TITLE or unsafe(title) else title[:1].lower() + title[1:]
