"""Finding sessions by words: through a view that is quick, shows one account only, and can only be read."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from flowpilot.accounts.scope import account_scope
from sessions.models import ChatSession
from sessions.outcome import apply_answer
from sessions.queries import ListFilter, Place, list_chats, similar
from sessions.queries.search import NEWEST
from sessions.services import facts
from sessions.services.chats import rename_chat
from sessions.tests.factories import make_chat, make_fact, make_fix, make_turn

CROWD = """
    INSERT INTO ai_sessions SELECT (jsonb_populate_record(pattern, jsonb_build_object(
        'id', gen_random_uuid(), 'title', 'Quiet', 'problem', '', 'created_at', now() - number * interval '1 second'))).*
    FROM generate_series(1, %(size)s) AS number, (SELECT pattern FROM ai_sessions pattern WHERE id = %(pattern)s) AS patterns (pattern)
"""


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

    @pytest.mark.parametrize("after", ["", "x", "2026_x", "_", "2026-01-01T00:00:00+00:00_"])
    def test_a_place_that_cannot_be_is_the_first_page(self, printer, browse, after):
        assert "Label printer" in browse.get(reverse("sessions:history"), {"after": after}).content.decode()

    @pytest.mark.parametrize("text", ["", "printer"])
    def test_a_page_costs_as_many_queries_as_any(self, many, technician, django_assert_max_num_queries, text):
        with django_assert_max_num_queries(2):
            list_chats(ListFilter(text=text), technician)


class TestBehindTheNewest:
    """What is older than the newest sessions, which are looked at first."""

    @pytest.fixture
    def old(self, scope):
        """Two sessions with 2,000 newer ones before them, one of which has the same words."""
        sessions = [make_chat(title=f"Zebra {n}", problem="A striped animal, loose") for n in range(3)]
        old, new = sessions[:2], sessions[2]
        ChatSession.objects.filter(pk__in=[chat.pk for chat in old]).update(created_at=timezone.now() - timedelta(9))
        with connection.cursor() as cursor:
            cursor.execute(CROWD, {"pattern": new.pk, "size": NEWEST})
        return old

    def test_is_found_at_once_where_nothing_newer_is(self, found, old):
        ChatSession.objects.filter(title="Zebra 2").delete()

        assert sorted(found("zebra animal")) == ["Zebra 0", "Zebra 1"]

    def test_follows_what_is_newer(self, old, technician):
        wanted = ListFilter(text="zebra animal")
        first = list_chats(wanted, technician)
        second = list_chats(wanted, technician, first.after)

        assert ([chat.title for chat in first.chats], first.is_short) == (["Zebra 2"], True)
        assert ({chat.title for chat in second.chats}, second.after) == ({"Zebra 0", "Zebra 1"}, None)

    def test_is_fetched_by_the_page_itself(self, old, browse):
        html = browse.get(reverse("sessions:history"), {"q": "zebra"}).content.decode()

        assert re.search(r'hx-get="[^"]+after=[^"]+" hx-trigger="load"', html)

    def test_that_holds_nothing_adds_nothing(self, old, browse, technician):
        after = list_chats(ListFilter(text="loose"), technician).after
        ChatSession.objects.filter(pk__in=[chat.pk for chat in old]).delete()
        query = {"q": "loose", "after": str(after)}
        html = browse.get(reverse("sessions:history"), query, headers={"HX-Request": "true"}).content.decode()

        assert html.strip() == ""

    def test_is_like_the_one_at_hand_where_too_few_newer_ones_are(self, old):
        assert {each.chat.title for each in similar("A striped animal is loose")} == {"Zebra 0", "Zebra 1", "Zebra 2"}


@pytest.mark.parametrize("view", ["session_search", "session_newest"])
class TestTheViews:
    def test_show_the_open_account_only(self, account, stranger, sql, view):
        with account_scope(account.id):
            make_chat(title="Ours")
        with account_scope(stranger.account_id):
            theirs = make_chat(title="Theirs")
            assert sql(f"SELECT array_agg(id) FROM {view}") == [theirs.id]

    def test_show_nothing_without_a_scope(self, account, sql, view):
        with account_scope(account.id):
            make_chat()

        assert sql(f"SELECT count(*) FROM {view}") == 0

    def test_can_only_be_read(self, sql, view):
        assert sql(f"SELECT has_table_privilege('{view}', 'SELECT')")
        assert not sql(f"SELECT has_table_privilege('{view}', 'INSERT, UPDATE, DELETE, TRUNCATE')")

    def test_belong_to_a_role_that_nobody_signs_in_as(self, sql, view):
        owner = "SELECT r.rolcanlogin FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.relname = %s"

        assert sql(owner, view) is False


def test_a_stranger_finds_no_words_of_ours(account, stranger):
    with account_scope(account.id):
        make_chat(title="Ours only")
    with account_scope(stranger.account_id):
        assert list_chats(ListFilter(text="ours"), stranger).chats == []


def test_the_words_of_a_session_go_with_it(scope, sql, printer):
    ChatSession.objects.filter(pk=printer.pk).delete()

    assert sql("SELECT count(*) FROM session_documents WHERE chat_id = %s", printer.pk) == 0
