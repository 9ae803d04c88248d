import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict
from sessions.models import ChatSession
from sessions.services import escalating, lifecycle, resolving
from sessions.tests.factories import make_chat

STEPS = {  # from: {step: to}
    "active": {"pause": "paused", "archive": "archived", "resolve": "resolved"},
    "paused": {"resume": "active", "archive": "archived", "resolve": "resolved"},
    "resolved": {"reopen": "active", "archive": "archived"},
    "archived": {"unarchive": {"active", "resolved"}},
}


@pytest.fixture
def step(account, technician):
    """Take one step with a session; return its status afterwards."""

    def take(chat, name):
        act = {
            "pause": lifecycle.pause_chat,
            "resume": lifecycle.resume_chat,
            "archive": lifecycle.archive_chat,
            "unarchive": lifecycle.unarchive_chat,
            "reopen": lifecycle.reopen_chat,
            "resolve": lambda chat_id: resolving.resolve_chat(
                chat_id=chat_id, seen_version=chat.state_version, by=technician
            ),
            "pick_up": lambda chat_id: escalating.pick_up(chat_id=chat_id, by=technician),
        }[name]
        return act(chat_id=chat.id).status

    return take


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["pause", "resume", "archive", "unarchive", "reopen", "resolve", "pick_up"]), max_size=8)
)
def test_no_sequence_of_steps_leaves_the_diagram(account, technician, step, names):
    with account_scope(account.id):
        chat = make_chat(owner=technician)
        status = "active"
        for name in names:
            allowed = STEPS[status].get(name)
            if allowed is None:
                with pytest.raises(Conflict):
                    step(chat, name)
            else:
                now = step(chat, name)
                assert now == allowed or now in allowed
                status = now
        assert ChatSession.objects.get(pk=chat.id).status == status


def test_a_reopened_session_can_post_a_new_note(account, chat, technician):
    with account_scope(account.id):
        resolving.resolve_chat(chat_id=chat.id, seen_version=0, by=technician)
        reopened = lifecycle.reopen_chat(chat_id=chat.id)

        assert (reopened.status, reopened.resolved_at, reopened.resolution_note_markdown) == ("active", None, "")
        assert reopened.reopened_at
        assert not reopened.drafts.exists()


def test_a_resolved_session_comes_back_resolved_from_the_archive(account, chat, technician):
    with account_scope(account.id):
        resolving.resolve_chat(chat_id=chat.id, seen_version=0, by=technician)
        lifecycle.archive_chat(chat_id=chat.id)

        assert lifecycle.unarchive_chat(chat_id=chat.id).status == "resolved"
