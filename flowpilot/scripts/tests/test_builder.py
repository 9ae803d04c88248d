"""The builder over Claude's loopback server, and without any AI."""

from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict, Invalid
from flowpilot.scripts import building, queries
from flowpilot.scripts.models import ScriptMessage, ScriptTemplate
from flowpilot.scripts.services import builder as services
from flowpilot.scripts.tests.factories import make_template

FIRST = "It lists the printers.\n\n```powershell\n$Server = 'NW-PRINT01'\nGet-Printer -ComputerName $Server\n```\n"
SECOND = "Sorted by name.\n\n```powershell\n$Server = 'NW-PRINT01'\nGet-Printer -ComputerName $Server | Sort-Object Name\n```\n"


@pytest.fixture
def ai(claude, settings):
    claude.reset()
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = claude.api_key, claude.base_url
    return claude


@pytest.fixture
def started(account, technician):
    with account_scope(account.id):
        return services.start_conversation(language="powershell", by=technician)


def _ask(account, conversation, person, text="List the printers of a server") -> ScriptMessage:
    with account_scope(account.id):
        message = services.ask_builder(conversation_id=conversation.id, text=text, by=person, client_key=uuid4())
    async_to_sync(building.answer)(account.id, message.id)
    with account_scope(account.id):
        return ScriptMessage.objects.get(pk=message.pk)


@pytest.mark.django_db(transaction=True)
class TestWithClaude:
    def test_an_answer_is_words_and_a_script(self, ai, account, started, technician):
        ai.answer(FIRST)

        message = _ask(account, started, technician)

        assert (message.status, message.answer) == ("done", "It lists the printers.")
        assert message.code.startswith("$Server")

    def test_the_prompt_and_the_history_carry_breakpoints(self, ai, account, started, technician):
        ai.answer(FIRST)
        ai.answer(SECOND)
        _ask(account, started, technician)
        _ask(account, started, technician, "Sort them")

        first, second = (each.body for each in ai.requests)
        assert first["system"] == second["system"]
        assert "PowerShell" in first["system"][0]["text"]
        assert "cache_control" in first["system"][0]
        assert second["messages"][1]["content"] in (FIRST, [{"type": "text", "text": FIRST}])
        assert "cache_control" in second["messages"][-1]["content"][-1]

    def test_a_failure_is_said_in_words_and_tried_again(self, ai, account, started, technician):
        ai.fail(400, "no")

        message = _ask(account, started, technician)

        assert (message.status, bool(message.error)) == ("failed", True)
        ai.answer(FIRST)
        with account_scope(account.id):
            services.retry_builder(conversation_id=started.id)
        async_to_sync(building.answer)(account.id, message.id)
        with account_scope(account.id):
            assert ScriptMessage.objects.get().status == "done"

    def test_an_answer_is_written_once(self, ai, account, started, technician):
        ai.answer(FIRST)
        message = _ask(account, started, technician)

        async_to_sync(building.answer)(account.id, message.id)

        assert len(ai.requests) == 1


@pytest.mark.usefixtures("scope")
class TestServices:
    def test_the_same_form_twice_is_one_message(self, started, technician):
        key = uuid4()
        for _ in range(2):
            services.ask_builder(conversation_id=started.id, text="List", by=technician, client_key=key)

        assert ScriptMessage.objects.count() == 1

    def test_one_message_is_answered_at_a_time(self, started, technician):
        services.ask_builder(conversation_id=started.id, text="List", by=technician, client_key=uuid4())

        with pytest.raises(Conflict, match="still writing"):
            services.ask_builder(conversation_id=started.id, text="Sort", by=technician, client_key=uuid4())

    def test_nothing_is_not_asked(self, started, technician):
        with pytest.raises(Invalid):
            services.ask_builder(conversation_id=started.id, text=" ", by=technician, client_key=uuid4())

    def _answered(self, conversation, person):
        return ScriptMessage.objects.create(
            conversation=conversation, number=1, author=person, client_key=uuid4(), text="List", status="done",
            raw_answer=FIRST, answer="It lists.", code="$Server = 'NW-PRINT01'\nGet-Printer -ComputerName $Server\n",
        )  # fmt: skip

    def test_saving_makes_a_draft_with_parameters(self, started, technician):
        self._answered(started, technician)

        template = services.save_built(conversation_id=started.id, number=1, by=technician)

        assert (template.status, [each.name for each in template.asks]) == ("draft", ["Server"])
        assert template.body == "Get-Printer -ComputerName $Server\n"

    def test_saving_again_is_the_next_version(self, started, technician):
        self._answered(started, technician)
        services.save_built(conversation_id=started.id, number=1, by=technician)

        template = services.save_built(conversation_id=started.id, number=1, by=technician)

        assert (template.version, ScriptTemplate.objects.count()) == (2, 1)

    def test_a_published_script_of_others_is_saved_beside_it(self, technician):
        template = make_template()
        conversation = services.start_conversation(language="", by=technician, template_id=template.id)
        self._answered(conversation, technician)

        kept = services.save_built(conversation_id=conversation.id, number=1, by=technician)

        assert kept.id != template.id
        assert [each.name for each in kept.asks] == ["PrinterName", "Server"]

    def test_a_version_without_a_script_is_not_saved(self, started, technician):
        with pytest.raises(Invalid):
            services.save_built(conversation_id=started.id, number=7, by=technician)

    def test_a_chat_on_a_template_starts_with_its_script(self, technician):
        template = make_template()

        conversation = services.start_conversation(language="", by=technician, template_id=template.id)

        assert (conversation.language, conversation.opening_code) == ("powershell", template.body)
        assert queries.conversations(technician) == [conversation]


def test_without_an_ai_the_builder_says_why(browse):
    page = browse.get(reverse("scripts:builder")).content.decode()

    assert "The builder needs an AI" in page
    assert "Write one by hand" in page


def test_a_chat_shows_its_versions_and_what_changed(browse, account, technician, started):
    with account_scope(account.id):
        for number, code in ((1, "Get-Printer\n"), (2, "Get-Printer | Sort-Object Name\n")):
            ScriptMessage.objects.create(
                conversation=started,
                number=number,
                author=technician,
                client_key=uuid4(),
                text="Go",
                status="done",
                code=code,
            )

    page = browse.get(started.get_absolute_url()).content.decode()
    first = browse.get(started.get_absolute_url(), {"version": "1"}).content.decode()

    assert "Changed in this version" in page
    assert "Save as template" in page
    assert "Changed in this version" not in first


def test_the_library_has_a_builder_beside_its_script(htmx, account, technician, template, ai):
    with account_scope(account.id):
        mine = services.start_conversation(language="", by=technician, template_id=template.id)

    shown = htmx.get(reverse("scripts:builder-pane", args=[template.id])).content.decode()
    assert "Describe a change" in shown
    assert mine.get_absolute_url() in shown


def test_the_builder_beside_a_script_says_why_it_is_away(htmx, template):
    shown = htmx.get(reverse("scripts:builder-pane", args=[template.id])).content.decode()

    assert "The builder needs an AI" in shown
    assert "Describe a change" not in shown
