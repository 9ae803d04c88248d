"""The account's settings in the admin: one field each, kept by the service that the settings pages use."""

import pytest
from django.urls import reverse

from flowpilot.accounts.known_settings import SETTINGS
from flowpilot.accounts.models import AuditEvent
from flowpilot.accounts.preferences import all_settings, get_setting
from flowpilot.accounts.scope import account_scope


@pytest.fixture
def page(account):
    return reverse("admin:accounts_account_change", args=[account.pk])


@pytest.fixture
def form(account):
    """The form as it stands, with what a test changes."""

    def fill(**changes):
        with account_scope(account.id):
            kept = all_settings(account)
        words = {key: "\n".join(value) if isinstance(value, list) else value for key, value in kept.items()}
        return {"name": account.name, **{key: each for key, each in words.items() if each is not False}, **changes}

    return fill


def test_every_setting_that_something_reads_has_its_field(staff_in, account, page):
    html = staff_in(account).get(page).content.decode()

    assert [key for key in SETTINGS if f'name="{key}"' not in html] == []


def test_staff_change_a_setting_and_it_is_written_down(staff_in, account, page, form, written):
    client = staff_in(account)
    before = len(written())

    client.post(page, form(**{"retention.sessions_days": "90"}))

    with account_scope(account.id):
        assert str(get_setting(account, "retention.sessions_days")) == "90"
        event = AuditEvent.objects.get(action="staff.changed")
    assert written(before)[0] == ("settings.changed", "retention.sessions_days")
    assert "changed" in event.detail["change"]


def test_a_form_that_changes_nothing_writes_no_setting(staff_in, account, page, form, written):
    client = staff_in(account)
    before = len(written())

    client.post(page, form())

    assert [action for action, _ in written(before)] == ["staff.viewed"]


def test_a_value_that_cannot_be_is_refused_in_words_and_kept_in_the_form(staff_in, account, page, form):
    html = staff_in(account).post(page, form(**{"ai.budget.monthly_usd": "plenty"})).content.decode()

    assert "write a whole number" in html
    assert 'value="plenty"' in html
