"""The escalation package, what it lacks, and who may get it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import UserError
from psa import choices
from psa.models import PsaMemberLink
from sessions.documents import escalation, sentences
from sessions.documents.escalation import Ask
from sessions.models import ChatSession, NoteDraft
from sessions.queries.notes import Shown

_MOST = 12


@dataclass(frozen=True)
class Assignee:
    """Somebody who may get a session. `value` is what the form says of them."""

    value: str
    name: str
    detail: str = ""


def missing_parts(chat: ChatSession, package: Shown) -> list[str]:
    """Return the parts that a package lacks, in words; none of them is a reason not to send it."""
    ask = Ask(chat.escalation_ask, chat.escalation_due, chat.escalation_client)
    return escalation.missing(package.document, ask)


def handed_over(chat: ChatSession) -> Shown | None:
    """Return the package as it was handed over last, for whoever got it."""
    kept = chat.drafts.select_related("author").filter(kind=NoteDraft.Kind.ESCALATION, origin=NoteDraft.POSTED).first()
    if kept is None or chat.escalated_by_id is None:
        return None
    document = sentences.from_json(kept.sections)
    return Shown(kept.kind, document, kept.state_version, kept.origin, str(kept.author or ""))


def assignees(*, account_id: UUID, user: User, has_ticket: bool, text: str) -> tuple[Sequence[Assignee], str]:
    """Return who may get a session, by what was typed, and why nobody can be found where ConnectWise refuses."""
    if not has_ticket:
        with account_scope(account_id):
            people = User.objects.filter(is_active=True, name__icontains=text).exclude(pk=user.pk).order_by("name")
            return [Assignee(f"user:{each.pk}", str(each), each.get_role_display()) for each in people[:_MOST]], ""
    try:
        members = choices.members(account_id, text)
    except UserError as error:
        return [], error.message
    with account_scope(account_id):
        here = dict(PsaMemberLink.objects.values_list("member_id", "user_id"))
    others = [each for each in members if here.get(each.id) != user.pk]
    return [
        Assignee(
            f"member:{each.id}:{each.name}",
            each.name,
            "Signs in to FlowPilot" if each.id in here else "In ConnectWise only",
        )
        for each in others[:_MOST]
    ], ""
