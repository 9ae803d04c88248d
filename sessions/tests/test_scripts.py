"""Scripts in a session: prepared, run, drafted, kept."""

import logging

import pytest
from django.core.cache import cache
from django.db import connection
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict, Invalid
from flowpilot.scripts.models import ScriptTemplate
from flowpilot.scripts.parameters import Parameter
from flowpilot.scripts.queries import published_templates
from flowpilot.scripts.rendering import MASK
from flowpilot.scripts.tests.factories import PRINTER, make_template
from sessions import queries
from sessions.models import ChatSession, DraftTemplate, ScriptGeneration
from sessions.queries import drafts
from sessions.services import fixes as fix_services
from sessions.services import scripts as services
from sessions.tests.factories import make_fact, make_fix

CANARY = "canary-7Q-hunter2"
PRINT = {"PrinterName": "NW-ZEBRA-02"}
DRAFT = "$PrinterName = 'NW-ZEBRA-02'\nGet-Printer -Name $PrinterName\n"


@pytest.fixture
def template(account):
    with account_scope(account.id):
        return make_template(name="Print a test page")


@pytest.fixture
def fix(account, chat):
    with account_scope(account.id):
        return make_fix(chat, "Print a test page", script={"language": "powershell", "purpose": "print a test page"})


@pytest.fixture
def drafted(account, chat, fix, technician):
    with account_scope(account.id):
        return services.write_script(chat_id=chat.id, name="Look", language="powershell", code=DRAFT, by=technician)


def _version(chat):
    return ChatSession.objects.get(pk=chat.pk).state_version


class TestLibraryScript:
    @pytest.fixture(autouse=True)
    def _scope(self, scope):
        pass

    def test_preparing_keeps_the_values_and_moves_the_version(self, chat, fix, template, technician):
        generation, code = services.prepare_script(chat_id=chat.id, template_id=template.id, raw=PRINT, by=technician)

        assert "$PrinterName = 'NW-ZEBRA-02'" in code
        assert (generation.fix, generation.values, generation.ran_at) == (fix, PRINT, None)
        assert _version(chat) == chat.state_version + 1

    def test_preparing_again_is_the_same_script(self, chat, template, technician):
        for name in ("A", "B"):
            services.prepare_script(chat_id=chat.id, template_id=template.id, raw={"PrinterName": name}, by=technician)

        assert ScriptGeneration.objects.get().values == {"PrinterName": "B"}

    def test_a_value_that_does_not_fit_keeps_nothing(self, chat, template, technician):
        with pytest.raises(Invalid, match="Printer is needed"):
            services.prepare_script(chat_id=chat.id, template_id=template.id, raw={}, by=technician)

        assert not ScriptGeneration.objects.exists()

    def test_marking_it_as_run_applies_the_fix_and_counts_once(self, chat, fix, template, technician):
        services.mark_script_run(chat_id=chat.id, template_id=template.id, raw=PRINT, by=technician)

        fix.refresh_from_db()
        assert (fix.outcome, fix.user_decision, fix.applied_at is not None) == ("verifying", "one_off", True)
        assert ScriptTemplate.objects.get().usage_count == 1

    def test_a_second_click_counts_nothing(self, chat, template, technician):
        services.mark_script_run(chat_id=chat.id, template_id=template.id, raw=PRINT, by=technician)

        with pytest.raises(Conflict, match="a moment ago"):
            services.mark_script_run(chat_id=chat.id, template_id=template.id, raw=PRINT, by=technician)
        assert ScriptTemplate.objects.get().usage_count == 1

    @pytest.mark.parametrize(("outcome", "worked", "failed"), [("success", 1, 0), ("failed", 0, 1), ("partial", 0, 0)])
    def test_the_outcome_of_the_fix_is_that_of_its_script(
        self, outcome, worked, failed, chat, fix, template, technician
    ):
        services.mark_script_run(chat_id=chat.id, template_id=template.id, raw=PRINT, by=technician)

        fix_services.record_outcome(chat_id=chat.id, fix_id=fix.id, outcome=outcome, reason="So it was", by=technician)

        kept = ScriptTemplate.objects.get()
        assert (kept.worked_count, kept.failed_count, kept.last_outcome) == (worked, failed, outcome)
        assert ScriptGeneration.objects.get().outcome == outcome

    def test_a_script_without_a_fix_has_an_outcome_of_its_own(self, other_chat, template, technician):
        run = services.mark_script_run(chat_id=other_chat.id, template_id=template.id, raw=PRINT, by=technician)

        services.record_script_outcome(chat_id=other_chat.id, generation_id=run.id, outcome="success")

        assert ScriptTemplate.objects.get().worked_count == 1
        with pytest.raises(Conflict):
            services.record_script_outcome(chat_id=other_chat.id, generation_id=run.id, outcome="failed")

    def test_a_starter_can_be_run_at_once(self, chat, technician):
        starter = next(each for each in published_templates() if not each.asks[1:])

        services.mark_script_run(
            chat_id=chat.id, template_id=starter.id, raw={starter.asks[0].name: "20"}, by=technician
        )

        assert ScriptTemplate.objects.get(pk=starter.id).usage_count == 1

    def test_a_closed_session_takes_no_script(self, chat, template, technician):
        ChatSession.objects.filter(pk=chat.pk).update(status="resolved")

        with pytest.raises(Conflict):
            services.prepare_script(chat_id=chat.id, template_id=template.id, raw=PRINT, by=technician)

    def test_what_ran_is_told_for_the_note(self, chat, template, technician):
        services.prepare_script(chat_id=chat.id, template_id=template.id, raw=PRINT, by=technician)
        assert queries.scripts_run(chat) == []

        services.mark_script_run(chat_id=chat.id, template_id=template.id, raw=PRINT, by=technician)
        assert [each.told for each in queries.scripts_run(chat)] == ["Print a test page, v1 (PrinterName NW-ZEBRA-02)"]

    def test_the_note_says_what_ran_and_how_it_ended(self, chat, fix, template, technician):
        services.mark_script_run(chat_id=chat.id, template_id=template.id, raw=PRINT, by=technician)
        fix_services.record_outcome(chat_id=chat.id, fix_id=fix.id, outcome="success", reason="", by=technician)
        chat.refresh_from_db()

        note = queries.reading(chat, "resolution").markdown

        assert "Print a test page, v1 (PrinterName NW-ZEBRA-02): ran, worked" in note


class TestDraftedScript:
    @pytest.fixture(autouse=True)
    def _scope(self, scope):
        pass

    def _keep(self, drafted, technician, keep="draft_template", **changes):
        asked = {"keep": keep, "code": "", "has_read": True, **changes}
        return services.keep_script(chat_id=drafted.chat_id, generation_id=drafted.id, by=technician, **asked)

    def test_it_is_not_copied_unread(self, drafted, technician):
        with pytest.raises(Invalid, match="tick that you have"):
            self._keep(drafted, technician, has_read=False)

    def test_used_once_it_counts_as_applied(self, drafted, fix, technician):
        self._keep(drafted, technician, "one_off")

        fix.refresh_from_db()
        assert (fix.user_decision, fix.outcome) == ("one_off", "verifying")
        assert not DraftTemplate.objects.exists()

    def test_saved_as_a_draft_it_waits_with_parameters_found(self, drafted, fix, technician):
        self._keep(drafted, technician)

        draft = DraftTemplate.objects.get()
        fix.refresh_from_db()
        assert (fix.user_decision, fix.outcome) == ("draft_template", "none")
        assert [each["name"] for each in draft.proposals] == ["PrinterName"]

    def test_saved_twice_it_waits_once(self, drafted, technician):
        self._keep(drafted, technician)
        self._keep(drafted, technician)

        assert DraftTemplate.objects.count() == 1

    def test_what_was_edited_is_what_is_kept(self, drafted, technician):
        self._keep(drafted, technician, code="Get-Date\n")

        assert DraftTemplate.objects.get().code == "Get-Date\n"

    def test_saved_and_then_run_it_applies_the_fix(self, drafted, fix, technician):
        self._keep(drafted, technician)
        services.mark_draft_run(chat_id=drafted.chat_id, generation_id=drafted.id, by=technician)

        fix.refresh_from_db()
        assert (fix.user_decision, fix.outcome) == ("draft_template", "verifying")

    def test_what_ran_is_not_edited(self, drafted, technician):
        services.mark_draft_run(chat_id=drafted.chat_id, generation_id=drafted.id, by=technician)

        with pytest.raises(Conflict, match="ran already"):
            services.edit_script(chat_id=drafted.chat_id, generation_id=drafted.id, code="Get-Date")

    def test_what_helped_once_can_be_offered_after_all(self, drafted, fix, technician):
        self._keep(drafted, technician, "one_off")
        fix_services.record_outcome(chat_id=drafted.chat_id, fix_id=fix.id, outcome="success", reason="", by=technician)
        ChatSession.objects.filter(pk=drafted.chat_id).update(status="resolved")
        assert drafts.scripts_to_offer(drafted.chat) == [drafted]

        services.offer_script(chat_id=drafted.chat_id, generation_id=drafted.id, by=technician)

        assert DraftTemplate.objects.get().is_pending
        assert drafts.scripts_to_offer(drafted.chat) == []


class TestPanel:
    def test_the_best_match_opens_filled_with_its_sources(self, htmx, account, chat, fix, template):
        with account_scope(account.id):
            make_fact(chat, "Printer is NW-ZEBRA-02", source_type="question")

        page = htmx.get(reverse("sessions:script-panel", args=[chat.id])).content.decode()

        assert "Print a test page" in page
        assert 'value="NW-ZEBRA-02"' in page
        assert "Answer" in page
        assert "% match" in page

    def test_the_fix_says_that_a_script_matches(self, browse, account, chat, fix, template):
        page = browse.get(chat.get_absolute_url()).content.decode()

        assert "Filled 0 of 1" in page

    def test_without_an_ai_the_card_says_why_none_is_drafted(self, htmx, account, other_chat):
        with account_scope(account.id):
            make_fix(other_chat, "Replace the toner", script={"language": "powershell", "purpose": "toner"})

        page = htmx.get(reverse("sessions:script-panel", args=[other_chat.id])).content.decode()

        assert "No AI can draft one now" in page
        assert "Write or paste one" in page
        assert "Draft one for this fix" not in page

    def test_drafting_without_an_ai_is_refused_in_words(self, htmx, chat, fix):
        reply = htmx.post(reverse("sessions:draft-script", args=[chat.id]))

        assert (reply.status_code, "No AI can write a script now" in reply.content.decode()) == (503, True)

    def test_a_pasted_script_shows_its_risks(self, htmx, chat):
        body = {"name": "Away", "language": "powershell", "code": "Restart-Computer -Force"}

        page = htmx.post(reverse("sessions:write-script", args=[chat.id]), body).content.decode()

        assert "Restarts or switches off the machine" in page

    def test_a_page_without_script_shows_the_card_too(self, browse, chat, fix, template):
        assert "Print a test page" in browse.get(reverse("sessions:script-panel", args=[chat.id])).content.decode()

    def test_marking_as_run_redraws_the_panels_and_the_card(self, htmx, chat, fix, template):
        url = reverse("sessions:mark-script-run", args=[chat.id, template.id])

        page = htmx.post(url, {"value-PrinterName": "NW-ZEBRA-02"}).content.decode()

        assert 'hx-target="#lane-fix"' in page
        assert 'hx-target="#script-slot"' in page
        assert "verifying" in page


def test_a_secret_is_in_the_copy_and_nowhere_else(client, technician, account, chat, caplog, sql):
    """The canary: no table, no cache, no log line, no note and no page holds it."""
    caplog.set_level(logging.DEBUG)
    client.force_login(technician)
    with account_scope(account.id):
        secret = Parameter("ApiToken", "secret", label="Token")
        template = make_template(
            name="Ask the API", body="Invoke-RestMethod $ApiToken\n", parameters=[PRINTER.as_json(), secret.as_json()]
        )
        make_fix(chat, "Ask the API")
    body = {"value-PrinterName": "NW-ZEBRA-02", "value-ApiToken": CANARY}

    def post(name):
        return client.post(
            reverse(f"sessions:{name}", args=[chat.id, template.id]), body, headers={"HX-Request": "true"}
        )

    copied = post("copy-script").content.decode()
    others = [post(name).content.decode() for name in ("preview-script", "mark-script-run")]
    pages = [client.get(chat.get_absolute_url()), client.get(reverse("sessions:resolution", args=[chat.id]))]

    with account_scope(account.id):
        chat.refresh_from_db()
        note = queries.reading(chat, "resolution").markdown

    assert CANARY in copied
    assert "PrinterName NW-ZEBRA-02" in note, note[300:900]
    assert CANARY not in note
    assert MASK in note.replace("\\*", "*")
    with account_scope(account.id):
        generation = ScriptGeneration.objects.get()
        assert generation.values["ApiToken"] == MASK
        assert MASK in generation.rendered
        assert _tables_holding(CANARY) == []
    assert all(CANARY not in text for text in others)
    assert all(CANARY not in page.content.decode() for page in pages)
    assert CANARY not in caplog.text
    assert CANARY not in repr(cache._cache)


def _tables_holding(text) -> list[str]:
    """Return the tables of which any row, printed whole, holds a text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(
                f"SELECT count(*) FROM {connection.ops.quote_name(table)} each WHERE each::text LIKE %s", [f"%{text}%"]
            )
            found += [table] if cursor.fetchone()[0] else []
    return found


def test_the_canary_would_be_found(account, scope, chat):
    make_fact(chat, CANARY)

    assert "session_facts" in _tables_holding(CANARY)


def test_the_panel_costs_no_more_queries_with_more_templates(
    htmx, account, chat, fix, template, django_assert_max_num_queries
):
    url = reverse("sessions:script-panel", args=[chat.id])
    with account_scope(account.id):
        for at in range(20):
            make_template(name=f"Another script {at}")

    with django_assert_max_num_queries(40):
        htmx.get(url)


def test_a_script_of_another_session_is_not_found(htmx, account, drafted, other_chat):
    assert htmx.get(reverse("sessions:script-draft", args=[other_chat.id, drafted.id])).status_code == 404


def test_decisions_are_those_of_the_product():
    assert {each.value for each in services.KEEPS.values()} == {"one_off", "draft_template", "build_template"}
