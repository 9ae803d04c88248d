"""One row of every model that an account owns, so that tests can be made for all models at once.

A new model gets its line in `_FACTORIES`; the tests fail until it has one.
"""

from dataclasses import dataclass
from uuid import uuid4

from django.apps import apps
from django.db import connection
from django.utils import timezone

from flowpilot.accounts import audit
from flowpilot.accounts.models import Account, AccountExport, AccountSettings, AuditEvent, Invitation, StaffGrant, User
from flowpilot.accounts.owned import AccountOwned
from flowpilot.accounts.scope import account_scope
from flowpilot.providers.models import AiBudget, AiCall, AiCredential
from flowpilot.scripts.models import ScriptConversation, ScriptMessage, ScriptTemplate, ScriptVersion
from psa import services as psa
from psa.models import PsaChange, PsaConnection, PsaMemberLink, PsaPost, TicketRequest
from sessions.models import (
    Attachment,
    ChatChange,
    ChatDocument,
    ChatSession,
    DraftTemplate,
    NoteDraft,
    ScriptGeneration,
    SessionFact,
    SuggestedFix,
    Turn,
)

OWNED = sorted(
    (model for model in apps.get_models() if issubclass(model, AccountOwned)), key=lambda each: each.__name__
)
NOT_REAL = {"company_id": "none", "client_id": "none", "public_key": "none", "private_key": "none"}
APPEND_ONLY = {AuditEvent}  # the app role may add and read, nothing else
type Rows = dict[type, AccountOwned]


@dataclass(frozen=True)
class Tenant:
    """An account with its person and its rows."""

    account: Account
    person: User
    rows: Rows


def make_tenant(account: Account, person: User, mark: str) -> Tenant:
    """Fill an account with one row of every model; `mark` stands in every text that a page might show."""
    rows: Rows = {}
    with account_scope(account.id):
        for model, make in _FACTORIES.items():
            rows[model] = make(person, mark, rows)
    return Tenant(account, person, rows)


def without_factory() -> set[str]:
    """Return the models that nobody has told how to make."""
    return {model.__name__ for model in OWNED if model not in _FACTORIES}


def fingerprint(tenant: Tenant) -> list:
    """Return the version of every row of an account: equal twice when nobody wrote in between."""
    found = []
    with account_scope(tenant.account.id), connection.cursor() as cursor:
        for model in OWNED:
            cursor.execute(f"SELECT id, xmin::text, ctid::text FROM {model._meta.db_table} ORDER BY id")
            found.append(cursor.fetchall())
    return found


def _settings(person, mark, rows):
    return AccountSettings.objects.create(preferences={"mark": mark})


def _event(person, mark, rows):
    audit.record(audit.Action.SIGNED_IN, by=person, about=mark, detail={"mark": mark})
    return AuditEvent.objects.get(object=mark)


def _invitation(person, mark, rows):
    now = timezone.now()
    return Invitation.objects.create(
        email=f"{mark.lower()}@example.com", invited_by=person, key_hash="0" * 64, sent_at=now, expires_at=now
    )


def _grant(person, mark, rows):
    over = timezone.now()  # so that no banner names it
    return StaffGrant.objects.create(staff_id=uuid4(), staff=mark, reason=mark, expires_at=over, ended_at=over)


def _export(person, mark, rows):
    return AccountExport.objects.create(state="failed", asked_by=person, expires_at=timezone.now())


def _connection(person, mark, rows):
    return psa.connect(base_url="http://127.0.0.1:9", **NOT_REAL)


def _member(person, mark, rows):
    return psa.link_member(user=person, member_id=151, identifier="jortiz")


def _change(person, mark, rows):
    return PsaChange.objects.create(ticket_id=42, changed_at=timezone.now(), key=mark)


def _request(person, mark, rows):
    return TicketRequest.objects.create(client_key=uuid4(), error=mark, created_by=person)


def _post(person, mark, rows):
    return PsaPost.objects.create(
        kind="note",
        ticket_id=42,
        batch=uuid4(),
        idempotency_key=mark,
        payload={"text": mark, "shown_in": ["internal"], "role": "package"},
        created_by=person,
    )


def _chat(person, mark, rows):
    task = {"id": str(uuid4()), "kind": "question", "text": mark, "why": mark, "answer_kind": "text", "choices": []}
    task |= {"command": "", "expect": "", "state": "open", "answer": "", "answered_by": "", "answered_at": ""}
    return ChatSession.objects.create(
        title=mark,
        problem=mark,
        owner=person,
        ticket_id=42,
        ticket_summary=mark,
        escalation_batch=rows[PsaPost].batch,
        pending_task_lane=[task | {"is_told": True, "turn": ""}],
    )


def _turn(person, mark, rows):
    return Turn.objects.create(
        chat=rows[ChatSession], number=1, author=person, client_key=uuid4(), text=mark, answer=mark, status="done"
    )


def _fact(person, mark, rows):
    return SessionFact.objects.create(chat=rows[ChatSession], text=mark, source_type="hand", author=person)


def _fix(person, mark, rows):
    return SuggestedFix.objects.create(
        chat=rows[ChatSession], turn=rows[Turn], title=mark, rationale=mark, steps=[mark], confidence=50
    )


def _credential(person, mark, rows):
    return AiCredential.objects.create(provider="anthropic", sealed_key=mark, last_four="none")


def _budget(person, mark, rows):
    return AiBudget.objects.create(month="2026-11-01")


def _call(person, mark, rows):
    return AiCall.objects.create(service="chat", provider="anthropic", model=mark, month="2026-11-01", outcome="done")


def _template(person, mark, rows):
    return ScriptTemplate.objects.create(
        name=mark,
        summary=mark,
        language="powershell",
        body=f"Write-Output '{mark}'\n",
        status="published",
        author=person,
        source_session=rows[ChatSession],
        source_user=person,
    )


def _version(person, mark, rows):
    return ScriptVersion.objects.create(
        template=rows[ScriptTemplate], number=1, name=mark, body=mark, note=mark, author=person
    )


def _conversation(person, mark, rows):
    return ScriptConversation.objects.create(
        title=mark,
        language="bash",
        owner=person,
        template=rows[ScriptTemplate],
        source_session=rows[ChatSession],
        context=mark,
    )


def _message(person, mark, rows):
    return ScriptMessage.objects.create(
        conversation=rows[ScriptConversation],
        number=1,
        author=person,
        client_key=uuid4(),
        text=mark,
        answer=mark,
        code=mark,
        status="done",
    )


def _generation(person, mark, rows):
    return ScriptGeneration.objects.create(
        chat=rows[ChatSession],
        fix=rows[SuggestedFix],
        template=rows[ScriptTemplate],
        template_version=1,
        kind="draft",
        name=mark,
        language="bash",
        rendered=f"echo '{mark}'\n",
        author=person,
    )


def _draft_template(person, mark, rows):
    return DraftTemplate.objects.create(
        source_session=rows[ChatSession],
        generation=rows[ScriptGeneration],
        name=mark,
        language="bash",
        code=f"echo '{mark}'\n",
        author=person,
        decided_by=person,
        promoted_template=rows[ScriptTemplate],
    )


def _draft(person, mark, rows):
    sentence = {"text": mark, "sources": ["edit"], "shape": "line"}
    section = {"key": "problem", "title": "Problem", "sentences": [sentence]}
    return NoteDraft.objects.create(
        chat=rows[ChatSession], kind="resolution", origin="hand", state_version=0, sections=[section], author=person
    )


def _chat_change(person, mark, rows):
    """The database writes these by itself; one of them stays."""
    change = ChatChange.objects.filter(part="fact").get()
    ChatChange.objects.exclude(pk=change.pk).delete()
    return change


def _document(person, mark, rows):
    return ChatDocument.objects.get(chat=rows[ChatSession])


def _attachment(person, mark, rows):
    at = {"chat": rows[ChatSession], "turn": rows[Turn], "uploaded_by": person}
    return Attachment.objects.create(**at, kind="text", name=mark, media_type="text/plain", file="0" * 32, size=1)


_FACTORIES = {
    AccountSettings: _settings,
    AuditEvent: _event,
    AiCredential: _credential,
    AiBudget: _budget,
    AiCall: _call,
    Invitation: _invitation,
    StaffGrant: _grant,
    AccountExport: _export,
    PsaConnection: _connection,
    PsaMemberLink: _member,
    PsaChange: _change,
    PsaPost: _post,
    TicketRequest: _request,
    ChatSession: _chat,
    Turn: _turn,
    Attachment: _attachment,
    SessionFact: _fact,
    SuggestedFix: _fix,
    ScriptTemplate: _template,
    ScriptGeneration: _generation,
    DraftTemplate: _draft_template,
    ScriptVersion: _version,
    ScriptConversation: _conversation,
    ScriptMessage: _message,
    NoteDraft: _draft,
    ChatChange: _chat_change,
    ChatDocument: _document,
}
