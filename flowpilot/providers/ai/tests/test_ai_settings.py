import pytest
from django.urls import reverse

from flowpilot.accounts.known_settings import SETTINGS
from flowpilot.accounts.models import AuditEvent, User
from flowpilot.accounts.preferences import get_setting
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.sealing import BrokenSeal
from flowpilot.providers.ai import ledger
from flowpilot.providers.ai.registry import open_credential
from flowpilot.providers.models import AiBudget, AiCredential
from flowpilot.testing.fixtures import make_person

KEY = "sk-test-0123456789-abcd"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def as_admin(client, account):
    client.force_login(make_person(account, "s.okafor@summit-it.example", role=User.Role.ADMIN))
    return client


def _save(client, key=KEY, base_url="", provider="anthropic"):
    return client.post(reverse("ai:save-key", args=[provider]), {"key": key, "base_url": base_url}, headers=HTMX)


def _credential(account):
    with account_scope(account.id):
        return AiCredential.objects.get()


def test_a_key_is_kept_sealed_and_shown_by_its_last_four(as_admin, account, sql):
    page = _save(as_admin).content.decode()

    credential = _credential(account)
    with account_scope(account.id):
        assert KEY not in sql("SELECT ai_credentials::text FROM ai_credentials")
    assert (open_credential(credential), credential.last_four) == (KEY, "abcd")
    assert KEY not in page
    assert ">abcd<" in page


def test_no_page_gives_a_key_back(as_admin):
    _save(as_admin)

    assert KEY not in as_admin.get(reverse("ai:settings")).content.decode()


def test_a_key_that_is_saved_is_written_down_without_it(as_admin, account):
    _save(as_admin)

    with account_scope(account.id):
        event = AuditEvent.objects.get()
    assert (event.action, event.object, KEY in str(event.detail)) == ("settings.credential", "Claude key", False)


def test_a_new_key_replaces_the_one_before(as_admin, account):
    _save(as_admin)
    _save(as_admin, key="sk-test-another-wxyz")

    assert open_credential(_credential(account)) == "sk-test-another-wxyz"


def test_a_key_moved_to_another_account_does_not_open(as_admin, account, other_account):
    _save(as_admin)
    credential = _credential(account)
    credential.account_id = other_account.id

    with pytest.raises(BrokenSeal):
        open_credential(credential)


@pytest.mark.parametrize(("key", "base_url"), [("short", ""), ("has a space in it", ""), (KEY, "ftp://example.com")])
def test_what_is_no_key_or_address_is_refused(as_admin, account, key, base_url):
    assert _save(as_admin, key=key, base_url=base_url).status_code == 422
    with account_scope(account.id):
        assert not AiCredential.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_key_is_tried_by_a_click(as_admin, server):
    _save(as_admin, key=server.api_key, base_url=server.base_url)

    page = as_admin.post(reverse("ai:test-key", args=["anthropic"]), headers=HTMX).content.decode()

    assert "It works" in page


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_refused_says_so_in_its_place(as_admin, server):
    _save(as_admin, key="sk-test-wrong-wrong", base_url=server.base_url)

    reply = as_admin.post(reverse("ai:test-key", args=["anthropic"]), headers=HTMX)

    assert (reply.status_code, 'data-tone="red"' in reply.content.decode()) == (200, True)


def test_a_removed_key_is_gone(as_admin, account):
    _save(as_admin)
    as_admin.post(reverse("ai:remove-key", args=["anthropic"]), headers=HTMX)

    with account_scope(account.id):
        assert not AiCredential.objects.exists()


def test_an_unknown_provider_is_not_found(as_admin):
    assert _save(as_admin, provider="nobody").status_code == 404


def test_the_budget_shows_what_is_used(as_admin, account):
    as_admin.post(reverse("accounts:change-setting"), {"key": "ai.budget.monthly_usd", "value": "$250"}, headers=HTMX)
    with account_scope(account.id):
        AiBudget.objects.create(month=ledger._this_month(), spent_micros=204_100_000)

    page = as_admin.get(reverse("ai:settings")).content.decode()

    assert "$204.10 of $250.00 used" in page
    assert 'aria-label="Budget used: 82%"' in page


def test_a_tier_is_kept_as_soon_as_it_changes(as_admin, account):
    reply = as_admin.post(
        reverse("accounts:change-setting"), {"key": "ai.tiers.chat", "value": "deep"}, headers=HTMX
    ).content.decode()

    with account_scope(account.id):
        assert get_setting(account, "ai.tiers.chat") == "deep"
    assert "All changes saved" in reply


def test_a_value_that_is_refused_stays_in_its_row(as_admin):
    reply = as_admin.post(
        reverse("accounts:change-setting"), {"key": "ai.budget.monthly_usd", "value": "a lot"}, headers=HTMX
    )

    assert (reply.status_code, 'value="a lot"' in reply.content.decode()) == (422, True)


def test_every_setting_is_on_a_page(as_admin):
    pages = "".join(
        as_admin.get(reverse(name)).content.decode() for name in ("ai:settings", "accounts:account-settings")
    )

    shown = {key for key in SETTINGS if f'name="key" value="{key}"' in pages}
    assert shown == {key for key in SETTINGS if not key.startswith("psa.")}  # those have a page of their own
