import pytest
from asgiref.sync import async_to_sync

from flowpilot.accounts.scope import account_scope
from sessions import answering
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
