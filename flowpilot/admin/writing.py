"""What a request of the admin leaves in the audit log: for platform staff every page, for everybody every change."""

from typing import Any

from flowpilot.accounts import audit
from flowpilot.accounts.audit import Action
from flowpilot.providers.ai.untrusted import mask_secrets


def saw(request, about: str, detail: dict[str, Any]) -> None:
    """Note what a page shows. It is written down when the page is done, and only for platform staff."""
    request.admin_saw = (about, detail)


def changed(request, about: str, what: str, *, is_known: bool = False) -> None:
    """Note a change. `is_known` says that the service that made it wrote it down; for platform staff it is noted all the same."""
    noted = getattr(request, "admin_changed", [])
    request.admin_changed = [*noted, (about, what, is_known)]


def write_down(request) -> None:
    """Write down what was noted, last of all in the transaction: the account's chain is locked until it ends."""
    if getattr(request, "is_written_down", False):
        return
    is_staff = hasattr(request, "staff_grant")
    changes = getattr(request, "admin_changed", [])
    action = Action.STAFF_CHANGED if is_staff else Action.ADMIN_CHANGED
    for about, what, is_known in changes:
        if is_staff or not is_known:
            audit.record(action, by=request.user, about=_plain(about), detail={"change": what})
    if is_staff and not changes:
        about, detail = getattr(request, "admin_saw", (request.path, {}))
        audit.record(Action.STAFF_VIEWED, by=request.user, about=_plain(about), detail=detail)
    request.is_written_down = True


def _plain(words: str) -> str:
    return mask_secrets(" ".join(words.split()))[:200]
