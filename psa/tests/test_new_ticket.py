import json
from uuid import uuid4

import pytest
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from flowpilot.providers.ai.breaker import breaker
from psa.models import TicketRequest
from psa.reading import SCHEMA

MAIL = (
    "From: Maria Adeyemi <m.adeyemi@contoso.example>\nSubject: Outlook shared mailbox is gone\n"
    "Board: Network\nPriority: Critical\n\nHi,\nthe shared mailbox is gone since this morning."
)


def fill(client, **posted):
    return client.post(reverse("psa:fill-ticket"), {"client_key": uuid4(), **posted}).content.decode()


def create(client, key=None, **posted):
    form = {"summary": "Scanner hums", "company": "301", "board": "1", "client_key": key or uuid4()}
    return client.post(reverse("psa:create-ticket"), form | posted)


def made(sandbox, summary="Scanner hums"):
    return [each for each in sandbox.store.tables.tickets.values() if each["summary"] == summary]


def test_new_ticket_is_a_dialog_over_the_list(htmx, connected):
    shown = htmx.get(reverse("psa:new-ticket")).content.decode()

    assert "<dialog" in shown
    assert "Service desk" in shown


def test_new_ticket_without_script_is_a_page(browse, connected):
    assert "<html" in browse.get(reverse("psa:new-ticket")).content.decode()


def test_what_is_for_browsers_without_script_is_not_sent_to_htmx(htmx, connected):
    """A piece is parsed as if there were no script, so a field in a noscript would be sent with the form."""
    assert "noscript" not in fill(htmx)


def test_a_pasted_text_fills_the_fields_by_rules_and_says_so(htmx, connected, sandbox):
    before = len(sandbox.store.tables.tickets)

    shown = fill(htmx, raw=MAIL)

    assert "Read by fixed rules, not by AI" in shown
    assert 'value="Outlook shared mailbox is gone"' in shown
    assert '<option value="2" selected>Network' in shown
    assert '<option value="4" selected>Priority 1' in shown
    assert 'value="301"' in shown
    assert "55%, check" in shown
    assert len(sandbox.store.tables.tickets) == before


def test_what_the_text_does_not_say_is_marked(htmx, connected):
    assert "Not found" in fill(htmx, raw="The scanner on the second floor hums loudly since Monday.")


def test_what_the_person_typed_is_not_overwritten(htmx, connected):
    shown = fill(htmx, raw=MAIL, summary="My own words", was_summary="")

    assert 'name="summary" value="My own words"' in shown
    assert 'name="locked" value="summary"' in shown


def test_what_was_filled_in_follows_a_new_text(htmx, connected):
    shown = fill(htmx, raw=MAIL, summary="Old words", was_summary="Old words")

    assert 'name="summary" value="Outlook shared mailbox is gone"' in shown


def test_the_same_text_is_read_once(htmx, connected):
    first = fill(htmx, raw=MAIL)
    digest = first.partition('name="digest" value="')[2].partition('"')[0]

    shown = fill(htmx, raw=MAIL, digest=digest, summary="", was_summary="")

    assert 'name="summary" value=""' in shown


def test_tickets_that_it_may_repeat_are_shown(htmx, connected):
    shown = fill(htmx, company="301", summary="Outlook keeps asking for a password again", was_summary="")

    assert "Possible duplicate" in shown
    assert "#48213" in shown


def test_create_makes_a_ticket(htmx, connected, sandbox):
    reply = create(htmx, priority="6", description="Since Monday.")

    (ticket,) = made(sandbox)
    assert reply["HX-Redirect"] == reverse("psa:ticket", args=[ticket["id"]])
    assert (ticket["company"]["id"], ticket["board"]["id"], ticket["priority"]["id"]) == (301, 1, 6)


def test_create_goes_on_to_a_session(htmx, connected, sandbox):
    reply = create(htmx, start="1").content.decode()

    assert reverse("sessions:start-from-ticket", args=[made(sandbox)[0]["id"]]) in reply


def test_the_same_form_twice_is_one_ticket(htmx, connected, sandbox):
    key = uuid4()
    first, second = create(htmx, key), create(htmx, key)

    assert len(made(sandbox)) == 1
    assert first["HX-Redirect"] == second["HX-Redirect"]


@pytest.mark.parametrize("fault", ["commit_then_drop", "drop"])
def test_a_ticket_whose_answer_was_lost_is_never_doubled(htmx, connected, sandbox, fault):
    key = uuid4()
    sandbox.fail_next(fault, match="POST /v4_6_release/apis/3.0/service/tickets")

    replies = [create(htmx, key), create(htmx, key)]

    assert len(made(sandbox)) == (1 if fault == "commit_then_drop" else 0)
    assert replies[1].status_code == (200 if fault == "commit_then_drop" else 503)


def test_a_ticket_that_did_not_arrive_is_made_after_the_settle_time(htmx, connected, sandbox, settings):
    key = uuid4()
    sandbox.fail_next("drop", match="POST /v4_6_release/apis/3.0/service/tickets")
    create(htmx, key)
    settings.PSA_SETTLE_SECONDS = 0

    create(htmx, key)

    assert len(made(sandbox)) == 1


@pytest.mark.parametrize(
    ("posted", "words"),
    [
        ({"summary": ""}, "summary"),
        ({"summary": "x" * 101}, "101 characters"),
        ({"company": ""}, "company"),
        ({"board": ""}, "board"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_made(htmx, connected, sandbox, posted, words):
    before = len(sandbox.store.tables.tickets)

    reply = create(htmx, **posted)

    assert reply.status_code == 422
    assert words in reply.content.decode()
    assert len(sandbox.store.tables.tickets) == before


def test_a_missing_permission_is_named(htmx, connected, sandbox):
    sandbox.fail_next("403", match="POST")

    reply = create(htmx)

    assert reply.status_code == 403
    assert "(add)" in reply.content.decode()
    with account_scope(connected.id):
        assert TicketRequest.objects.get().state == "refused"


def test_companies_are_found_by_typing(htmx, connected):
    shown = htmx.get(reverse("psa:find-company"), {"find": "fabri"}).content.decode()

    assert "Fabrikam" in shown
    assert "Contoso" not in shown


class TestByAi:
    """The same text, read by a model: it fills fields and nothing else."""

    @pytest.fixture
    def ai(self, claude, settings):
        claude.reset()
        breaker.reset()
        settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = claude.api_key, claude.base_url
        return claude

    def answer(self, **fields):
        said = {name: {"value": "", "confidence": 0, "note": ""} for name in SCHEMA["required"]}
        return json.dumps(
            said | {name: {"value": value, "confidence": 62, "note": ""} for name, value in fields.items()}
        )

    def test_its_fields_show_how_sure_it_is(self, ai, htmx, connected):
        ai.answer(self.answer(summary="Shared mailbox is gone", company="Contoso", board="Network"))
        shown = fill(htmx, raw=MAIL)

        assert 'value="Shared mailbox is gone"' in shown
        assert "62%, check" in shown
        assert "Read by fixed rules" not in shown

    def test_the_text_is_fenced_and_its_secrets_masked(self, ai, htmx, connected):
        ai.answer(self.answer(summary="Shared mailbox is gone"))
        fill(htmx, raw=f"{MAIL}\nMy password is Sommer-2026!")

        sent = str(ai.requests[0].body["messages"])
        assert '<untrusted name="pasted text">' in sent
        assert "Sommer-2026" not in sent

    def test_what_the_person_typed_stays(self, ai, htmx, connected):
        ai.answer(self.answer(summary="Shared mailbox is gone"))

        assert 'value="My own words"' in fill(htmx, raw=MAIL, summary="My own words", locked="summary")

    def test_nothing_is_created(self, ai, htmx, connected, sandbox):
        before = len(sandbox.store.tables.tickets)
        ai.answer(self.answer(summary="Shared mailbox is gone"))
        fill(htmx, raw=MAIL)

        assert len(sandbox.store.tables.tickets) == before

    def test_where_it_fails_rules_read_and_say_why(self, ai, htmx, connected):
        ai.fail(401)
        shown = fill(htmx, raw=MAIL)

        assert "Read by fixed rules, not by AI" in shown
        assert "The AI key was not accepted" in shown
