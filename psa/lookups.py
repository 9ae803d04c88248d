"""Boards and statuses: what hardly changes is asked for once in ten minutes, with no scope open while asking."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast
from uuid import UUID

from flowpilot.accounts.caching import remember
from flowpilot.accounts.scope import account_scope, refuse_open_transaction
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.models import BoardData, StatusData

KEPT_SECONDS = 600
_AT_ONCE = 3  # of the client's four connections


def boards(account_id: UUID, client: ConnectWise) -> list[BoardData]:
    """Return the boards, by name. Raises Refused or Unavailable."""
    return _kept(account_id, "psa:boards", client.list_boards)


def statuses(account_id: UUID, client: ConnectWise, board_id: int) -> list[StatusData]:
    """Return one board's statuses, in their order. Raises NotFound, Refused or Unavailable."""
    return _kept(account_id, f"psa:statuses:{board_id}", lambda: client.list_statuses(board_id))


def status_names(account_id: UUID, client: ConnectWise, board_ids: list[int]) -> list[str]:
    """Return the statuses of several boards by name, each name once, in their order."""
    names: dict[str, str] = {}
    for status in _of_boards(account_id, client, board_ids):
        names.setdefault(status.name.casefold(), status.name)
    return list(names.values())


def _of_boards(account_id: UUID, client: ConnectWise, board_ids: list[int]) -> list[StatusData]:
    keys = {board_id: f"psa:statuses:{board_id}" for board_id in board_ids}
    with account_scope(account_id):
        found: dict[int, Any] = {board_id: _peek(key) for board_id, key in keys.items()}
    missing = [board_id for board_id in board_ids if found[board_id] is None]
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # threads ask ConnectWise only
        fresh = dict(zip(missing, pool.map(client.list_statuses, missing), strict=True))
    with account_scope(account_id):
        for board_id, each in fresh.items():
            found[board_id] = _keep(keys[board_id], each)
    return sorted((status for board_id in board_ids for status in found[board_id]), key=lambda each: each.sort_order)


def _kept[T](account_id: UUID, key: str, ask: Callable[[], T]) -> T:
    """Return what is kept under a key, asking for it with no scope open when nothing is."""
    refuse_open_transaction()
    with account_scope(account_id):
        found = _peek(key)
    if found is not None:
        return cast(T, found)
    fresh = ask()
    with account_scope(account_id):
        return _keep(key, fresh)


def _peek(key: str) -> object | None:
    return remember(key, lambda: None, seconds=1)


def _keep[T](key: str, fresh: T) -> T:
    return remember(key, lambda: fresh, seconds=KEPT_SECONDS)
