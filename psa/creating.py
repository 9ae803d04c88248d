"""Creating a ticket once, however often its form is sent and whatever becomes of the answer.

ConnectWise knows no idempotency key, so the ticket carries a reference in `externalXRef`. After an answer that never came it is looked for first;
it is made again only when it is still missing after the settle time.
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope, refuse_open_transaction
from flowpilot.errors import Conflict, Invalid, Unavailable, UserError
from flowpilot.providers.connectwise.errors import Uncertain
from psa.drafts import Draft
from psa.models import TicketRequest
from psa.parsing import LONGEST_SUMMARY
from psa.queries import patient_connectwise

PATIENCE = 12.0  # seconds: a ticket is worth waiting for
_State = TicketRequest.State
_UNSURE = (
    "ConnectWise did not confirm the ticket. Press Create ticket again in a minute: it is looked for first, "
    "and made only if it is not there. What you typed is kept."
)


def create_ticket(*, account_id: UUID, draft: Draft, by: User, client_key: UUID) -> int:
    """Create a ticket and return its number. The same key twice is one ticket.

    Raises Invalid, Conflict (it is being created), Refused or Unavailable.
    """
    refuse_open_transaction()
    _check(draft)
    client = patient_connectwise(account_id).within(PATIENCE)
    with account_scope(account_id):
        request, is_lost = _begin(draft, by, client_key)
    if request.ticket_id:
        return request.ticket_id
    if is_lost:
        return _find_again(account_id, client, request)
    try:
        ticket = client.create_ticket(**_fields(draft), reference=request.reference)
    except Uncertain:
        return _find_again(account_id, client, request)
    except UserError as error:
        _record(account_id, request, _State.REFUSED, error=error.message)
        raise
    return _record(account_id, request, _State.CREATED, ticket_id=ticket.id)


def _begin(draft: Draft, by: User, client_key: UUID) -> tuple[TicketRequest, bool]:
    """Claim the form's one ticket; return it with whether an earlier try may have made it."""
    with transaction.atomic():
        made, is_new = TicketRequest.objects.get_or_create(client_key=client_key, defaults={"created_by": by})
        request = TicketRequest.objects.select_for_update().get(pk=made.pk)
        now = timezone.now()
        if request.ticket_id:
            return request, False
        is_tried = request.state in {_State.SENDING, _State.UNCERTAIN} and not is_new
        if (
            is_tried
            and request.state == _State.SENDING
            and request.attempted_at > now - timedelta(seconds=PATIENCE + 3)
        ):
            raise Conflict("This ticket is being created. Wait a moment.")
        if is_tried and request.attempted_at > now - timedelta(seconds=settings.PSA_SETTLE_SECONDS):
            return request, True
        request.state, request.attempted_at, request.error = _State.SENDING, now, ""
        request.save(update_fields=["state", "attempted_at", "error", "updated_at"])
    return request, False


def _find_again(account_id: UUID, client, request: TicketRequest) -> int:
    """Look for a ticket whose answer was lost. Raises Unavailable when it does not show, for it may still come."""
    try:
        found = client.within(PATIENCE).find_ticket(request.reference)
    except UserError:
        found = None
    if found is None:
        _record(account_id, request, _State.UNCERTAIN, error=_UNSURE)
        raise Unavailable(_UNSURE)
    return _record(account_id, request, _State.CREATED, ticket_id=found.id)


def _record(
    account_id: UUID, request: TicketRequest, state: str, *, ticket_id: int | None = None, error: str = ""
) -> int:
    with account_scope(account_id):
        TicketRequest.objects.filter(pk=request.pk).update(state=state, ticket_id=ticket_id, error=error[:500])
    return ticket_id or 0


def _fields(draft: Draft) -> dict:
    numbers = {f"{name}_id": draft.number(name) for name in ("company", "board", "contact", "priority", "type")}
    return {"summary": draft.values["summary"], "description": draft.values["description"], **numbers}


def _check(draft: Draft) -> None:
    summary = draft.values["summary"]
    if not summary:
        raise Invalid("Write a summary: one line that says what is wrong.")
    if len(summary) > LONGEST_SUMMARY:
        raise Invalid(
            f"The summary has {len(summary)} characters; ConnectWise takes {LONGEST_SUMMARY}. It is still here."
        )
    if not draft.number("company"):
        raise Invalid("Choose the company the ticket is for.")
    if not draft.number("board"):
        raise Invalid("Choose a board.")
