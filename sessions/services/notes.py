"""The documents of a session: editing them by hand, keeping what has no source, building them anew."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from flowpilot.accounts.models import User
from flowpilot.errors import Conflict, Invalid
from flowpilot.providers.ai.untrusted import mask_secrets
from sessions import queries
from sessions.documents import sentences
from sessions.documents.sentences import Document
from sessions.models import ChatSession, NoteDraft
from sessions.services._posts import LONGEST_NOTE, refuse_posted


@transaction.atomic
def save_note(*, chat_id: UUID, kind: str, markdown: str, by: User) -> ChatSession:
    """Keep a document edited by hand, on the session's version as it stands. Raises Invalid, Conflict or NotFound.

    A line that was there before keeps its sources; any other stands in the person's name.
    """
    text = checked(markdown)
    chat = ChatSession.objects.lock(chat_id)
    refuse_posted(chat)
    current = queries.reading(chat, kind)
    if text != current.document.editable:
        document = sentences.from_markdown(text, current.document)
        _keep(chat, kind, document, [each.text for each in queries.built(chat, kind).sentences], by)
    return chat


@transaction.atomic
def rebuild_note(*, chat_id: UUID, kind: str, by: User) -> ChatSession:
    """Build an edited document from the state as it is now; what the person wrote or took out stays so. Raises Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    refuse_posted(chat)
    edited = chat.drafts.filter(kind=kind, origin=NoteDraft.HAND).first()
    if edited is not None:
        built = queries.built(chat, kind)
        document = sentences.merged(sentences.from_json(edited.sections), edited.base, built)
        _keep(chat, kind, document, [each.text for each in built.sentences], by)
    return chat


@transaction.atomic
def drop_edits(*, chat_id: UUID, kind: str) -> ChatSession:
    """Forget what was edited by hand. Raises Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    refuse_posted(chat)
    chat.drafts.filter(kind=kind, origin=NoteDraft.HAND).delete()
    return chat


@transaction.atomic
def keep_sentence(*, chat_id: UUID, kind: str, key: str, by: User) -> ChatSession:
    """Keep a sentence that has no source: from now on it stands in the person's name. Raises Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    refuse_posted(chat)
    current = queries.reading(chat, kind)
    if all(each.key != key for each in current.document.unsupported):
        raise Conflict("That sentence has a source, or is no longer part of the note.")
    _keep_on(chat, current, sentences.keep(current.document, key), by)
    return chat


@transaction.atomic
def mask_note(*, chat_id: UUID, kinds: Sequence[str], by: User) -> ChatSession:
    """Blacken every likely secret in documents edited by hand. Raises Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    refuse_posted(chat)
    for kind in kinds:
        current = queries.reading(chat, kind)
        masked = mask_secrets(current.document.editable)
        if masked != current.document.editable:
            _keep_on(chat, current, sentences.from_markdown(masked, current.document), by)
    return chat


def checked(markdown: str) -> str:
    """Return a note's words as they are kept. Raises Invalid."""
    markdown = markdown.replace("\r\n", "\n").replace("\x00", "").strip()
    if not markdown:
        raise Invalid("The note is empty. Write it, or rebuild it from the session.")
    if len(markdown) > LONGEST_NOTE:
        raise Invalid(f"That is {len(markdown):,} characters; a note takes {LONGEST_NOTE:,}. Your text is still here.")
    return markdown


def _keep_on(chat: ChatSession, current: queries.Shown, document: Document, by: User) -> None:
    """Keep a small change to the document that is shown; it stays as stale as that was."""
    edited = chat.drafts.filter(kind=current.kind, origin=NoteDraft.HAND).first()
    base = edited.base if edited else [each.text for each in queries.built(chat, current.kind).sentences]
    draft = _keep(chat, current.kind, document, base, by)
    if draft.state_version != current.version:
        draft.state_version = current.version
        draft.save(update_fields=["state_version", "updated_at"])


def _keep(chat: ChatSession, kind: str, document: Document, base: list[str], by: User) -> NoteDraft:
    draft, _ = NoteDraft.objects.update_or_create(
        chat=chat,
        kind=kind,
        origin=NoteDraft.HAND,
        defaults={
            "state_version": chat.state_version,
            "sections": sentences.to_json(document),
            "base": base,
            "author": by,
        },
    )
    return draft
