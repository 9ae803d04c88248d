"""An authenticator app, and the codes it shows."""

from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)

from flowpilot.accounts.models import User


def totp(user: User) -> str:
    """Give a person an authenticator app; return its secret."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def code_of(secret: str) -> str:
    """Return the code that is shown now."""
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
