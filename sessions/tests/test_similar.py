"""Sessions like the one at hand, and bringing over what helped there."""

import pytest
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict
from sessions.queries import similar
from sessions.services import bringing as services
from sessions.tests.factories import at, make_chat, make_fact, make_fix, make_item, make_turn

TEXT = "Outlook asks for a password after the token expired"


@pytest.fixture
def past(scope):
    """A resolved session with a check that was made and a fix that worked."""
    check = make_item("Look at the token", kind="action", state="done", answer="Expired", answered_by="S. Okafor")
    chat = make_chat(
        title="Outlook password loop", problem="Password prompt, token", pending_task_lane=[check], status="resolved"
    )
    at(make_fix(chat, "Clear the stale token"), "success")
    return chat


@pytest.fixture
def here(scope, technician):
    return make_chat(title="Outlook password prompt", owner=technician, ticket_company="Contoso", ticket_id=1)


@pytest.mark.usefixtures("scope")
class TestFinding:
    def test_a_session_with_the_same_words_shows_what_came_of_it(self, past):
        (found,) = similar(TEXT)

        assert (found.chat, found.has_worked, found.fix.title) == (past, True, "Clear the stale token")
        assert [item["text"] for item in found.checks] == ["Look at the token"]

    @pytest.mark.parametrize("text", ["", "   ", "the", "out", "It is on and off", "Scanner jams with paper tray"])
    def test_nothing_in_common_finds_nothing(self, past, text):
        assert similar(text) == []

    def test_the_session_itself_is_not_like_itself(self, past, here):
        assert [each.chat for each in similar(TEXT, chat=here)] == [past]

    def test_the_same_company_comes_first(self, past, here):
        near = make_chat(title="Password token", ticket_company="Contoso")

        assert [(each.chat, each.is_same_company) for each in similar(TEXT, chat=here)] == [(near, True), (past, False)]

    def test_the_same_device_comes_before_the_same_company(self, here):
        make_fact(here, "LT-114, Laptop, Windows 11", source_type="ticket", source_ref="configuration:1")
        company = make_chat(title="Outlook password token prompt", ticket_company="Contoso")
        device = make_chat(title="Outlook password token", ticket_company="Contoso")
        make_fact(device, "LT-114, Laptop")

        assert [each.chat for each in similar(TEXT, chat=here)] == [device, company]

    def test_more_sessions_cost_no_more_queries(self, past, here, django_assert_num_queries):
        for _ in range(20):
            make_fix(make_chat(title="Outlook password token"), outcome="failed")

        with django_assert_num_queries(7):
            assert len(similar(TEXT, chat=here)) == 4


@pytest.mark.usefixtures("scope")
class TestBringing:
    def test_a_fix_becomes_the_suggested_one_with_where_it_is_from(self, past, here):
        old = make_fix(here, "Older idea")
        services.bring_fix(chat_id=here.id, fix_id=past.fixes.get().id)

        fix = here.fixes.get(superseded_at=None)
        assert (fix.title, fix.outcome, fix.user_decision) == ("Clear the stale token", "none", "pending")
        assert fix.rationale.startswith("It worked in “Outlook password loop”.")
        old.refresh_from_db()
        assert old.superseded_at

    def test_a_fix_that_is_being_tried_is_not_pushed_aside(self, past, here):
        at(make_fix(here, "Being tried"), "verifying")
        with pytest.raises(Conflict, match="being tried"):
            services.bring_fix(chat_id=here.id, fix_id=past.fixes.get().id)

    def test_a_check_lands_open_in_the_lane_once(self, past, here):
        item = past.pending_task_lane[0]["id"]
        after = services.bring_check(chat_id=here.id, from_id=past.id, item_id=item)

        (task,) = after.pending_task_lane
        assert (task["text"], task["state"], task["answer"]) == ("Look at the token", "open", "")
        assert task["id"] != item
        with pytest.raises(Conflict, match="in the lane already"):
            services.bring_check(chat_id=here.id, from_id=past.id, item_id=item)

    def test_nothing_is_brought_to_a_closed_session(self, past, here):
        here.status = "resolved"
        here.save()
        with pytest.raises(Conflict, match="closed"):
            services.bring_fix(chat_id=here.id, fix_id=past.fixes.get().id)


def test_the_start_page_shows_similar_sessions_while_one_types(htmx, account, past):
    html = htmx.post(reverse("sessions:similar"), {"text": TEXT}).content.decode()

    assert "Outlook password loop" in html
    assert "Worked: Clear the stale token" in html
    assert "hx-post" not in html


def test_a_session_offers_what_helped_until_something_was_said(htmx, account, past, here):
    url = reverse("sessions:similar-here", args=[here.id])
    before = htmx.post(url, {"text": ""}).content.decode()
    with account_scope(account.id):
        make_turn(here)

    assert 'aria-keyshortcuts="b"' in before
    assert 'aria-keyshortcuts="Shift+B"' in before
    assert htmx.post(url, {"text": ""}).content.decode().strip() == ""
    assert "Use fix" in htmx.post(url, {"text": TEXT}).content.decode()
