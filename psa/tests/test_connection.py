import pytest
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from flowpilot.testing.fixtures import make_person
from psa.models import PsaConnection, PsaMemberLink

URL = "/tickets/connection"


@pytest.fixture
def admin(client, connected):
    client.force_login(make_person(connected, "s.okafor@summit-it.example", name="S. Okafor", role="admin"))
    return client


@pytest.fixture
def kept(connected):
    with account_scope(connected.id):
        return PsaConnection.objects.get()


def save(client, kept, **changed):
    form = {"host": kept.base_url, "company_id": kept.company_id, "client_id": kept.client_id}
    return client.post(URL, form | {"public_key": kept.public_key, "private_key": ""} | changed)


def test_keys_are_written_and_never_shown(admin, sandbox, kept):
    page = admin.get(URL).content.decode()

    assert kept.public_key in page
    assert sandbox.credentials["private_key"] not in page
    assert kept.sealed_private_key not in page


def test_connection_is_for_admins(browse, connected):
    assert browse.get(URL).status_code == 403


def test_saving_without_a_private_key_keeps_the_old_one(admin, kept):
    save(admin, kept, client_id="another")

    with account_scope(kept.account_id):
        row = PsaConnection.objects.get()
    assert (row.client_id, row.sealed_private_key) == ("another", kept.sealed_private_key)


def test_a_kept_private_key_goes_nowhere_else(admin, kept):
    reply = save(admin, kept, company_id="mallory")

    assert reply.status_code == 422
    assert "Enter the private key again" in reply.content.decode()


@pytest.mark.parametrize(
    "host",
    ["evil.example", "169.254.169.254", "http://api-eu.myconnectwise.net", "api-eu.myconnectwise.net@evil.example"],
)
def test_a_host_that_is_no_connectwise_is_refused(admin, kept, host):
    assert save(admin, kept, host=host, private_key="x").status_code == 422


def test_a_region_is_enough_of_an_address(admin, kept):
    save(admin, kept, host="api-eu.myconnectwise.net", private_key="x")

    with account_scope(kept.account_id):
        assert PsaConnection.objects.get().base_url == "https://api-eu.myconnectwise.net/v4_6_release/apis/3.0"


def test_test_lists_each_permission(admin):
    shown = admin.post("/tickets/connection/test").content.decode()

    assert "Every permission is there" in shown
    assert "Resource Scheduling (inquire)" in shown


def test_test_names_what_is_missing_and_what_it_breaks(admin, sandbox):
    sandbox.fail_next("403", times=4, match="/company/configurations")

    shown = admin.post("/tickets/connection/test").content.decode()

    assert "1 permission missing" in shown
    assert "Devices show with their names alone" in shown


def test_test_with_wrong_keys_says_so(admin, kept):
    save(admin, kept, private_key="wrong")

    assert "The connection does not work" in admin.post("/tickets/connection/test").content.decode()


def test_defaults_of_new_tickets_are_kept(admin):
    admin.post("/tickets/connection/defaults/set", {"board": "2", "priority": "6"})

    shown = admin.get(reverse("psa:new-ticket")).content.decode()
    assert '<option value="2" selected>Network' in shown
    assert '<option value="6" selected>Priority 2' in shown


def test_my_member_is_guessed_by_the_address_and_said_by_me(admin, connected):
    page = admin.get("/tickets/member").content.decode()
    assert "has your e-mail address" in page

    admin.post("/tickets/member", {"member": "154"})

    with account_scope(connected.id):
        assert PsaMemberLink.objects.get(member_id=154).identifier == "sokafor"


def test_a_member_that_does_not_exist_is_refused(admin):
    assert admin.post("/tickets/member", {"member": "99999"}).status_code == 404
