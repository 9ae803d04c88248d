import pytest
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from flowpilot.providers.connectwise.sandbox import Reply
from psa.models import PsaPost

OUTLOOK = 48213
TICKET = f"GET /v4_6_release/apis/3.0/service/tickets/{OUTLOOK}"
PANELS = [("notes", "allNotes"), ("configurations", f"{OUTLOOK}/configurations"), ("status-select", "/statuses")]


def url(name, ticket_id=OUTLOOK):
    return reverse(f"psa:{name}", args=[ticket_id])


def ask(client, name, ticket_id=OUTLOOK, **query):
    return client.get(url(name, ticket_id), query).content.decode()


def set_status(client, status_id, **headers):
    return client.post(url("set-status"), {"status": status_id}, headers=headers)


def status_of(sandbox):
    return sandbox.store.tables.tickets[OUTLOOK]["status"]["name"]


def test_ticket_is_a_page_with_the_queue_beside_it(browse, connected):
    page = ask(browse, "ticket", q="outlook")

    assert "Outlook keeps asking for a password since the MFA rollout" in page
    assert f'hx-get="{reverse("psa:queue")}?q=outlook&amp;begun"' in page


def test_ticket_is_a_piece_to_htmx(htmx, connected):
    piece = ask(htmx, "ticket")

    assert "<html" not in piece
    assert 'id="detail"' in piece
    assert reverse("sessions:start-from-ticket", args=[OUTLOOK]) in piece


@pytest.mark.parametrize("ticket_id", [99_999, 0, 2**31, 10**30])
def test_a_ticket_that_is_not_there_is_said_to_be_so(browse, connected, ticket_id):
    reply = browse.get(url("ticket", ticket_id))

    assert reply.status_code == 404
    assert f"no ticket #{ticket_id}" in reply.content.decode()


def test_ticket_without_connectwise_can_be_asked_for_again(htmx, connected, sandbox):
    sandbox.fail_next("503html", times=20, match=TICKET)

    reply = htmx.get(url("ticket"))

    assert reply.status_code == 503
    assert f'hx-get="{url("ticket")}"' in reply.content.decode()


def test_ticket_of_another_account_is_not_shown(client, connected, stranger):
    client.force_login(stranger)
    for name in ("ticket", "notes", "configurations", "status-select"):
        reply = client.get(url(name), headers={"HX-Request": "true"}).content.decode()
        assert "Not connected to ConnectWise" in reply
        assert "Outlook" not in reply


def test_notes_are_newest_first_and_internal_ones_are_marked(htmx, connected):
    notes = ask(htmx, "notes")

    assert notes.index("MFA policy went live") < notes.index("It asks for my password")
    assert 'class="note internal"' in notes


def test_notes_can_be_internal_or_discussion_only(htmx, connected):
    internal, discussion = ask(htmx, "notes", show="internal"), ask(htmx, "notes", show="discussion")

    assert ("MFA policy" in internal, "It asks for my" in internal) == (True, False)
    assert ("MFA policy" in discussion, "It asks for my" in discussion) == (False, True)


def test_a_note_is_text_and_never_markup(htmx, connected, sandbox):
    note = next(iter(sandbox.store.tables.notes_of(OUTLOOK)))
    note["text"] = "<script>alert(1)</script>"

    assert "&lt;script&gt;alert(1)" in ask(htmx, "notes")


def test_configurations_show_the_device(htmx, connected):
    assert "CONTOSO-LT-114" in ask(htmx, "configurations")


def test_status_select_offers_the_boards_own(htmx, connected):
    select = ask(htmx, "status-select")

    assert "selected>In progress</option>" in select
    assert "Closed (old)" not in select


@pytest.mark.parametrize(("panel", "address"), PANELS)
def test_each_panel_fails_alone_and_can_be_asked_for_again(htmx, connected, sandbox, panel, address):
    sandbox.fail_next("503html", times=2, match=address)

    replies = {name: ask(htmx, name) for name, _ in PANELS}

    failed = {name for name, reply in replies.items() if "ConnectWise isn’t answering" in reply}
    assert failed == {panel}
    assert f'hx-get="{url(panel)}"' in replies[panel]


def test_a_panel_names_the_missing_permission(htmx, connected, sandbox):
    sandbox.permissions.difference_update([each for each in sandbox.permissions if "configurations" in each])

    panel = ask(htmx, "configurations", complete="")

    assert "CONTOSO-LT-114" in panel
    assert "Companies &gt; Configurations (inquire)" in panel
    assert "Retry" not in panel


def test_a_panel_without_htmx_leads_to_the_ticket(browse, connected):
    assert browse.get(url("notes")).url == url("ticket")


def test_set_status_shows_what_connectwise_confirmed(htmx, connected, sandbox):
    here = f"http://testserver{url('ticket')}?q=outlook"
    reply = set_status(htmx, 103, **{"HX-Current-URL": here}).content.decode()

    assert status_of(sandbox) == "Waiting on customer"
    assert '<option value="103" selected>' in reply
    assert f'<tr id="ticket-row-{OUTLOOK}" aria-current="true">' in reply
    assert f'href="{url("ticket")}?q=outlook"' in reply
    assert "data-toast" not in reply


def test_set_status_leaves_the_time_limit_as_a_reload_would(htmx, connected):
    reply = set_status(htmx, 103).content.decode()
    page = ask(htmx, "ticket")

    limit = '<span id="ticket-sla"></span>'  # waiting on the customer stops the clock
    assert (limit in reply, limit in page) == (True, True)


def test_set_status_that_only_looks_done_goes_back_and_says_so(htmx, connected, sandbox):
    kept = {"id": OUTLOOK, "summary": "Outlook", "status": {"id": 102, "name": "In progress"}}
    sandbox.fail_next(Reply(200, kept), match=f"PATCH /v4_6_release/apis/3.0/service/tickets/{OUTLOOK}")

    reply = set_status(htmx, 103).content.decode()

    assert "selected>In progress</option>" in reply
    assert "ConnectWise kept the status" in reply
    assert 'hx-target="#toasts"' in reply


@pytest.mark.parametrize(("fault", "words"), [("403", "(edit)"), ("drop", "did not confirm")])
def test_set_status_that_failed_goes_back_and_says_so(htmx, connected, sandbox, fault, words):
    sandbox.fail_next(fault, match="PATCH")

    reply = set_status(htmx, 103).content.decode()

    assert "selected>In progress</option>" in reply
    assert words in reply


def test_set_status_whose_answer_was_lost_is_settled_by_looking(htmx, connected, sandbox):
    sandbox.fail_next("commit_then_drop", match="PATCH")

    reply = set_status(htmx, 103).content.decode()

    assert "selected>Waiting on customer</option>" in reply
    assert "data-toast" not in reply


@pytest.mark.parametrize("status_id", ["", "x", "-1", str(10**12)])
def test_set_status_to_no_status_changes_nothing(htmx, connected, sandbox, status_id):
    reply = set_status(htmx, status_id)

    assert (reply.status_code, reply["HX-Retarget"]) == (404, "#toasts")
    assert status_of(sandbox) == "In progress"


def test_notes_can_be_read_oldest_first(htmx, connected):
    notes = ask(htmx, "notes", order="oldest")

    assert notes.index("It asks for my password") < notes.index("MFA policy went live")


def test_related_tickets_say_what_they_share(htmx, connected):
    shown = ask(htmx, "related")

    assert "Same device" in shown
    assert f'/tickets/{OUTLOOK}"' not in shown


def test_opening_a_ticket_begins_what_its_panels_ask(htmx, connected, sandbox):
    ask(htmx, "ticket")
    ask(htmx, "notes")
    ask(htmx, "configurations")

    asked = [each.path.rpartition("/")[2] for each in sandbox.seen]
    assert (asked.count("allNotes"), asked.count("configurations")) == (1, 1)


def test_ticket_of_a_connectwise_that_is_down_is_as_last_seen(htmx, connected, sandbox):
    ask(htmx, "ticket")
    sandbox.fail_next("503html", times=20, match=TICKET)

    shown = ask(htmx, "ticket")

    assert "This is the ticket as of" in shown
    assert "Outlook keeps asking" in shown


def test_set_status_of_a_connectwise_that_is_down_waits_in_the_outbox(htmx, connected, sandbox):
    ask(htmx, "ticket")
    ask(htmx, "status-select")
    sandbox.fail_next("429", times=20)

    reply = set_status(htmx, 103).content.decode()

    assert "Waiting on customer waits for ConnectWise" in reply
    assert '<option value="102" selected>' in reply
    with account_scope(connected.id):
        assert PsaPost.objects.get(kind="status").payload["status_id"] == 103


def test_notes_hide_the_mark_by_which_they_are_found_again(htmx, connected, sandbox):
    note = next(iter(sandbox.store.tables.notes_of(OUTLOOK)))
    note["text"] = "Called back.\n\n[FP-01KAX5JE6Z8W3V4T2Q0R9S7M1N]"

    shown = ask(htmx, "notes")

    assert "Called back." in shown
    assert "[FP-" not in shown
