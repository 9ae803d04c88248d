"""Chats with the builder: starting one, asking, trying again, and taking what came of it into the library."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from flowpilot.accounts.models import User
from flowpilot.errors import Conflict, Invalid, NotFound
from flowpilot.scripts.languages import LANGUAGES, known_language
from flowpilot.scripts.models import ScriptConversation, ScriptMessage, ScriptTemplate
from flowpilot.scripts.services.templates import create_template, edit_template, may_edit, read_content
from flowpilot.scripts.services.use import require_row
from flowpilot.scripts.tasks import answer_builder
from flowpilot.scripts.templatizing import apply, propose

LONGEST_MESSAGE = 20_000  # characters
Status = ScriptMessage.Status


@transaction.atomic
def start_conversation(
    *, language: str, by: User, title: str = "", template_id: UUID | None = None, code: str = "", **source: Any
) -> ScriptConversation:
    """Start a chat, from nothing, from a template or from a script. `source` says where it was opened. Raises Invalid or NotFound."""
    template = require_row(template_id) if template_id else None
    known = template.language if template else known_language(language)
    if not known:
        raise Invalid("Choose a language: PowerShell, Bash, Python or Batch.")
    words = " ".join(title.replace("\x00", "").split())[:120]
    return ScriptConversation.objects.create(
        title=words or (template.name if template else f"New {LANGUAGES[known].label} script"),
        language=known,
        owner=by,
        template=template,
        opening_code=template.body if template else code,
        **source,
    )


@transaction.atomic
def ask_builder(*, conversation_id: UUID, text: str, by: User, client_key: UUID) -> ScriptMessage:
    """Keep what somebody asks of the builder and have it answered. The same key twice is one message. Raises Invalid, Conflict or NotFound."""
    conversation = _lock(conversation_id)
    text = text.replace("\x00", "").strip()
    already = conversation.exchanges.filter(client_key=client_key).first()
    if already:
        return already
    if not text:
        raise Invalid("Say what the script should do, or what to change.")
    if len(text) > LONGEST_MESSAGE:
        raise Invalid(f"That is {len(text):,} characters; {LONGEST_MESSAGE:,} is the most. Your text is still here.")
    if conversation.exchanges.filter(status__in=[Status.QUEUED, Status.RUNNING]).exists():
        raise Conflict("The builder is still writing. Your text is still here: send it in a moment.")
    last = conversation.exchanges.aggregate(last=Max("number"))["last"] or 0
    message = ScriptMessage.objects.create(
        conversation=conversation, number=last + 1, author=by, client_key=client_key, text=text
    )
    if last == 0 and conversation.title.startswith("New "):
        conversation.title = text.splitlines()[0][:80]
    conversation.save(update_fields=["title", "updated_at"])
    _defer(message)
    return message


@transaction.atomic
def retry_builder(*, conversation_id: UUID) -> ScriptMessage:
    """Answer the last message again when that failed. Raises Conflict or NotFound."""
    conversation = _lock(conversation_id)
    message = conversation.exchanges.order_by("-number").first()
    if message is None or message.status != Status.FAILED:
        raise Conflict("There is nothing to try again.")
    message.status, message.error = Status.QUEUED, ""
    message.save(update_fields=["status", "error", "updated_at"])
    _defer(message)
    return message


@transaction.atomic
def save_built(*, conversation_id: UUID, number: int, by: User) -> ScriptTemplate:
    """Take a version of the chat into the library: as the next version of its template where the person may, else as a draft.

    What it sets on top becomes parameters, to be looked through in the edit form. Raises Invalid, Conflict or NotFound.
    """
    conversation = _lock(conversation_id)
    message = conversation.exchanges.filter(number=number).first()
    if message is None or not message.code.strip():
        raise Invalid("That version holds no script.")
    template = conversation.template
    proposals = propose(message.code, conversation.language)
    body, parameters = apply(message.code, conversation.language, proposals)
    known = {each["name"].lower(): each for each in (template.parameters if template else [])}
    asked = [known.pop(each["name"].lower(), each) for each in parameters]
    content = read_content(
        {
            "name": template.name if template else conversation.title,
            "summary": template.summary if template else "",
            "language": conversation.language,
            "body": body,
            "parameters": [*known.values(), *asked],
            "tags": list(template.tags) if template else [],
        }
    )
    if template and may_edit(template, by) and template.status != ScriptTemplate.Status.ARCHIVED:
        return edit_template(
            template_id=template.id, content=content, seen_version=template.version, by=by, note="From the builder"
        )
    created = create_template(
        content=content,
        by=by,
        note="From the builder",
        source_session=conversation.source_session,
        source_user=by if conversation.source_session_id else None,
        source_ticket_ref=conversation.source_ticket_ref,
    )
    conversation.template = created
    conversation.save(update_fields=["template", "updated_at"])
    return created


def _lock(conversation_id: UUID) -> ScriptConversation:
    rows = ScriptConversation.objects.select_for_update(of=("self",)).select_related("template", "source_session")
    conversation = rows.filter(pk=conversation_id).first()
    if conversation is None:
        raise NotFound("There is no such chat.")
    return conversation


def _defer(message: ScriptMessage) -> None:
    job = answer_builder.configure(lock=f"builder:{message.conversation_id}")
    job.defer(account_id=str(message.account_id), message_id=str(message.id))
