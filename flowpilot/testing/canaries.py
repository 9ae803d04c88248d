"""What no log line may hold: the keys, passwords and ticket texts that the tests use. A test during which one is logged fails.

One handler at the root sees what every logger of the process lets through; the products that run in processes of their own are read
when they stop.
"""

import json
import logging
import re
import traceback
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

from flowpilot.providers.connectwise import sandbox
from flowpilot.testing import gemini_server, messages_server

PASSWORD = "correct horse battery"
WORDS = (  # what technicians and models say in the tests
    "Outlook asks for a password.",
    "Outlook does not start.",
    "Outlook keeps asking for a password since the MFA rollout",
    "Only this user is affected",
    "The token is from before MFA",
    "## Problem",  # how a note begins
    "Hunter2",
    "Outlook cannot reach the mailbox. Let us tell the account from the device first.",
)
_SHORTEST = 24  # characters of a ticket's text that can only be its own
_SEED = Path(sandbox.__file__).parent / "seed"


class CanaryWatch(logging.Handler):
    """Notes each record that holds a canary. `plant` adds one for the rest of the run, such as a session's cookie."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.caught: list[str] = []
        self._planted: set[str] = set()

    def plant(self, secret: str) -> None:
        """Watch for one more."""
        self._planted.add(secret)

    def emit(self, record: logging.LogRecord) -> None:
        """Note what a record says, with the words of its errors; the source lines of a traceback are no news."""
        said = _said(record)
        secret = find_canary(said) or next((each for each in self._planted if each in said), "")
        if secret:
            self.caught.append(f"{record.name} logged {secret[:40]!r}: {said[:200]!r}")


_watch = CanaryWatch()


@pytest.fixture(autouse=True)
def log_watch():
    """Watches what is logged while a test runs."""
    root = logging.getLogger()
    if _watch not in root.handlers:
        root.addHandler(_watch)
    _watch.caught.clear()
    yield _watch
    assert _watch.caught == []


def find_canary(text: str) -> str:
    """Return the first secret or ticket text that stands in a text, or ""."""
    found = _known().search(text)
    return found.group() if found else ""


def _said(record: logging.LogRecord) -> str:
    try:
        said = record.getMessage()
    except (TypeError, ValueError):
        said = f"{record.msg} {record.args}"
    error = record.exc_info[1] if record.exc_info else None
    while error is not None:
        said += "\n" + "".join(traceback.format_exception_only(error))
        error = error.__cause__ or error.__context__
    return said


@cache
def _known() -> re.Pattern[str]:
    keys = {
        messages_server.API_KEY,
        gemini_server.API_KEY,
        sandbox.SANDBOX_PRIVATE_KEY,
        PASSWORD,
        settings.SECRET_KEY,
        *settings.CREDENTIAL_KEYS,
    }
    texts = {text for path in _SEED.glob("*.json") for text in _texts(json.loads(path.read_text()))}
    return re.compile("|".join(re.escape(each) for each in sorted({*keys, *WORDS, *texts}, key=len, reverse=True)))


def _texts(value: object) -> list[str]:
    """Return the sentences of a seed file."""
    if isinstance(value, str):
        return [value] if len(value) >= _SHORTEST and " " in value else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for each in inner for text in _texts(each)]
