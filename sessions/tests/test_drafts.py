"""From a script of a session to a template of the library."""

import pytest
from django.urls import reverse

from flowpilot.accounts.permissions import NotYourRole
from flowpilot.accounts.preferences import set_setting
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict, Invalid
from flowpilot.scripts.models import ScriptTemplate
from flowpilot.scripts.queries import get_template
from flowpilot.scripts.templatizing import Proposal, read_proposals
from flowpilot.testing.fixtures import make_person
from sessions.models import ChatSession, DraftTemplate
from sessions.queries import drafts as queries
from sessions.services import drafts as services
from sessions.services import fixes as fix_services
from sessions.services import scripts as script_services
from sessions.tests.factories import make_fix

CODE = "$PrinterName = 'NW-ZEBRA-02'\nGet-Printer -Name $PrinterName\n"


@pytest.fixture
def admin(account):
    return make_person(account, "s.okafor@summit-it.example", name="S. Okafor", role="admin")


@pytest.fixture
def draft(account, ticket_chat, technician):
    """A script that ran in a session on a ticket, worked, and waits for review."""
    with account_scope(account.id):
        fix = make_fix(ticket_chat, "Look at the printer", script={"language": "powershell", "purpose": "look"})
        written = {"name": "Look at the printer", "language": "powershell", "code": CODE}
        generation = script_services.write_script(chat_id=ticket_chat.id, by=technician, **written)
        kept = {"keep": "draft_template", "code": "", "has_read": True, "by": technician}
        script_services.keep_script(chat_id=ticket_chat.id, generation_id=generation.id, **kept)
        script_services.mark_draft_run(chat_id=ticket_chat.id, generation_id=generation.id, by=technician)
        fix_services.record_outcome(
            chat_id=ticket_chat.id, fix_id=fix.id, outcome="success", reason="It prints", by=technician
        )
        return DraftTemplate.objects.get()


def _form(draft, **changes):
    blank = {
        "name": draft.name,
        "summary": "Shows a printer.",
        "tags": ["printing"],
        "proposals": read_proposals(draft.proposals),
    }
    return {**blank, **changes}


class TestReview:
    @pytest.fixture(autouse=True)
    def _scope(self, scope):
        pass

    def test_publishing_makes_a_template_with_its_provenance(self, draft, technician, admin):
        template = services.publish_draft(draft_id=draft.id, by=admin, **_form(draft))

        assert (template.status, template.source_user, template.source_ticket_ref) == ("published", technician, "48213")
        assert template.source_session_id == draft.source_session_id
        assert [each.name for each in template.asks] == ["PrinterName"]
        assert "NW-ZEBRA-02" not in template.body

    def test_the_run_of_its_session_is_its_first(self, draft, admin):
        template = services.publish_draft(draft_id=draft.id, by=admin, **_form(draft))

        kept = get_template(template.id)
        assert (kept.usage_count, kept.worked_count, kept.last_outcome) == (1, 1, "success")

    def test_an_engineer_does_not_publish(self, draft, technician):
        with pytest.raises(NotYourRole):
            services.publish_draft(draft_id=draft.id, by=technician, **_form(draft))

        assert not ScriptTemplate.objects.exists()

    def test_what_was_changed_is_kept_while_it_waits(self, draft):
        services.save_draft(draft_id=draft.id, **_form(draft, name="Show a printer"))

        assert (DraftTemplate.objects.get().name, queries.pending_count()) == ("Show a printer", 1)

    def test_a_name_that_cannot_be_is_refused(self, draft, admin):
        proposals = [Proposal("NW-ZEBRA-02", "PATH", is_on_top=True)]

        with pytest.raises(Invalid, match="cannot name a parameter"):
            services.publish_draft(draft_id=draft.id, by=admin, **_form(draft, proposals=proposals))

    def test_it_is_decided_once(self, draft, admin):
        services.publish_draft(draft_id=draft.id, by=admin, **_form(draft))

        with pytest.raises(Conflict):
            services.dismiss_draft(draft_id=draft.id, by=admin)
        assert ScriptTemplate.objects.count() == 1

    def test_dismissed_it_counts_no_more(self, draft, technician):
        services.dismiss_draft(draft_id=draft.id, by=technician)

        assert queries.pending_count() == 0

    def test_a_draft_of_another_is_dismissed_by_an_admin_only(self, draft, account):
        colleague = make_person(account, "k.lund@summit-it.example", name="K. Lund")

        with pytest.raises(NotYourRole):
            services.dismiss_draft(draft_id=draft.id, by=colleague)

    def test_the_difference_shows_what_goes(self, draft):
        difference, body = queries.draft_difference(draft)

        assert [line.text for line in difference.lines if line.kind == "del"] == ["$PrinterName = 'NW-ZEBRA-02'"]
        assert body == "Get-Printer -Name $PrinterName\n"

    def test_the_badge_costs_one_query(self, draft, django_assert_num_queries):
        with django_assert_num_queries(1):
            assert queries.pending_count() == 1


class TestPages:
    def test_the_sidebar_counts_what_waits(self, browse, draft):
        assert "1 script ready to review" in browse.get(reverse("home")).content.decode()

    def test_the_list_opens_the_first(self, browse, draft):
        page = browse.get(reverse("drafts:drafts"), follow=True).content.decode()

        assert "Turn “Look at the printer” into a template" in page
        assert "NW-ZEBRA-02" in page

    def test_an_engineer_is_told_who_publishes(self, browse, draft):
        page = browse.get(draft.get_absolute_url()).content.decode()

        assert "An admin of your account publishes it" in page
        assert reverse("drafts:publish-draft", args=[draft.id]) not in page

    def test_unticking_shows_what_stays(self, htmx, draft):
        body = {"name": "A", "p-name": ["PrinterName"], "p-kind": ["host"], "p-label": ["Printer"]}

        page = htmx.post(reverse("drafts:preview-draft", args=[draft.id]), body).content.decode()

        assert "+0" in page

    def test_publishing_from_the_form(self, client, admin, account, draft):
        client.force_login(admin)
        body = {
            "name": "Show a printer",
            "summary": "Shows it",
            "tags": "printing, queue",
            "p-use": ["0"],
            "p-name": ["x"],
        }
        body |= {"p-kind": ["text"], "p-label": ["Which printer"]}

        reply = client.post(reverse("drafts:publish-draft", args=[draft.id]), body)

        assert reply.url == reverse("drafts:drafts")
        with account_scope(account.id):
            template = ScriptTemplate.objects.get()
            assert (template.name, template.tags) == ("Show a printer", ["printing", "queue"])
            assert [(each.name, each.kind, each.label) for each in template.asks] == [
                ("PrinterName", "text", "Which printer")
            ]

    def test_a_secret_value_is_not_shown_in_the_review(self, browse, account, draft):
        with account_scope(account.id):
            draft.proposals = [Proposal("Winter2026!", "AdminPassword", "secret", is_on_top=True).as_json()]
            draft.save()

        assert "a secret" in browse.get(draft.get_absolute_url()).content.decode()

    def test_a_resolved_session_offers_its_drafts(self, htmx, account, draft):
        with account_scope(account.id):
            ChatSession.objects.update(status="resolved")

        page = htmx.get(reverse("sessions:script-panel", args=[draft.source_session_id])).content.decode()

        assert "into a template" in page

    def test_an_account_that_only_counts_is_not_asked(self, htmx, account, draft):
        with account_scope(account.id):
            ChatSession.objects.update(status="resolved")
            set_setting(account, "scripts.after_resolve", "count")

        page = htmx.get(reverse("sessions:script-panel", args=[draft.source_session_id])).content.decode()

        assert page.strip() == ""

    def test_asking_the_ai_without_one_is_refused_in_words(self, htmx, draft):
        assert htmx.post(reverse("drafts:suggest-draft", args=[draft.id])).status_code == 503


class TestAfterResolve:
    @pytest.fixture
    def resolved(self, account, draft, ticket_chat):
        with account_scope(account.id):
            ChatSession.objects.filter(pk=ticket_chat.id).update(status="resolved")
        return reverse("sessions:chat", args=[ticket_chat.id])

    def test_the_lane_lists_what_waits_and_says_how_it_ended(self, resolved, client, technician):
        client.force_login(technician)
        page = client.get(resolved).content.decode()

        assert "1 script ready to turn into a template" in page
        assert "Worked, It prints" in page

    def test_an_account_that_only_counts_sees_no_list(self, resolved, client, technician, account):
        with account_scope(account.id):
            set_setting(account, "scripts.after_resolve", "count")
        client.force_login(technician)
        page = client.get(resolved).content.decode()

        assert "ready to turn into" not in page
        assert "How it ended" in page
