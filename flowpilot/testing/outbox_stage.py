"""The scene of the outbox benchmark, in processes of its own: an account with posts to deliver, and workers that can be killed."""

import os
import signal
import uuid

from django.db import connections

from flowpilot import serving
from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.services import open_account
from psa import delivery, services

FIRST_TICKET = 100_001


def prepare(*, count: int, tickets: int, base_url: str, credentials: dict[str, str]) -> None:
    """Move an account in and put notes for its tickets into the outbox, one after the other for each."""
    account = open_account(name="Bench", account_id=uuid.uuid4())
    with account_scope(account.id):
        person = User.objects.create_user("bench@bench.example", "no sign-in", account=account, name="Bench")
        services.connect(base_url=base_url, **credentials)
        services.link_member(user=person, member_id=151, identifier="jortiz")
        for place in range(count):
            services.enqueue_note(
                ticket_id=FIRST_TICKET + place % tickets,
                key=f"{delivery.KEY}{place}",
                text=f"Note {place}",
                shown_in=["internal"],
                by=person,
            )
        for number in range(tickets):
            delivery.defer_delivery(account.id, FIRST_TICKET + number)


def work() -> None:
    """Run one worker in a child at a time and say its number; when it dies, run the next."""
    connections.close_all()
    while True:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            serving.work()
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)
