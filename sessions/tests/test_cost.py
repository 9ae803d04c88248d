"""What a session's chip says of its cost and of the time worked on it, and what the dashboard reminds of."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from flowpilot.accounts.scope import account_scope
from flowpilot.providers.models import AiCall
from sessions.queries import cost, waiting
from sessions.tests.factories import at, make_chat, make_fix


def call(chat, **fields):
    month = timezone.now().date().replace(day=1)
    return AiCall.objects.create(
        chat_id=chat.pk, service="chat", provider="anthropic", model="claude", month=month, outcome="done", **fields
    )


@pytest.mark.usefixtures("scope")
def test_cost_adds_up_every_call_of_the_session(chat, other_chat):
    call(chat, cost_micros=300_000, saved_micros=90_000, input_tokens=10, output_tokens=5)
    call(chat, cost_micros=80_000, saved_micros=30_000, cache_read_input_tokens=100)
    call(other_chat, cost_micros=1_000_000)

    found = cost(chat)
    assert (found.calls, found.text, found.saved, found.tokens) == (2, "$0.38", "$0.12", 115)


@pytest.mark.usefixtures("scope")
@pytest.mark.parametrize(
    ("micros", "text"), [(0, "$0.00"), (40, "under $0.01"), (10_000, "$0.01"), (12_345_678, "$12.35")]
)
def test_money_is_shown_in_cents(chat, micros, text):
    call(chat, cost_micros=micros)

    assert cost(chat).text == text


def test_the_chip_shows_where_an_ai_was_asked(browse, account, chat):
    before = browse.get(chat.get_absolute_url()).content.decode()
    with account_scope(account.id):
        call(chat, cost_micros=380_000, saved_micros=120_000)
    after = browse.get(chat.get_absolute_url()).content.decode()

    assert "AI cost" not in before
    assert "$0.38" in after
    assert "$0.12 saved" in after


@pytest.mark.usefixtures("scope")
class TestWaiting:
    @pytest.fixture
    def wait(self, technician):
        def make(title, minutes=None, **fields):
            moment = timezone.now() + timedelta(minutes=minutes) if minutes is not None else None
            chat = make_chat(title=title, owner=technician, **fields)
            at(make_fix(chat, reason="A reboot", remind_at=moment), "waiting")

        return make

    def test_what_is_due_first_comes_first(self, wait, technician):
        for title, minutes in (("later", 60), ("never", None), ("due", -5)):
            wait(title, minutes)

        assert [(fix.chat.title, fix.is_due) for fix in waiting(technician)] == [
            ("due", True),
            ("later", False),
            ("never", False),
        ]

    def test_closed_sessions_remind_of_nothing(self, wait, technician):
        wait("closed", -5, status="resolved")

        assert waiting(technician) == []

    def test_the_dashboard_shows_what_waits(self, wait, browse):
        wait("VPN drops", -5)
        html = browse.get(reverse("home")).content.decode()

        assert "Waiting to verify" in html
        assert "A reboot" in html
