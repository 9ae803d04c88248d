"""What can go wrong with an AI that is asked over HTTP: whether to ask again, and the words for it. Pure."""

import random
from dataclasses import dataclass

from flowpilot.errors import Invalid, Refused, Unavailable, UserError
from flowpilot.providers.ai.base import Interrupted

_PASSING = {"api_error", "overloaded_error", "rate_limit_error", "timeout_error", "dropped", "ended_early"}
_BUSY = "The AI is overloaded right now. Try again in a minute."
_LATE = "The AI did not answer in time. Try again in a minute."
_AWAY = "The AI cannot be reached. Try again in a minute."
_UNREADABLE = "The AI sent an answer that cannot be read. Try again."
_WORDS = {
    401: "The AI key was not accepted. An admin can check it in the settings.",
    402: "The AI account has no credit left. An admin can see to that.",
    403: "The AI key was not accepted for this model. An admin can check it in the settings.",
    404: "The AI does not know this model. An admin can choose another in the settings.",
    413: "This is more than the AI takes at once. Shorten it or remove an image.",
    429: "The AI takes no more requests right now. Try again in a minute.",
}
_WORDS_OF_BREAKS = {"dropped": _AWAY, "ended_early": _AWAY, "idle": _LATE, "too_slow": _LATE, "unreadable": _UNREADABLE}


class BrokeOff(Exception):
    """A stream did not reach its end; the reasons are those of Interrupted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Failure:
    """A call that failed, whoever was asked. `status` is 0 where no reply says so; `is_final` is the provider's own word."""

    reason: str
    status: int = 0
    said: str = ""
    retry_after: float | None = None
    is_final: bool = False

    @property
    def may_pass(self) -> bool:
        """Whether asking again may help."""
        if self.is_final:
            return False
        return self._is_passing_status if self.status else self.reason in _PASSING

    @property
    def is_busy(self) -> bool:
        """Whether the service takes nothing from anybody just now."""
        return self.status in (429, 529)

    @property
    def _is_passing_status(self) -> bool:
        return self.status in (408, 409, 429) or self.status >= 500

    def pause(self, usual: float) -> float | None:
        """Return how many seconds to wait before asking again, or None where that is useless. What is asked for goes before what is usual."""
        if not self.may_pass:
            return None
        if self.retry_after:
            return self.retry_after * random.uniform(1.0, 1.1)  # noqa: S311  # spreads callers, guards nothing
        return usual * random.uniform(0.5, 1.0)  # noqa: S311

    def explain(self, *, is_begun: bool) -> UserError:
        """Return what went wrong; `is_begun` tells whether text has arrived."""
        if is_begun:
            return Interrupted("The AI's answer broke off. What arrived is kept; try again.", reason=self.reason)
        if not self.status:
            return Unavailable(_WORDS_OF_BREAKS.get(self.reason, _BUSY))
        if self._is_passing_status:
            return Unavailable(_WORDS.get(self.status, _BUSY))
        said = "" if self.said.lstrip().startswith("<") else self.said  # a proxy's page is nobody's words
        if self.status == 413 or "too long" in said or "image" in said:
            return Invalid(f"{_WORDS[413]} It said: {said.strip(' .')}." if said else _WORDS[413])
        return Refused(_WORDS.get(self.status, f"The AI refused the request: {said.strip(' .') or self.status}."))
