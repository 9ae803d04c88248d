"""What the services share: queueing a turn. What the model is told beside it is built when it is claimed."""

from uuid import UUID

from django.db.models import Max

from flowpilot.accounts.models import User
from flowpilot.errors import Conflict
from sessions import lane
from sessions.models import ChatSession, Turn
from sessions.tasks import answer_turn

CLOSED = "This session is closed. Start a new one to go on."


def require_open(chat: ChatSession) -> None:
    """Raise Conflict for a session that was resolved, escalated or archived."""
    if not chat.is_open:
        raise Conflict(CLOSED)


def queue_turn(chat: ChatSession, *, text: str, kind: str, by: User, client_key: UUID) -> Turn:
    """Store a turn of a locked chat and defer its job, both in the open transaction. The same key twice is one turn."""
    existing = chat.turns.filter(client_key=client_key).first()
    if existing:
        return existing
    require_open(chat)
    last = chat.turns.aggregate(last=Max("number"))["last"] or 0
    turn = Turn.objects.create(
        chat=chat,
        number=last + 1,
        kind=kind,
        author=by,
        client_key=client_key,
        text=text,
    )
    lane.tell(chat.pending_task_lane)
    if not chat.problem:
        chat.problem = text
    chat.save(update_fields=["pending_task_lane", "problem", "updated_at"])
    defer_answer(turn)
    return turn


def defer_answer(turn: Turn) -> None:
    """Have a worker answer a turn; one session's turns are answered one after another, in order."""
    job = answer_turn.configure(lock=f"chat:{turn.chat_id}")
    job.defer(account_id=str(turn.account_id), turn_id=str(turn.id))
