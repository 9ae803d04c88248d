"""The jobs of workers that are gone go to the living, and one that cannot does not keep the others waiting."""

from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from procrastinate.contrib.django import app

from sessions.tasks import rescue_stalled_jobs


def _stalled(task, queueing_lock=None):
    """Put a job that a vanished worker was doing into the queue; return its number."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        )
        worker = cursor.fetchone()[0]
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status, queueing_lock, worker_id, args) "
            "VALUES ('q', %s, 'doing', %s, %s, '{}') RETURNING id",
            [task, queueing_lock, worker],
        )
        return cursor.fetchone()[0]


def _status(number):
    with connection.cursor() as cursor:
        cursor.execute("SELECT status FROM procrastinate_jobs WHERE id = %s", [number])
        row = cursor.fetchone()
        return row[0] if row else None


@pytest.mark.django_db(transaction=True)
def test_a_stalled_job_whose_successor_waits_is_dropped_and_the_next_is_rescued():
    periodic = _stalled("rescue_stalled_jobs", "rescue")
    waiting = rescue_stalled_jobs.configure(queueing_lock="rescue").defer(timestamp=0)
    turn = _stalled("answer_turn")

    async_to_sync(_rescue)()

    assert (_status(periodic), _status(waiting), _status(turn)) == (None, "todo", "todo")


async def _rescue():
    async with app.open_async():
        await rescue_stalled_jobs.func(SimpleNamespace(app=app), timestamp=0)
