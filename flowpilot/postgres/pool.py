"""The second lock on account isolation: a connection that comes back to the pool must not carry an account."""

import psycopg


class Leftover(RuntimeError):
    """A connection was given back with an account still set; the pool throws it away."""


def refuse_leftover(connection: psycopg.Connection) -> None:
    """Raise Leftover for a connection that still has an account; psycopg's pool then discards it."""
    row = connection.execute("SELECT current_setting('app.current_account_id', true)").fetchone()
    connection.rollback()
    if row and row[0]:
        raise Leftover("A connection came back with an account set.")
