"""Links that leave FlowPilot, in notes on tickets: the only place that knows where people reach it."""

from django.conf import settings


def public_link(path: str) -> str:
    """Return the whole address of a page; only its path where nobody said where FlowPilot is reached."""
    return f"{settings.PUBLIC_URL}{path}"
