"""The documents of a session, as they would be posted: by rule, in a model's words, or as a person edited them."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from django.conf import settings

from flowpilot.providers.ai.untrusted import find_secrets, mask_secrets
from flowpilot.ui.links import public_link
from sessions.documents import client_safe, sentences
from sessions.documents.client_safe import client_note
from sessions.documents.escalation import Ask, References, escalation_package, with_ask
from sessions.documents.resolution import resolution_note
from sessions.documents.sentences import Document, Sentence
from sessions.documents.state import Fact, Fix, Item, Message, Script, State
from sessions.models import ChatSession, NoteDraft
from sessions.queries._ready import ready
from sessions.queries.activity import worked
from sessions.queries.panels import facts, fixes
from sessions.queries.posts import posting
from sessions.queries.scripts import scripts_run
from sessions.queries.similar import Similar, similar

Kind = NoteDraft.Kind
MOST_NAMED = 8  # attachments that a package names
OUTCOMES = {"success": "ran, worked", "partial": "ran, helped partly", "failed": "ran, didn’t work"}


@dataclass(frozen=True)
class Shown:
    """A document as it stands, and the version of the session it was made on."""

    kind: str
    document: Document
    version: int
    origin: str  # rules, hand, posted, or the model that worded it
    author: str = ""
    came: Sequence[str] = ()  # what the state would add and take away since it was edited
    went: Sequence[str] = ()
    is_stale: bool = False

    @property
    def markdown(self) -> str:
        return self.document.markdown

    @property
    def is_edited(self) -> bool:
        return self.origin == NoteDraft.HAND

    @property
    def is_worded(self) -> bool:
        """Whether a model worded it."""
        return self.origin not in {"rules", NoteDraft.HAND, NoteDraft.POSTED}


@dataclass(frozen=True)
class Part:
    """A sentence with the items it rests on, ready to show."""

    sentence: Sentence
    sources: Sequence[Item]
    is_own: bool  # written, or kept, by a person
    unsafe: Sequence[str] = ()  # why a customer should not read it


@dataclass(frozen=True)
class Secret:
    """A likely secret in words that are about to leave; `mark` names it in a form without repeating it."""

    kind: str
    hint: str
    mark: str


def note_state(chat: ChatSession) -> State:
    """Return a session as documents see it. Likely secrets are masked here, once, so that none gets into a document by itself."""
    mask = mask_secrets
    turns = ready(chat.turns.select_related("author").order_by("number"))
    return State(
        problem=mask(chat.problem),
        ticket_id=chat.ticket_id,
        ticket_summary=mask(chat.ticket_summary),
        company=chat.ticket_company,
        contact=chat.ticket_contact,
        facts=tuple(Fact(str(each.id), mask(each.text), each.source_type, each.source_ref) for each in facts(chat)),
        fixes=tuple(_fix(each) for each in fixes(chat)),
        tasks=tuple(
            {**each, "text": mask(each["text"]), "answer": mask(each["answer"])} for each in chat.pending_task_lane
        ),
        scripts=tuple(
            Script(str(each.id), mask(each.told), OUTCOMES.get(each.outcome, "ran, outcome not noted"))
            for each in scripts_run(chat)
        ),
        messages=tuple(Message(str(each.id), mask(each.text), str(each.author or "")) for each in turns),
    )


def reading(chat: ChatSession, kind: str, state: State | None = None) -> Shown:
    """Return one of a session's documents as it stands: posted, edited by hand, worded by a model on this very version, or built by rule."""
    state = state or note_state(chat)
    return _shown(chat, kind, state, built(chat, kind, state))


def built(chat: ChatSession, kind: str, state: State | None = None) -> Document:
    """Return a document as the rules build it from the state."""
    state = state or note_state(chat)
    if kind == Kind.ESCALATION:
        ask = Ask(chat.escalation_ask, chat.escalation_due, chat.escalation_client)
        return escalation_package(state, ask, _references(chat))
    if kind == Kind.CLIENT:
        return client_note(state)
    return resolution_note(state, public_link(chat.get_absolute_url()) if settings.PUBLIC_URL else "")


def _references(chat: ChatSession) -> References:
    names = chat.attachments.exclude(turn=None).order_by("created_at", "id").values_list("name", flat=True)
    return References(
        link=public_link(chat.get_absolute_url()),
        minutes=worked(chat).minutes,
        attachments=tuple(mask_secrets(name) for name in names[:MOST_NAMED]),
        related=tuple(_related(each) for each in similar("", chat=chat) if _is_of_another_ticket(each, chat)),
    )


def _is_of_another_ticket(each: Similar, chat: ChatSession) -> bool:
    return each.is_same_company and each.chat.ticket_id not in {None, chat.ticket_id}


def _related(each: Similar) -> str:
    """Return another ticket of the same client, with what came of it."""
    came = (
        f", worked: {each.fix.title}" if each.fix and each.has_worked else f", {each.chat.get_status_display().lower()}"
    )
    return mask_secrets(f"ticket #{each.chat.ticket_id} {each.chat.title}{came}")


def _shown(chat: ChatSession, kind: str, state: State, built: Document) -> Shown:
    drafts = {draft.origin: draft for draft in chat.drafts.filter(kind=kind).select_related("author")}
    posted, edited = drafts.pop(NoteDraft.POSTED, None), drafts.pop(NoteDraft.HAND, None)
    if posted and _is_final(chat, kind):
        return Shown(
            kind, sentences.from_json(posted.sections), posted.state_version, posted.origin, str(posted.author or "")
        )
    worded = next((draft for draft in drafts.values() if draft.state_version == chat.state_version), None)
    current = sentences.checked(sentences.from_json(worded.sections), state.items) if worded else built
    if edited is None:
        return Shown(kind, current, chat.state_version, worded.origin if worded else "rules")
    document = sentences.checked(sentences.from_json(edited.sections), state.items)
    if kind == Kind.ESCALATION:
        document = with_ask(document, built)
    is_stale = edited.state_version != chat.state_version
    came, went = sentences.difference(edited.base, [each.text for each in built.sentences]) if is_stale else ((), ())
    return Shown(kind, document, edited.state_version, edited.origin, str(edited.author or ""), came, went, is_stale)


def parts(reading: Shown, state: State) -> list[tuple[str, str, list[Part]]]:
    """Return a document ready to show: (key, title, sentences) of each section."""
    is_for_client = reading.kind == Kind.CLIENT
    return [
        (
            each.key,
            each.title,
            [
                Part(
                    sentence,
                    [state.items[ref] for ref in sentence.sources if ref in state.items],
                    sentences.EDIT in sentence.sources,
                    client_safe.unsafe(sentence.text) if is_for_client else (),
                )
                for sentence in each.sentences
            ],
        )
        for each in reading.document.sections
    ]


def secrets(*texts: str) -> list[Secret]:
    """Return the likely secrets in these texts, each once."""
    found = {}
    for text in texts:
        for each in find_secrets(text):
            words = text[each.start : each.end]
            found[words] = Secret(each.kind, words[:2] + "…", sha256(words.encode()).hexdigest()[:16])
    return list(found.values())


def _is_final(chat: ChatSession, kind: str) -> bool:
    """Return whether what was posted is what counts: a note that was refused is open again."""
    if not chat.is_open:
        return True
    sent = posting(chat.resolution_batch) if kind != Kind.ESCALATION else None
    return sent is not None and sent.is_under_way


def _fix(fix) -> Fix:
    return Fix(
        id=str(fix.id),
        title=mask_secrets(fix.title),
        rationale=mask_secrets(fix.rationale),
        steps=tuple(mask_secrets(step) for step in fix.steps),
        outcome=fix.outcome,
        reason=mask_secrets(fix.reason),
        decision=fix.user_decision,
        is_active=fix.superseded_at is None,
        confidence=fix.confidence,
    )
