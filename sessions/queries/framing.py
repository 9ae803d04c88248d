"""What stands around a note that is posted: the account's own words, and whose it is."""

from flowpilot.accounts.models import User
from flowpilot.accounts.preferences import all_settings
from sessions.models import ChatSession

BRANDING = "Written with FlowPilot."


def framing(chat: ChatSession, by: User) -> tuple[str, list[str]]:
    """Return what stands above a note, and below it: the account's words, the signature of who posts it, a mention of FlowPilot."""
    rules = all_settings(chat.account_id)
    branding = BRANDING if rules["notes.branding"] else ""
    return rules["notes.opening"], [each for each in (rules["notes.closing"], by.signature, branding) if each]
