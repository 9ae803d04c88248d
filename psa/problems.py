"""What a panel says when it has nothing to show."""

from dataclasses import dataclass

from flowpilot.errors import NotFound, Refused, Unavailable, UserError
from flowpilot.providers.connectwise.errors import NotPermitted, Throttled
from psa.queries import NotConnected, NotLinked


@dataclass(frozen=True)
class Problem:
    """A failure in a panel's words. Trying again is offered only where it may help."""

    title: str
    text: str = ""
    tone: str = "amber"
    can_retry: bool = False
    is_empty_state: bool = False
    is_permission: bool = False
    is_unlinked: bool = False


def describe(error: UserError, what: str) -> Problem:
    """Word a failure for a panel that shows `what`, such as "notes"."""
    match error:
        case NotConnected():
            text = f"{error.message} Ask an admin of your account to connect it."
            return Problem("Not connected to ConnectWise", text, is_empty_state=True)
        case NotLinked():
            return Problem("Not linked to a member", error.message, is_empty_state=True, is_unlinked=True)
        case NotPermitted():
            text = f"In ConnectWise, give the API member’s role “{error.permission}”."
            return Problem(f"ConnectWise won’t let FlowPilot read {what}.", text, is_permission=True)
        case NotFound():
            return Problem("Not in ConnectWise", error.message, is_empty_state=True)
        case Throttled():
            return Problem("ConnectWise is busy.", error.message, can_retry=True)
        case Unavailable():
            return Problem("ConnectWise isn’t answering.", error.message, tone="red", can_retry=True)
        case Refused():
            return Problem("ConnectWise refused this.", error.message, tone="red", can_retry=True)
    return Problem("That didn’t work.", error.message, tone="red", can_retry=True)
