"""What must hold before anything is served: each problem is one clear sentence and what to do about it."""

import socket
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


class NotReady(Exception):
    """FlowPilot cannot start; the text says why and what to do."""


def require_free_port(host: str, port: int) -> None:
    """Raise NotReady when somebody listens there already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise NotReady(
                f"Port {port} on {host} is taken ({error.strerror}). Stop what uses it, or choose another: --port {port + 1}"
            ) from error


def require_database() -> None:
    """Raise NotReady when the database cannot be reached, or when our role is one that row level security does not bind."""
    # Not through the pool: it tries again and again, and then says that it waited, not why.
    role = "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    try:
        with psycopg.connect(**_parameters()) as direct:
            name, is_super, bypasses = direct.execute(role).fetchone() or ("nobody", False, False)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0].removeprefix("connection failed: ")
        raise NotReady(
            f"The database of DATABASE_URL cannot be reached: {reason}. Check the address, the role and its password."
        ) from error
    if is_super or bypasses:
        what = "a superuser" if is_super else "a role with BYPASSRLS"
        raise NotReady(
            f"DATABASE_URL signs in as {name}, {what}: it would see every account's rows. Use the app role there; docs/dev-env.md has its SQL."
        )


def _parameters() -> dict[str, Any]:
    kept = ("host", "port", "user", "password", "dbname", "sslmode", "sslrootcert")
    parameters = connection.get_connection_params()
    return {"connect_timeout": 5} | {name: parameters[name] for name in kept if name in parameters}


def has_migrations_to_apply() -> bool:
    """Return whether the database is behind the code."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def require_migrated() -> None:
    """Raise NotReady when the database is behind the code."""
    if has_migrations_to_apply():
        raise NotReady("The database is behind this version. Run `./run migrate` first.")


def require_relay() -> None:
    """Raise NotReady for a worker apart from the web without a relay that both can reach."""
    if not settings.REDIS_URL:
        raise NotReady("A worker apart from the web needs REDIS_URL, or nobody sees its answers come. Set it for both.")
