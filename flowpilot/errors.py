"""What can go wrong, in words a technician can act on. Middleware shows these; nothing else catches them."""


class UserError(Exception):
    """Something the person at the screen should be told. Its text is shown as it is."""

    status = 400
    event = ""

    @property
    def message(self) -> str:
        return str(self)


class Invalid(UserError):
    """What was sent cannot be taken as it is; nothing of it is lost."""

    status = 422


class NotFound(UserError):
    """There is no such thing, or it is not this account's."""

    status = 404


class Refused(UserError):
    """Not allowed; trying again is useless."""

    status = 403


class Conflict(UserError):
    """The state does not allow this step."""

    status = 409


class StaleState(Conflict):
    """Someone changed the session after this page was drawn."""

    event = "chat-stale"


class Unavailable(UserError):
    """The outside did not answer; trying again may help."""

    status = 503
