"""Each permission of the API member taken away in turn: every page still works, and names what is missing."""

import pytest
from django.urls import reverse

from flowpilot.providers.connectwise.sandbox import ALL_PERMISSIONS

OUTLOOK = 48213
NAMES = {  # of what each right is needed for on a page that is only looked at
    "service_tickets:inquire": "Service Desk &gt; Service Tickets (inquire)",
    "configurations:inquire": "Companies &gt; Configurations (inquire)",
    "time:inquire": "Time &amp; Expense &gt; Time Entry (inquire)",
}
TICKET_PAGES = ("ticket", "notes", "configurations", "related", "time_entries", "status-select")


@pytest.fixture
def look(htmx, connected):
    """Look at every page of the tickets; return what each said, by its name."""

    def visit():
        said = {name: htmx.get(reverse(f"psa:{name}")) for name in ("queue", "filters", "my-queue", "count")}
        said |= {name: htmx.get(reverse(f"psa:{name}", args=[OUTLOOK])) for name in TICKET_PAGES}
        said["configurations"] = htmx.get(reverse("psa:configurations", args=[OUTLOOK]), {"complete": ""})
        return said

    return visit


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("permission", sorted(ALL_PERMISSIONS))
def test_every_page_works_without(look, sandbox, permission, status):
    sandbox.switches.permission_status = status
    sandbox.permissions.discard(permission)

    said = look()

    assert {name: answer.status_code for name, answer in said.items() if answer.status_code >= 500} == {}
    text = "".join(answer.content.decode() for answer in said.values())
    if permission in NAMES:
        assert NAMES[permission] in text
    if permission != "service_tickets:inquire":
        assert "Outlook keeps asking for a password" in said["ticket"].content.decode()
        assert f"ticket-row-{OUTLOOK}" in said["queue"].content.decode()


def test_nothing_is_missing_where_nothing_was_taken(look):
    text = "".join(answer.content.decode() for answer in look().values())

    assert "give the API member’s role" not in text
