import pytest
from django.urls import reverse

OUTLOOK, MAILBOX = 48213, 48198
SCHEDULE = "/schedule/entries"


def url(name, ticket_id=OUTLOOK):
    return reverse(f"psa:{name}", args=[ticket_id])


def change(client, name, member, ticket_id=OUTLOOK):
    return client.post(url(name, ticket_id), {"member": member})


def test_resources_show_the_owner_and_the_others_once(htmx, connected):
    shown = htmx.get(url("resources")).content.decode()

    assert shown.count("J. Ortiz</span>") == 1
    assert "Remove S. Okafor" in shown


def test_assign_to_a_ticket_of_nobody_makes_the_owner(htmx, connected, sandbox):
    reply = change(htmx, "assign", 155, MAILBOX).content.decode()

    assert sandbox.store.tables.tickets[MAILBOX]["owner"]["identifier"] == "tbrandt"
    assert "T. Brandt" in reply
    assert f'hx-target="#ticket-row-{MAILBOX}"' in reply


def test_assign_beside_an_owner_keeps_the_owner(htmx, connected, sandbox):
    change(htmx, "assign", 155)

    assert sandbox.store.tables.tickets[OUTLOOK]["owner"]["identifier"] == "jortiz"
    assert "Remove T. Brandt" in htmx.get(url("resources")).content.decode()


def test_unassign_takes_a_co_assignee_off(htmx, connected):
    reply = change(htmx, "unassign", 154).content.decode()

    assert "S. Okafor" not in reply.partition("hx-partial")[0]


def test_members_to_add_are_found_by_typing(htmx, connected):
    shown = htmx.get(url("find-resources"), {"find": "brandt"}).content.decode()

    assert "T. Brandt" in shown
    assert "J. Ortiz" not in shown


@pytest.mark.parametrize("member", ["", "x", "999999"])
def test_assign_of_nobody_we_know_changes_nothing(htmx, connected, member):
    assert change(htmx, "assign", member).status_code == 404


def test_resources_without_the_schedule_name_the_permission(htmx, connected, sandbox):
    sandbox.fail_next("403", times=5, match=SCHEDULE)

    shown = htmx.get(url("resources")).content.decode()

    assert "Resource Scheduling" in shown
    assert "J. Ortiz" in shown
