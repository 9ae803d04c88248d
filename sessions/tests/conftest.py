from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync

from flowpilot.accounts.scope import account_scope
from sessions import answering, posting, queries
from sessions.models import ChatSession
from sessions.services import resolving
from sessions.services.fixes import record_outcome
from sessions.tests.factories import make_chat, make_fix, make_item
from sessions.tests.room import Room

TICKET = 48213


@pytest.fixture
def chat(account, technician):
    """A session of the technician with two open tasks."""
    with account_scope(account.id):
        lane = [make_item(), make_item("Start Outlook in safe mode", kind="action")]
        return make_chat(owner=technician, pending_task_lane=lane)


@pytest.fixture
def question(chat):
    return chat.pending_task_lane[0]


@pytest.fixture
def check(chat):
    return chat.pending_task_lane[1]


@pytest.fixture
def fix(account, chat):
    """The active fix of the session, not applied yet."""
    with account_scope(account.id):
        return make_fix(chat)


@pytest.fixture
def other_chat(account):
    """Another session of the same account, with a task of its own."""
    with account_scope(account.id):
        return make_chat(title="VPN drops", pending_task_lane=[make_item("Does it drop on cable?")])


@pytest.fixture
def room(account, chat, fix, technician):
    with account_scope(account.id):
        return Room(chat, fix, technician)


@pytest.fixture
def ai(claude, settings):
    """Claude answers the sessions, and the server on loopback is Claude."""
    claude.reset()
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = claude.api_key, claude.base_url
    return claude


@pytest.fixture
def in_scope(account):
    """Run a unit of work as a worker does."""

    def run(work, *args, **kwargs):
        with account_scope(account.id):
            return work(*args, **kwargs)

    return run


@pytest.fixture
def answer(account, in_scope):
    """Have a worker answer a turn; the turn is fresh afterwards."""

    def run(turn):
        is_over = async_to_sync(answering.answer)(account.id, turn.id)
        in_scope(turn.refresh_from_db)
        return is_over

    return run


@pytest.fixture
def briefing_of(account, in_scope):
    """What the model is told beside a turn's words, as a worker that takes it up finds it."""

    def claim(turn):
        in_scope(answering._claim, account.id, turn.id)
        in_scope(turn.refresh_from_db)
        return turn.briefing

    return claim


@pytest.fixture
def ticket_chat(account, technician):
    """A session on a ticket."""
    with account_scope(account.id):
        return make_chat(
            owner=technician,
            problem="Outlook asks for a password.",
            ticket_id=TICKET,
            ticket_summary="Outlook keeps asking for a password",
            ticket_company="Contoso Dental Group",
            ticket_contact="Maria Gomez",
        )


@pytest.fixture
def ticket(sandbox):
    """The ticket as ConnectWise has it."""
    return sandbox.store.tables.tickets[TICKET]


@pytest.fixture
def closed(sandbox, ticket):
    """The closed status of the ticket's board."""
    return next(row for row in sandbox.store.tables.statuses_of(ticket["board"]["id"]) if row["closedStatus"])


@pytest.fixture
def post(connected, ticket_chat, technician):
    """Post the session's note, with a status when one is given."""

    def send(status=None, shown_in=("internal",), **more):
        with account_scope(connected.id):
            form = resolving.NoteForm(
                internal=queries.reading(ticket_chat, "resolution").markdown,
                client=queries.reading(ticket_chat, "client").markdown,
                seen_version=ticket_chat.state_version,
                shown_in=list(shown_in),
                status_id=status["id"] if status else None,
                status_name=status["name"] if status else "",
                **more,
            )
            resolving.post_note(chat_id=ticket_chat.id, form=form, by=technician, client_key=uuid4())

    return send


@pytest.fixture
def deliver(connected, ticket_chat):
    """Have a worker deliver what is due; return the session, its posts, and whether nothing is left to do."""

    def run():
        is_over = async_to_sync(posting.deliver)(connected.id, ticket_chat.id)
        with account_scope(connected.id):
            chat = ChatSession.objects.get(pk=ticket_chat.id)
            return chat, queries.posting(chat.resolution_batch), is_over

    return run


@pytest.fixture
def record(chat, fix, technician):
    """Say what came of the session's fix."""

    def say(outcome, reason="", client_key=None):
        return record_outcome(
            chat_id=chat.id, fix_id=fix.id, outcome=outcome, reason=reason, by=technician, client_key=client_key
        )

    return say
