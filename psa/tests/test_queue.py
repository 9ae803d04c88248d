import pytest
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from flowpilot.testing.fixtures import make_person
from psa import known
from psa.models import PsaMemberLink

OUTLOOK, SWITCH = 48213, 48201
SEARCH = "GET /v4_6_release/apis/3.0/service/tickets"


def ask(client, **query):
    return client.get(reverse("psa:queue"), query).content.decode()


def rows(html):
    return html.count('id="ticket-row-')


@pytest.fixture
def long_queue(sandbox):
    """More open tickets than one page holds."""
    table = sandbox.store.tables.tickets
    first = next(each for each in table.values() if not each["closedFlag"])
    for number in range(60_001, 60_041):
        table[number] = {**first, "id": number, "summary": f"Invented {number}"}


def test_page_comes_at_once_with_a_queue_that_loads_itself(browse, connected, sandbox):
    sandbox.app.latency = 1.0
    page = browse.get(reverse("psa:tickets"), {"q": "vpn"}).content.decode()

    assert f'hx-get="{reverse("psa:queue")}?q=vpn&amp;begun"' in page
    assert "ticket-row-" not in page
    assert len(sandbox.seen) <= 1  # it is being asked, and nobody waits for it


def test_queue_takes_what_its_page_has_begun_to_ask_for(browse, connected, sandbox):
    browse.get(reverse("psa:tickets"), {"q": "vpn"})
    rows = browse.get(reverse("psa:queue"), {"q": "vpn", "begun": ""}, headers={"HX-Request": "true"})
    again = browse.get(reverse("psa:queue"), {"q": "vpn"}, headers={"HX-Request": "true"})

    assert "ticket-row-48209" in rows.content.decode()
    assert "ticket-row-48209" in again.content.decode()
    assert sum(seen.path.endswith("/service/tickets") for seen in sandbox.seen) == 2


def test_queue_shows_open_tickets_by_priority(htmx, connected):
    shown = ask(htmx)

    assert "Outlook keeps asking for a password" in shown
    assert shown.index(f"ticket-row-{SWITCH}") < shown.index(f"ticket-row-{OUTLOOK}")
    assert "m over" in shown


def test_queue_without_script_is_the_whole_page(browse, connected):
    shown = ask(browse)

    assert "<html" in shown
    assert f'id="ticket-row-{OUTLOOK}"' in shown


@pytest.mark.parametrize("text", ["48213", "#48213", "outlook password", "contoso outlook keeps"])
def test_search_finds_by_number_summary_and_company(htmx, connected, text):
    assert f'id="ticket-row-{OUTLOOK}"' in ask(htmx, q=text)


def test_search_leaves_out_the_rest(htmx, connected):
    shown = ask(htmx, q="switch down")

    assert (rows(shown), f"ticket-row-{SWITCH}" in shown) == (1, True)


def test_board_and_status_narrow_the_queue(htmx, connected):
    shown = ask(htmx, board=2, status="In progress")

    assert f"ticket-row-{SWITCH}" in shown
    assert f"ticket-row-{OUTLOOK}" not in shown


def test_a_closed_status_finds_closed_tickets(htmx, connected):
    assert rows(ask(htmx, status="Resolved"))


def test_mine_is_what_my_member_is_on(htmx, connected):
    shown = ask(htmx, who="mine")

    assert f"ticket-row-{OUTLOOK}" in shown
    assert "ticket-row-48198" not in shown


def test_mine_without_a_member_says_so(htmx, connected):
    with account_scope(connected.id):
        PsaMemberLink.objects.all().delete()

    assert "not linked to a ConnectWise member" in ask(htmx, who="mine")


def test_nothing_found_says_what_to_do(htmx, connected):
    assert "Clear the filters" in ask(htmx, q="zzzz")


def test_pages_follow_each_other_without_overlap(htmx, connected, long_queue):
    first, second = ask(htmx), ask(htmx, page=2)

    assert rows(first) == 50
    assert 'rel="next"' in first
    assert 'rel="prev"' in second
    assert not {line for line in first.split() if "ticket-row-" in line} & set(second.split())


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999999999999", ""])
def test_a_page_that_cannot_be_is_a_page_all_the_same(htmx, connected, page):
    assert 'id="queue"' in ask(htmx, page=page, board=page)


def test_filtering_puts_the_filters_into_the_address(htmx, connected):
    reply = htmx.get(reverse("psa:tickets"), {"q": "vpn", "board": "", "status": "", "who": ""})

    assert reply["HX-Push-Url"] == f"{reverse('psa:tickets')}?q=vpn"


def test_filtering_keeps_the_open_ticket(htmx, connected):
    here = f"http://testserver{reverse('psa:ticket', args=[SWITCH])}"
    reply = htmx.get(reverse("psa:tickets"), {"q": "switch"}, headers={"HX-Current-URL": here})

    assert reply["HX-Push-Url"] == f"{reverse('psa:ticket', args=[SWITCH])}?q=switch"
    assert f'id="ticket-row-{SWITCH}" aria-current="true"' in reply.content.decode()


def test_more_rows_cost_no_more_queries(htmx, connected, sandbox, django_assert_num_queries):
    ask(htmx)
    with django_assert_num_queries(_queries_of(htmx, q="48213")):
        assert rows(ask(htmx)) > 20


def _queries_of(client, **query):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as seen:
        ask(client, **query)
    return len(seen)


@pytest.mark.parametrize(
    ("fault", "words"),
    [("503html", "ConnectWise isn’t answering"), ("401", "did not accept the keys"), ("429", "ConnectWise is busy")],
)
def test_queue_says_why_it_is_empty_and_offers_another_try(htmx, connected, sandbox, fault, words):
    sandbox.fail_next(fault, times=2, match=SEARCH)

    shown = ask(htmx, q="vpn")

    assert words in shown
    assert f'hx-get="{reverse("psa:queue")}?q=vpn"' in shown


def test_queue_names_the_missing_permission(htmx, connected, sandbox):
    sandbox.permissions.clear()

    shown = ask(htmx)

    assert "Service Desk &gt; Service Tickets (inquire)" in shown
    assert "Retry" not in shown


def test_another_account_sees_only_that_it_is_not_connected(client, connected, stranger):
    client.force_login(stranger)
    shown = ask(client)

    assert "Not connected to ConnectWise" in shown
    assert "ticket-row-" not in shown


def test_filters_offer_boards_and_each_status_once(htmx, connected):
    shown = htmx.get(reverse("psa:filters"), {"status": "Resolved"}).content.decode()

    assert "Service desk" in shown
    assert shown.count('value="In progress"') == 1
    assert 'value="Resolved" data-choice checked' in shown
    assert "Closed (old)" not in shown


def test_filters_are_asked_for_once_in_ten_minutes(htmx, connected, sandbox):
    htmx.get(reverse("psa:filters"))
    asked = len(sandbox.seen)
    htmx.get(reverse("psa:filters"))

    assert asked > 1
    assert [each.path for each in list(sandbox.seen)[asked:]] == []


def test_filters_name_the_missing_permission_in_a_banner(htmx, connected, sandbox):
    sandbox.permissions.clear()

    shown = htmx.get(reverse("psa:filters")).content.decode()

    assert 'class="alert bleed"' in shown
    assert "(inquire)" in shown


def test_my_queue_shows_at_most_eight_of_mine(htmx, connected):
    shown = htmx.get(reverse("psa:my-queue")).content.decode()

    assert 0 < shown.count("<tr><td>") <= 8
    assert "Outlook keeps asking for a password" in shown


def test_my_queue_is_honest_when_there_is_nothing(htmx, connected):
    with account_scope(connected.id):
        PsaMemberLink.objects.update(identifier="nobody")

    assert "You have no open tickets" in htmx.get(reverse("psa:my-queue")).content.decode()


def test_my_queue_of_someone_unlinked_says_so(client, connected):
    client.force_login(make_person(connected, "new@summit-it.example", name="N. New"))

    assert "not linked to a ConnectWise member" in client.get(reverse("psa:my-queue")).content.decode()


def test_my_queue_says_when_connectwise_is_down(htmx, connected, sandbox):
    sandbox.fail_next("503html", times=2)

    assert "ConnectWise isn’t answering" in htmx.get(reverse("psa:my-queue")).content.decode()


def test_my_queue_of_a_connectwise_that_is_down_is_the_last_one_seen(htmx, connected, sandbox):
    htmx.get(reverse("psa:my-queue"))
    known.doubt(connected.id, "psa:mine:jortiz")
    sandbox.fail_next("503html", times=5)

    shown = htmx.get(reverse("psa:my-queue")).content.decode()

    assert "This is your queue as of" in shown
    assert "Outlook keeps asking for a password" in shown


def test_the_sidebar_counts_my_tickets_once_they_were_seen(browse, connected, sandbox):
    assert 'id="nav-tickets"' not in browse.get(reverse("home")).content.decode()

    browse.get(reverse("psa:my-queue"))
    asked = len(sandbox.seen)

    assert 'id="nav-tickets"' in browse.get(reverse("home")).content.decode()
    assert len(sandbox.seen) == asked


def test_a_page_drawn_again_at_once_shows_what_changed_meanwhile(browse, htmx, connected, sandbox):
    page, queue = reverse("psa:ticket", args=[OUTLOOK]), reverse("psa:queue")
    del htmx.defaults["HTTP_HX_REQUEST"]
    for name in ("In progress", "Scheduled"):
        sandbox.store.tables.tickets[OUTLOOK]["status"]["name"] = name
        browse.get(page)
        shown = browse.get(queue, {"begun": ""}, headers={"HX-Request": "true"}).content.decode()
        row = shown.partition(f'id="ticket-row-{OUTLOOK}"')[2].partition("</tr>")[0]
        assert f'title="{name}"' in row


def test_the_next_ticket_is_the_first_of_mine_but_the_one_just_done(browse, connected):
    first = browse.get(reverse("psa:next-ticket")).url
    number = first.rstrip("/").rpartition("/")[2]

    second = browse.get(reverse("psa:next-ticket"), {"after": number}).url

    assert first.startswith(reverse("psa:tickets"))
    assert second not in {first, reverse("psa:tickets")}


def test_with_no_next_ticket_the_list_opens(browse, connected):
    with account_scope(connected.id):
        PsaMemberLink.objects.all().delete()

    assert browse.get(reverse("psa:next-ticket")).url == reverse("psa:tickets")
