"""Jobs carry an account and ids; with another account's ids they find nothing and change nothing."""

import inspect

import pytest
from asgiref.sync import async_to_sync
from procrastinate.contrib.django import app

from flowpilot.accounts.scope import account_scope
from flowpilot.tests.rows import fingerprint
from sessions.models import ChatSession, Turn
from sessions.tasks import answer_turn, deliver_posts

WITHOUT_ACCOUNT = {
    "rescue_stalled_jobs",
    "poll_tickets",
    "purge_sessions",
    "let_accounts_go",
}  # hand jobs on; read and change no account's rows


def _tasks():
    """Return our own tasks by name."""
    return {name: task for name, task in app.tasks.items() if not name.startswith(("builtin:", "procrastinate."))}


def test_every_job_names_its_account():
    without = {name for name, task in _tasks().items() if "account_id" not in inspect.signature(task.func).parameters}

    assert without == WITHOUT_ACCOUNT


def test_every_job_carries_ids_only():
    for name in _tasks().keys() - WITHOUT_ACCOUNT:
        assert all(each.endswith("_id") for each in inspect.signature(_tasks()[name].func).parameters), name


@pytest.mark.django_db(transaction=True)
def test_answer_turn_with_the_turn_of_another_changes_nothing(ours, theirs):
    with account_scope(ours.account.id):
        Turn.objects.update(status=Turn.Status.QUEUED, answer="")
    before = fingerprint(ours)

    _run(answer_turn, account_id=str(theirs.account.id), turn_id=str(ours.rows[Turn].id))

    assert fingerprint(ours) == before


@pytest.mark.django_db(transaction=True)
def test_deliver_posts_with_the_chat_of_another_changes_nothing(ours, theirs):
    before = fingerprint(ours)

    with pytest.raises(ChatSession.DoesNotExist):
        _run(deliver_posts, account_id=str(theirs.account.id), chat_id=str(ours.rows[ChatSession].id))

    assert fingerprint(ours) == before


def _run(task, **arguments):
    async_to_sync(task.func)(**arguments)
