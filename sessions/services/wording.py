"""Having a model word a session's documents: asked once for a version of the session, never for one that was edited by hand."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from uuid import UUID

from asgiref.sync import async_to_sync

from flowpilot.accounts.caching import Shelf
from flowpilot.accounts.scope import account_scope, refuse_open_transaction
from flowpilot.errors import Conflict
from flowpilot.providers.ai import calls
from flowpilot.providers.ai.base import Message, SystemBlock
from flowpilot.providers.ai.registry import make_plan
from flowpilot.providers.ai.untrusted import fence
from sessions import queries
from sessions.documents import sentences, wording
from sessions.documents.sentences import Document
from sessions.documents.state import State
from sessions.models import ChatSession, NoteDraft

Kind = NoteDraft.Kind
SERVICES: Mapping[str, tuple[str, tuple[str, ...]]] = {  # what one call brings
    "resolution_note": ("resolution_note.v1.md", (Kind.RESOLUTION, Kind.CLIENT)),
    "escalation_package": ("escalation_package.v1.md", (Kind.ESCALATION,)),
}
LONGEST = 120  # seconds that one who words a version is waited for; a process that is gone is nobody


class BeingWorded(Conflict):
    """Another page has this very version worded: look again in a moment."""


def word_notes(*, account_id: UUID, chat_id: UUID, service: str) -> bool:
    """Have the documents of a service worded for the session as it stands; return whether a model was asked.

    Nothing is asked, and so nothing paid, while the version, the model and the absence of edits are the same as last time, nor while
    somebody else asks for the same. Raises BeingWorded, NoAI, Unavailable, Refused, Invalid or NotFound; the documents by rule stay what
    they are.
    """
    refuse_open_transaction()
    with account_scope(account_id):
        chat = queries.get_chat(chat_id)
        plan = make_plan(service)
    model = plan.candidates[0].model if plan.candidates else ""
    if not model or not chat.is_open:
        return False
    with _alone(Shelf(account_id), f"wording:{chat_id}:{service}:{chat.state_version}:{model}"):
        return _word(chat, service, model)


@contextmanager
def _alone(shelf: Shelf, key: str) -> Iterator[None]:
    """Be the only one who does this. Raises BeingWorded."""
    if not shelf.claim(key, seconds=LONGEST):
        raise BeingWorded("This note is being worded already.")
    try:
        yield
    finally:
        shelf.forget(key)


def _word(chat: ChatSession, service: str, model: str) -> bool:
    """Ask, unless what would come is there already; that is looked at once nobody else can be asking."""
    prompt, kinds = SERVICES[service]
    account_id, chat_id = chat.account_id, chat.pk
    with account_scope(account_id):
        if not _is_wanted(chat, kinds, model):
            return False
        state = queries.note_state(chat)
    reply = async_to_sync(calls.generate_json)(
        account_id=account_id,
        service=service,
        system_prompt=[SystemBlock(_read(prompt))],
        messages=[Message("user", fence("session", wording.describe(state)))],
        schema=wording.SCHEMA,
        chat_id=chat_id,
    )
    with account_scope(account_id):
        for kind in kinds:
            _keep(chat, kind, model, _worded(chat, kind, state, reply))
    return True


def _is_wanted(chat: ChatSession, kinds: tuple[str, ...], model: str) -> bool:
    kept = chat.drafts.filter(kind__in=kinds).values_list("origin", "state_version")
    return (model, chat.state_version) not in kept and NoteDraft.HAND not in dict(kept)


def _worded(chat: ChatSession, kind: str, state: State, reply: Mapping) -> Document:
    built = queries.built(chat, kind, state)
    if kind == Kind.CLIENT:
        return wording.client_from_reply(reply, state, built)
    return wording.from_reply(reply, kind, state, built)


def _keep(chat: ChatSession, kind: str, model: str, document: Document) -> None:
    """Keep what a model made of the version it was asked about, in place of what it made of an older one."""
    made = {"state_version": chat.state_version, "sections": sentences.to_json(document)}
    NoteDraft.objects.update_or_create(chat=chat, kind=kind, origin=model[:80], defaults=made)


@cache
def _read(name: str) -> str:
    return (Path(__file__).parent.parent / "prompts" / name).read_text(encoding="utf-8")
