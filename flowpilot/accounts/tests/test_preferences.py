from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from flowpilot.accounts.known_settings import SETTINGS
from flowpilot.accounts.models import AccountSettings, AuditEvent
from flowpilot.accounts.permissions import NotYourRole
from flowpilot.accounts.preferences import all_settings, change_setting, get_setting, set_setting
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Invalid, NotFound

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"


@pytest.mark.django_db(transaction=True)
def test_320_parallel_writes_of_different_keys_keep_320(account):
    def work(writer):
        try:
            for number in range(10):
                with account_scope(account.id):
                    set_setting(account, f"test.{writer}.{number}", [writer, number])
        finally:
            connection.close()

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(work, range(32)))

    with account_scope(account.id):
        kept = AccountSettings.objects.get().preferences
    assert kept == {f"test.{writer}.{number}": [writer, number] for writer in range(32) for number in range(10)}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.key)
def test_the_default_of_a_setting_is_of_its_type(setting):
    assert setting.clean(setting.default) == setting.default


def test_what_was_never_set_is_the_default_of_the_registry(account, scope):
    assert get_setting(account, "time.idle_minutes") == 10


def test_a_default_that_is_given_wins(account, scope):
    assert get_setting(account, "time.idle_minutes", 99) == 99


def test_all_settings_are_one_query(account, scope, django_assert_num_queries):
    set_setting(account, "ai.tiers.chat", "deep")

    with django_assert_num_queries(1):
        assert all_settings(account)["ai.tiers.chat"] == "deep"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ai.tiers.chat", "enormous"),
        ("ai.budget.monthly_usd", "a lot"),
        ("ai.budget.monthly_usd", -1),
        ("time.idle_minutes", 0),
        ("notes.opening", "x" * 1001),
        ("sign_in.microsoft_tenants", ["summit-it.example"]),
    ],
)
def test_a_value_of_another_type_is_refused(account, scope, key, value):
    with pytest.raises(Invalid):
        set_setting(account, key, value)


@pytest.mark.parametrize(
    ("key", "raw", "value"),
    [
        ("ai.budget.monthly_usd", " $1,250 ", 1250),
        ("notes.branding", "on", True),
        ("notes.branding", "", False),
        ("notes.opening", "Hello,\r\n\r\nwe looked.  ", "Hello,\n\nwe looked."),
        ("sign_in.microsoft_tenants", f"{TENANT.upper()}\n{TENANT}", [TENANT]),
    ],
)
def test_what_a_form_sends_is_read(account, scope, key, raw, value):
    set_setting(account, key, raw)

    assert get_setting(account, key) == value


@given(key=st.sampled_from(sorted(SETTINGS)), raw=st.one_of(st.text(), st.integers(), st.booleans(), st.none()))
def test_what_was_cleaned_once_stays_as_it_is(key, raw):
    try:
        value = SETTINGS[key].clean(raw)
    except Invalid:
        return
    assert SETTINGS[key].clean(value) == value


def test_a_change_is_written_down(account, scope, admin):
    change_setting(account=account, key="ai.provider", value="anthropic", by=admin)

    event = AuditEvent.objects.get()
    assert (event.actor, event.object, event.detail) == ("S. Okafor", "ai.provider", {"from": "", "to": "anthropic"})


def test_a_change_to_what_it_was_is_none(account, scope, admin):
    change_setting(account=account, key="ai.provider", value="", by=admin)

    assert not AuditEvent.objects.exists()


def test_an_engineer_changes_no_setting(account, scope, technician):
    with pytest.raises(NotYourRole, match="Your role is engineer"):
        change_setting(account=account, key="ai.provider", value="anthropic", by=technician)


def test_a_setting_that_does_not_exist_is_not_found(account, scope, admin):
    with pytest.raises(NotFound):
        change_setting(account=account, key="ai.magic", value="1", by=admin)
