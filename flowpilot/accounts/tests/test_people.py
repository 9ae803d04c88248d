import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from flowpilot.accounts import people
from flowpilot.accounts.models import AuditEvent, LoginSession, User
from flowpilot.accounts.permissions import NotYourRole
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict, Invalid, NotFound
from flowpilot.testing.fixtures import make_person

ENGINEER, ADMIN, OWNER = User.Role.ENGINEER, User.Role.ADMIN, User.Role.OWNER


def _role(user):
    return User.objects.get(pk=user.pk).role


def _card(html):
    card = html[html.index('<section class="card flush" id="people"') : html.index("</section>")]
    return re.sub(r'csrfmiddlewaretoken" value="\w+"', "", card).split()


def _actions():
    return list(AuditEvent.objects.values_list("action", flat=True).order_by("number"))


def test_change_role_is_kept_and_written_down(scope, admin, technician):
    people.change_role(user_id=technician.pk, role=ADMIN, by=admin)

    assert (_role(technician), _actions()) == (ADMIN, ["people.role"])


def test_change_role_takes_an_admin(scope, technician, admin):
    with pytest.raises(NotYourRole):
        people.change_role(user_id=admin.pk, role=ENGINEER, by=technician)


@pytest.mark.parametrize("role", [OWNER, User.Role.SUPER_ADMIN, "", "root"])
def test_change_role_gives_engineer_and_admin_only(scope, owner, technician, role):
    with pytest.raises(Invalid):
        people.change_role(user_id=technician.pk, role=role, by=owner)


def test_change_role_of_the_last_owner_is_refused(scope, admin, owner):
    with pytest.raises(Conflict, match="needs an owner"):
        people.change_role(user_id=owner.pk, role=ENGINEER, by=admin)


def test_an_admin_does_not_change_an_owner_beside_another(account, scope, admin, owner):
    make_person(account, "k.lund@summit-it.example", role=OWNER)

    with pytest.raises(NotYourRole):
        people.change_role(user_id=owner.pk, role=ENGINEER, by=admin)


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_step_down_at_once_leave_one(account):
    owners = [make_person(account, f"{name}@summit-it.example", role=OWNER) for name in ("a", "b")]

    def step_down(user):
        try:
            with account_scope(account.id):
                people.change_role(user_id=user.pk, role=ADMIN, by=user)
        except Conflict:
            pass
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(step_down, owners))

    with account_scope(account.id):
        assert sorted(user.role for user in User.objects.all()) == [ADMIN, OWNER]


def test_deactivate_ends_every_session(client, scope, admin, technician):
    client.force_login(technician)

    people.deactivate(user_id=technician.pk, by=admin)

    assert not LoginSession.objects.filter(user=technician).exists()
    assert client.get(reverse("home")).status_code == 302


def test_deactivate_the_last_owner_is_refused(scope, admin, owner):
    with pytest.raises(Conflict, match="needs an owner"):
        people.deactivate(user_id=owner.pk, by=admin)


def test_nobody_deactivates_themselves(scope, admin):
    with pytest.raises(Conflict, match="yourself"):
        people.deactivate(user_id=admin.pk, by=admin)


def test_a_person_of_another_account_is_not_found(stranger, scope, admin):
    with pytest.raises(NotFound):
        people.deactivate(user_id=stranger.pk, by=admin)


def test_reactivate_lets_in_again_with_the_same_role(scope, admin, technician):
    people.deactivate(user_id=technician.pk, by=admin)
    people.reactivate(user_id=technician.pk, by=admin)

    technician.refresh_from_db()
    assert (technician.is_active, technician.role) == (True, ENGINEER)
    assert _actions() == ["people.deactivated", "people.reactivated"]


def test_transfer_ownership_swaps_the_roles(scope, owner, technician):
    people.transfer_ownership(heir_id=str(technician.pk), typed=" J.Ortiz@summit-it.example ", by=owner)

    assert (_role(technician), _role(owner), _actions()) == (OWNER, ADMIN, ["people.ownership"])


def test_transfer_ownership_takes_the_owner(scope, admin, technician):
    with pytest.raises(NotYourRole, match="Only the owner"):
        people.transfer_ownership(heir_id=str(technician.pk), typed=technician.email, by=admin)


def test_transfer_ownership_needs_the_typed_address(scope, owner, technician):
    with pytest.raises(Invalid, match=r"Type j\.ortiz@summit-it\.example"):
        people.transfer_ownership(heir_id=str(technician.pk), typed="yes", by=owner)


def test_transfer_ownership_to_the_deactivated_is_refused(scope, owner, technician):
    people.deactivate(user_id=technician.pk, by=owner)

    with pytest.raises(Conflict, match="deactivated"):
        people.transfer_ownership(heir_id=str(technician.pk), typed=technician.email, by=owner)


def test_transfer_ownership_twice_is_refused(scope, owner, technician, admin):
    people.transfer_ownership(heir_id=str(technician.pk), typed=technician.email, by=owner)

    with pytest.raises(Conflict, match="not the owner any more"):
        people.transfer_ownership(heir_id=str(admin.pk), typed=admin.email, by=owner)


@pytest.mark.parametrize("heir", ["", "nobody", "5e551011-0000-4000-8000-000000000099"])
def test_transfer_ownership_to_nobody_is_refused(scope, owner, heir):
    with pytest.raises((Invalid, NotFound)):
        people.transfer_ownership(heir_id=heir, typed="x", by=owner)


def test_twenty_more_people_cost_no_more_queries(as_admin, account, technician):
    def page():
        with CaptureQueriesContext(connection) as queries:
            as_admin.get(reverse("accounts:people"))
        return len(queries)

    before = page()
    for number in range(20):
        make_person(account, f"p{number}@summit-it.example")

    assert page() == before


def test_the_page_shows_no_owner_controls_to_an_admin(as_admin, owner):
    page = as_admin.get(reverse("accounts:people")).content.decode()

    assert "Transfer ownership" not in page
    assert reverse("accounts:deactivate", args=[owner.pk]) not in page


def test_a_change_redraws_the_card_as_a_reload_would(as_admin, technician):
    reply = as_admin.post(
        reverse("accounts:change-role", args=[technician.pk]), {"role": "admin"}, headers={"HX-Request": "true"}
    ).content.decode()
    page = as_admin.get(reverse("accounts:people")).content.decode()

    assert _card(reply) == _card(page)


def test_save_profile_keeps_what_was_typed_when_it_is_refused(as_admin):
    reply = as_admin.post(reverse("accounts:profile"), {"name": " ", "signature": "Kind regards"})

    assert (reply.status_code, b"Kind regards" in reply.content, b"Write your name" in reply.content) == (
        422,
        True,
        True,
    )


def test_save_profile_keeps_name_signature_and_keys(as_admin, admin):
    as_admin.post(reverse("accounts:profile"), {"name": "Sam  Okafor", "signature": "Kind regards\nSam"})

    admin.refresh_from_db()
    assert (admin.name, admin.signature, admin.has_single_keys) == ("Sam Okafor", "Kind regards\nSam", False)


def test_single_keys_are_drawn_as_the_person_chose(as_admin, admin):
    as_admin.post(reverse("accounts:set-single-keys"), {})

    page = as_admin.get(reverse("home")).content.decode()
    assert '<input type="checkbox" name="has_single_keys" data-keys>' in page
