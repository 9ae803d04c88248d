"""Finding sessions by words: through a view that is quick, shows one account only, and can only be read."""

import pytest
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from sessions.models import ChatSession
from sessions.outcome import apply_answer
from sessions.queries import ListFilter, Place, list_chats
from sessions.services import facts
from sessions.services.chats import rename_chat
from sessions.tests.factories import make_chat, make_fact, make_fix, make_turn


@pytest.fixture
def found(scope, technician):
    """Search, and return the titles that were found."""

    def search(text, **wanted):
        return [chat.title for chat in list_chats(ListFilter(text=text, **wanted), technician).chats]

    return search


@pytest.fixture
def printer(scope, technician):
    """A session with words of its own in every place that is searched."""
    chat = make_chat(
        title="Label printer offline",
        problem="Zebra shows amber",
        ticket_company="Northwind",
        ticket_id=48177,
        owner=technician,
    )
    make_fact(chat, "Spooler crashes with 0x8004010F on LT-114")
    make_fix(chat, "Reinstall the driver")
    apply_answer(make_turn(chat, status="done", text="It blinks twice", raw_answer="The firmware is outdated."))
    return chat


@pytest.mark.parametrize(
    "text",
    [
        *("printer", "PRINTERS", "zebra", "northwind", "0x8004010f", "LT-114", "reinstalled", "firmware", "blinks"),
        *("label zebra", '"amber"', "prin", "zebra firmw", "spooler OR nothing", "printer -outlook", "#48177", "48177"),
    ],
)
def test_a_session_is_found_by_its_words(found, printer, other_chat, text):
    assert found(text) == ["Label printer offline"]


@pytest.mark.parametrize(
    "text", ["toner", "printer toner", "printer -zebra", "99999", "the", "***", "' OR 1=1 --", "\\:*", "a & | !"]
)
def test_other_words_find_nothing(found, printer, other_chat, text):
    assert found(text) == []


def test_what_is_edited_is_found_by_its_new_words_only(found, printer, technician):
    fact = printer.facts.get()
    facts.edit_fact(chat_id=printer.id, fact_id=fact.id, text="Queue jams", by=technician)
    rename_chat(chat_id=printer.id, title="Receipt machine")

    assert (found("jams receipt"), found("crashes"), found("label")) == (["Receipt machine"], [], [])


def test_a_removed_fact_is_found_no_more_and_a_restored_one_again(found, printer):
    fact = printer.facts.get()
    facts.remove_fact(chat_id=printer.id, fact_id=fact.id)
    gone = found("spooler")
    facts.restore_fact(chat_id=printer.id, fact_id=fact.id)

    assert (gone, found("spooler")) == ([], ["Label printer offline"])


@pytest.mark.parametrize(
    ("wanted", "is_found"),
    [
        ({"is_mine": True}, True),
        ({"company": "Northwind"}, True),
        ({"company": "Contoso"}, False),
        ({"status": "active"}, True),
        ({"status": "resolved"}, False),
        ({"shown": "active"}, True),
        ({"shown": "recent"}, True),
    ],
)
def test_filters_narrow_what_is_found(found, printer, wanted, is_found):
    assert bool(found("printer", **wanted)) == is_found


def test_a_very_long_session_still_takes_words(scope):
    chat = make_chat(problem=" ".join(f"word{n}" for n in range(30_000)))
    for number in range(1, 4):
        make_turn(chat, status="done", answer=" ".join(f"{number}answer{n}" for n in range(20_000)))

    assert chat.turns.count() == 3


class TestPaging:
    @pytest.fixture
    def many(self, scope, technician):
        return [make_chat(title=f"Printer {n:03}", owner=technician) for n in range(120)]

    @pytest.mark.parametrize("text", ["", "printer"])
    def test_pages_hold_every_session_once_newest_first(self, many, technician, text):
        seen, after = [], None
        while True:
            page = list_chats(ListFilter(text=text), technician, after)
            seen += [chat.title for chat in page.chats]
            if page.after is None:
                break
            after = Place.read(str(page.after))

        assert seen == [chat.title for chat in reversed(many)]

    def test_the_next_page_follows_in_the_list(self, many, htmx):
        first = htmx.get(reverse("sessions:history"), {"q": "printer"}).content.decode()
        after = first.split("after=")[1].split('"')[0]
        second = htmx.get(f"{reverse('sessions:history')}?q=printer&after={after}").content.decode()

        assert (first.count('<a class="cover"'), second.count('<a class="cover"')) == (50, 50)
        assert "Printer 069" in second
        assert "<section" not in second

    @pytest.mark.parametrize("after", ["", "x", "2026_x", "_", "2026-01-01T00:00:00+00:00_", "\x00"])
    def test_a_place_that_cannot_be_is_the_first_page(self, printer, browse, after):
        assert "Label printer" in browse.get(reverse("sessions:history"), {"after": after}).content.decode()

    @pytest.mark.parametrize("text", ["", "printer"])
    def test_a_page_costs_as_many_queries_as_any(self, many, technician, django_assert_max_num_queries, text):
        with django_assert_max_num_queries(2):
            list_chats(ListFilter(text=text), technician)


class TestTheView:
    def test_shows_the_open_account_only(self, account, stranger, sql):
        with account_scope(account.id):
            make_chat(title="Ours")
        with account_scope(stranger.account_id):
            theirs = make_chat(title="Theirs")
            assert sql("SELECT array_agg(id) FROM session_search") == [theirs.id]

    def test_shows_nothing_without_a_scope(self, account, sql):
        with account_scope(account.id):
            make_chat()

        assert sql("SELECT count(*) FROM session_search") == 0

    def test_a_stranger_finds_no_words_of_ours(self, account, stranger):
        with account_scope(account.id):
            make_chat(title="Ours only")
        with account_scope(stranger.account_id):
            assert list_chats(ListFilter(text="ours"), stranger).chats == []

    def test_can_only_be_read(self, sql):
        assert sql("SELECT has_table_privilege('session_search', 'SELECT')")
        assert not sql("SELECT has_table_privilege('session_search', 'INSERT, UPDATE, DELETE, TRUNCATE')")

    def test_belongs_to_a_role_that_nobody_signs_in_as(self, sql):
        owner = "SELECT r.rolcanlogin FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.relname = 'session_search'"

        assert sql(owner) is False


def test_the_words_of_a_session_go_with_it(scope, sql, printer):
    ChatSession.objects.filter(pk=printer.pk).delete()

    assert sql("SELECT count(*) FROM session_documents WHERE chat_id = %s", printer.pk) == 0
