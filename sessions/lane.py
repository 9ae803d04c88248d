"""The task lane as plain data: items with stable IDs, and the steps they may take. Pure.

An item is a dict as it stands in `ChatSession.pending_task_lane`: id, kind (question|action), text, why, answer_kind, choices, command,
expect, state (open|answered|done|skipped), answer, answered_by, answered_at, is_told, turn.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

from flowpilot.errors import Conflict, NotFound

Item = dict[str, Any]
OPEN, ANSWERED, DONE, SKIPPED = "open", "answered", "done", "skipped"
ASSISTANT = "FlowPilot"  # who answered, where no person did


def merge(lane: Sequence[Item], proposed: Iterable[Item], *, turn_id: str) -> list[Item]:
    """Return the lane after an answer put these items: known texts keep their ID and state, new ones are added.

    Open items that the answer did not repeat are withdrawn; what was answered, done or skipped stays.
    """
    wanted = {_key(item): item for item in proposed}
    if not wanted:
        return list(lane)
    kept = [item for item in lane if item["state"] != OPEN or _key(item) in wanted]
    known = {_key(item) for item in kept}
    fresh = [_new(item, turn_id) for key, item in wanted.items() if key not in known]
    return kept + fresh


def bring(lane: Sequence[Item], item: Item) -> list[Item]:
    """Return the lane with another session's item put as a new one. Raises Conflict when it is there already."""
    if _key(item) in {_key(each) for each in lane}:
        raise Conflict("That check is in the lane already.")
    asked = {name: item[name] for name in ("kind", "text", "why", "answer_kind", "choices", "command", "expect")}
    return [*lane, _new(asked, "")]


def find(lane: Sequence[Item], item_id: str) -> Item:
    """Return an item, or raise NotFound."""
    for item in lane:
        if item["id"] == item_id:
            return item
    raise NotFound("That task is no longer in the lane.")


def close(item: Item, *, state: str, answer: str, by: str, at: str) -> None:
    """Answer, tick off or skip an open item. Raises Conflict when somebody was faster."""
    if item["state"] != OPEN:
        raise Conflict("That task was dealt with already.")
    item.update(state=state, answer=answer, answered_by=by, answered_at=at, is_told=False)


def conclude(item: Item, *, answer: str, at: str) -> None:
    """Close an item by what the conversation established; the assistant knows it already."""
    state = ANSWERED if item["kind"] == "question" else DONE
    item.update(state=state, answer=answer, answered_by=ASSISTANT, answered_at=at, is_told=True)


def reopen(item: Item) -> None:
    """Take an answer back. Raises Conflict for an open item."""
    if item["state"] == OPEN:
        raise Conflict("That task is open already.")
    item.update(state=OPEN, answer="", answered_by="", answered_at="", is_told=False)


def untold(lane: Sequence[Item]) -> list[Item]:
    """Return what was dealt with since the assistant last heard of the lane."""
    return [item for item in lane if item["state"] != OPEN and not item["is_told"]]


def tell(lane: Sequence[Item]) -> None:
    """Mark everything that was dealt with as told to the assistant."""
    for item in untold(lane):
        item["is_told"] = True


def is_open(item: Item) -> bool:
    return item["state"] == OPEN


def fact_text(item: Item) -> str:
    """Return what an answer says as a fact, by rule."""
    answer = item["answer"].strip()
    if item["kind"] == "question":
        return f"{item['text']} {answer}"
    return f"{item['text']}: {answer}" if answer else f"Done: {item['text']}"


def _key(item: Item) -> tuple[str, str]:
    return item["kind"], " ".join(item["text"].lower().split())


def _new(item: Item, turn_id: str) -> Item:
    blank = {"why": "", "answer_kind": "", "choices": [], "command": "", "expect": ""}
    closed = {"answer": "", "answered_by": "", "answered_at": "", "is_told": False}
    return {**blank, **item, **closed, "id": str(uuid4()), "state": OPEN, "turn": turn_id}
