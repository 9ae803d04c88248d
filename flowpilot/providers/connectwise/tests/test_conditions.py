"""Whatever a person types, ConnectWise sees it as one text."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot.errors import Invalid
from flowpilot.providers.connectwise import conditions
from flowpilot.providers.connectwise.sandbox.conditions import Token, compile_conditions, like_pattern, tokenize
from flowpilot.providers.connectwise.sandbox.replies import Problem
from flowpilot.providers.connectwise.sandbox.schema import TICKET
from flowpilot.providers.connectwise.sandbox.switches import Switches

# what breaks a string, what acts as a wildcard, what looks like the language, and anything else
TEXTS = st.one_of(
    st.text(alphabet=st.sampled_from("\"'\\%_*[]^()=<> ao\u00e9,\n"), max_size=40),
    st.text(max_size=60),
    st.lists(st.sampled_from(['"', "'", "\\", " or ", "id>0", "(", ")", "and", "[2026-01-01]", "null", "x"])).map(
        "".join
    ),
)
SWITCHES = st.booleans().map(lambda escapes: Switches(backslash_escapes_in_conditions=escapes))
EVERYTHING = {"text": "", "board_id": None, "status_names": (), "open_only": False, "owner_identifier": None}


def shape(text, switches):
    """The tokens with their values, but for strings."""
    return [(token.kind, "" if token.kind == "string" else token.value) for token in tokenize(text, switches)]


@given(TEXTS, SWITCHES)
def test_literal_is_one_string_to_the_reader(text, switches):
    try:
        quoted = conditions.literal(text)
    except Invalid:
        return

    (token,) = tokenize(quoted, switches)
    assert token.kind == "string"
    assert '"' not in token.value
    assert "\\" not in token.value


@given(TEXTS, SWITCHES)
def test_a_search_has_the_same_shape_whatever_the_text(text, switches):
    try:
        condition = conditions.contains_words(("summary", "company/name"), text)
    except Invalid:
        return

    tokens = shape(condition, switches)
    words = sum(token == ("string", "") for token in tokens) // 2
    plain = conditions.contains_words(("summary", "company/name"), " ".join(["word"] * words))
    assert tokens == shape(plain, switches)


@given(TEXTS, SWITCHES)
def test_a_search_sends_no_wildcard(text, switches):
    try:
        condition = conditions.contains_words(("summary",), text)
    except Invalid:
        return

    strings = [token.value for token in tokenize(condition, switches) if token.kind == "string"]
    assert not any(set(string) & set('%_*[]^"\\') for string in strings)


@given(TEXTS, TEXTS, TEXTS, SWITCHES)
def test_a_whole_ticket_search_can_be_read_and_widens_nothing(text, status, member, switches):
    search = {
        **EVERYTHING,
        "open_only": True,
        "text": text,
        "status_names": [status, "New"],
        "owner_identifier": member,
    }
    try:
        condition = conditions.tickets(search)
    except Invalid:
        return

    closed = {"id": 1, "closedFlag": True, "summary": text, "status": {"name": status}, "resources": member}
    assert not compile_conditions(condition, TICKET, switches)(closed)


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "a\x7fb", "\ud800"])
def test_literal_refuses_control_characters(text):
    with pytest.raises(Invalid):
        conditions.literal(text)


def test_literal_drops_what_cannot_be_seen():
    assert conditions.literal("Com\u200bpleted~ >\u202eClosed") == '"Completed~ >Closed"'


def test_ticket_search_reads_as_one_would_write_it():
    search = {**EVERYTHING, "open_only": True, "board_id": 2, "status_names": [">Closed", "New"], "text": "12 vpn"}

    assert conditions.tickets(search) == (
        'closedFlag=false and board/id=2 and (status/name=">Closed" or status/name="New")'
        ' and (summary contains "12" or company/name contains "12" or contact/name contains "12")'
        ' and (summary contains "vpn" or company/name contains "vpn" or contact/name contains "vpn")'
    )


TICKETS = [
    {
        "id": 1,
        "summary": "Outlook [old] 100%",
        "closedFlag": False,
        "severity": "High",
        "board": {"id": 1, "name": "Desk"},
    },
    {"id": 2, "summary": "VPN drops", "closedFlag": True, "severity": "Low", "owner": {"identifier": "jdoe"}},
    {"id": 3, "summary": "vpn outlook", "_info": {"lastUpdated": "2026-05-04T12:00:00Z"}, "_configurations": [7]},
]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("id=2", [2]),
        ("id!=2", [1, 3]),
        ("id in (1, 3)", [1, 3]),
        ("id not in (1,3)", [2]),
        ("id>1 and id<=2", [2]),
        ('summary contains "VPN"', [2, 3]),
        ("summary CONTAINS 'outlook' AND id<3", [1]),
        ('summary not contains "vpn"', [1]),
        ('summary like "vpn%"', [2, 3]),
        ('summary like "*outlook*"', [1, 3]),
        ('summary like "%[[]old]%"', [1]),
        ('summary like "vpn_drops"', [2]),
        ('id=1 or id=2 and summary="x"', [1]),
        ('(id=1 or id=2) and summary like "%"', [1, 2]),
        ("closedFlag=false", [1, 3]),
        ('severity="high"', [1]),
        ("owner/identifier = null", [1, 3]),
        ("owner/identifier != null", [2]),
        ("lastUpdated > [2026-05-04T11:59:59Z]", [3]),
        ("_info/lastUpdated >= [2026-05-04T14:00:00+02:00]", [3]),
        ("lastUpdated < [2026-05-04]", []),
        ("configuration/id=7", [3]),
        ("", [1, 2, 3]),
    ],
)
def test_sandbox_follows_conditions(condition, found):
    test = compile_conditions(condition, TICKET, Switches()) if condition else bool

    assert [ticket["id"] for ticket in TICKETS if test(ticket)] == found


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("ticket=1", "ticket is not a recognized name."),
        ("board/title='x'", "board/title is not a recognized name."),
        ("configurations/id=1", "configurations/id is not a recognized name."),
        ("configuration/id=1 or configuration/id=2", "configuration/id is not a recognized name."),
        ("types/name='x'", "types/name is not a recognized name."),
        ('severity="Enormous"', "Enum value supplied was invalid"),
        ('summary="open', "Syntax error at position 8."),
        ("id=1 id=2", "Syntax error near 'id'."),
        ("(id=1", "Syntax error near ''."),
        ('id="1"', "Syntax error near '1'."),
        ("lastUpdated>[someday]", "'someday' is not a valid date."),
    ],
)
def test_sandbox_refuses_what_connectwise_refuses(condition, message):
    with pytest.raises(Problem) as caught:
        compile_conditions(condition, TICKET, Switches())

    assert (caught.value.reply.status, caught.value.reply.body) == (
        400,
        {"code": "ApiFindCondition", "message": message},
    )


def test_a_malformed_boolean_is_a_server_error():
    with pytest.raises(Problem) as caught:
        compile_conditions("closedFlag=maybe", TICKET, Switches())

    assert caught.value.reply.status == 500


@pytest.mark.parametrize(("escapes", "value"), [(False, "a\\"), (True, 'a"b')])
def test_backslash_in_a_string_in_both_positions(escapes, value):
    text = '"a\\"' if not escapes else '"a\\"b"'

    assert tokenize(text, Switches(backslash_escapes_in_conditions=escapes)) == [Token("string", value)]


@pytest.mark.parametrize(("is_empty", "found"), [(False, [3]), (True, [])])
def test_date_without_time_in_both_positions(is_empty, found):
    today = datetime(2026, 5, 4, tzinfo=UTC).date()
    test = compile_conditions(f"lastUpdated >= [{today}]", TICKET, Switches(date_only_is_empty=is_empty))

    assert [ticket["id"] for ticket in TICKETS if test(ticket)] == found


@given(st.text(max_size=20))
def test_like_pattern_takes_any_text(text):
    like_pattern(text)
