"""Whose rows: the one way to open an account for a unit of work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connection, transaction

SETTING = "app.current_account_id"
_current: ContextVar[UUID | None] = ContextVar("account_id", default=None)


class OtherAccount(RuntimeError):
    """A second account was opened inside the first: the inner one would stay set for the rest of the outer transaction."""


class TransactionOpen(RuntimeError):
    """The outside is about to be asked while a transaction waits for the answer."""


def current_account_id() -> UUID | None:
    """Return the account whose scope is open, or None."""
    return _current.get()


@contextmanager
def account_scope(account_id: UUID) -> Iterator[None]:
    """Open a transaction that sees and writes this account's rows only.

    Nesting the same account is a savepoint; nesting another raises OtherAccount. With no scope open the policies show no rows.
    """
    outer = _current.get()
    if outer is not None and outer != account_id:
        raise OtherAccount("Another account's scope is open.")
    token = _current.set(account_id)
    try:
        with transaction.atomic():
            if outer is None:
                _set(str(account_id))
            yield
            # An outer atomic() of a test goes on after us; a rollback to our savepoint takes the setting back by itself.
            if outer is None and connection.savepoint_ids and not connection.needs_rollback:
                _set("")
    finally:
        _current.reset(token)


def refuse_open_transaction() -> None:
    """Raise TransactionOpen while a scope is open: nobody waits for the outside inside a transaction."""
    if _current.get() is not None:
        raise TransactionOpen("A provider is called inside an account scope.")


def _set(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, value])


async def run_in_scope[**P, T](account_id: UUID, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a unit of work of a job or a stream in its account's scope, and give the connection back at once."""

    def unit() -> T:
        try:
            with account_scope(account_id):
                return work(*args, **kwargs)
        finally:
            if not connection.in_atomic_block:  # a test's own transaction goes on
                connection.close()

    return await sync_to_async(unit)()
