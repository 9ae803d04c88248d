import json
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import sessions.markers
from sessions.marker_shapes import Action, Promotion, Question, SuggestFix
from sessions.markers import KNOWN, MOST_CHARS, InvalidMarker, Marker, MarkerParser, Text, collect, parse

QUESTIONS = (
    '[QUESTIONS][{"text": "Does webmail work?", "why": "tells account from device", "kind": "yes_no"}][/QUESTIONS]'
)
FIX = '[SUGGEST_FIX]{"title": "Recreate the profile", "steps": ["Close Outlook"], "confidence": 80}[/SUGGEST_FIX]'
ANSWER = f"""Outlook cannot reach the mailbox.

{QUESTIONS}
[ACTIONS][{{"text": "Start Outlook in safe mode", "command": "outlook.exe /safe"}}][/ACTIONS]

[PROMOTE][{{"text": "Only this user is affected"}}][/PROMOTE]
{FIX}
[TITLE]Outlook stuck on "Trying to connect"[/TITLE]

See [the guide](https://example.com) and run:

```powershell
[TITLE]this is code[/TITLE]
```
"""


def joined(events):
    """Events with neighbouring text as one."""
    found = []
    for event in events:
        if found and isinstance(event, Text) and isinstance(found[-1], Text):
            found[-1] = Text(found[-1].text + event.text)
        else:
            found.append(event)
    return found


def in_pieces(pieces):
    parser = MarkerParser()
    return joined([event for piece in pieces for event in parser.feed(piece)] + parser.close())


def shown(answer):
    return collect(parse(answer)).text


def reasons(answer):
    return [event.reason for event in parse(answer) if isinstance(event, InvalidMarker)]


def test_an_answer_is_read_into_text_and_markers():
    parsed = collect(parse(ANSWER))

    assert parsed.questions == (Question("Does webmail work?", "tells account from device", "yes_no"),)
    assert parsed.actions == (Action("Start Outlook in safe mode", command="outlook.exe /safe"),)
    assert parsed.facts == (Promotion("Only this user is affected"),)
    assert parsed.fix == SuggestFix("Recreate the profile", steps=("Close Outlook",), confidence=80)
    assert parsed.title == 'Outlook stuck on "Trying to connect"'
    assert parsed.text == (
        "Outlook cannot reach the mailbox.\n\nSee [the guide](https://example.com) and run:\n\n"
        "```powershell\n[TITLE]this is code[/TITLE]\n```"
    )
    assert parsed.invalid_count == 0


def test_text_comes_out_at_once():
    parser = MarkerParser()

    assert [parser.feed(piece) for piece in ("Hel", "lo, wor", "ld")] == [
        [Text("Hel")],
        [Text("lo, wor")],
        [Text("ld")],
    ]


def test_a_bracket_that_is_no_marker_is_released_with_what_settles_it():
    parser = MarkerParser()

    assert parser.feed("[QU") == []
    assert parser.feed("ick") == [Text("[QUick")]


def test_an_array_index_mid_line_is_not_withheld():
    assert MarkerParser().feed("see log[0] and [1") == [Text("see log[0] and [1")]


def test_a_marker_is_read_the_moment_it_closes():
    parser = MarkerParser()
    parser.feed("[TITLE]Printer")

    assert parser.feed("[/TITLE]") == [Marker("TITLE", "Printer")]


def test_of_several_of_one_kind_the_last_wins():
    parsed = collect(parse("[TITLE]One[/TITLE]\n[TITLE]Two[/TITLE]"))

    assert parsed.title == "Two"


@pytest.mark.parametrize("size", range(1, 40))
def test_pieces_of_any_size_read_the_same(size):
    pieces = [ANSWER[at : at + size] for at in range(0, len(ANSWER), size)]

    assert in_pieces(pieces) == joined(parse(ANSWER))


def test_a_cut_at_every_place_reads_the_same():
    whole = joined(parse(ANSWER))

    assert all(in_pieces([ANSWER[:at], ANSWER[at:]]) == whole for at in range(len(ANSWER) + 1))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("[QUESTIONS][{text: no}][/QUESTIONS]", "QUESTIONS: not JSON"),
        ('[QUESTIONS]{"text": "a"}[/QUESTIONS]', "QUESTIONS: not an array"),
        ('[ACTIONS][{"why": "a"}, 7][/ACTIONS]', "ACTIONS: no item has a text"),
        ("[SUGGEST_FIX][][/SUGGEST_FIX]", "SUGGEST_FIX: not an object"),
        ('[SUGGEST_FIX]{"steps": []}[/SUGGEST_FIX]', "SUGGEST_FIX: nothing in it"),
        ('[SUGGEST_FIX]{"title": "a", "confidence": NaN}[/SUGGEST_FIX]', "SUGGEST_FIX: not JSON"),
        (f"[QUESTIONS]{'[' * 20_000}[/QUESTIONS]", "QUESTIONS: not JSON"),
        ("[TITLE] \n [/TITLE]", "TITLE: nothing in it"),
        ("[PROMOTE]" + "x" * (MOST_CHARS + 1) + "[/PROMOTE]", "PROMOTE: too long"),
        ('[WIDGET]{"a": 1}[/WIDGET]', "WIDGET: unknown"),
        ('[WIDGET]\n{\n"a": 1\n}\n[/WIDGET]', "WIDGET: unknown"),
        ("[/QUESTIONS]", "QUESTIONS: not opened"),
        ("[QUESTIONS][{", "QUESTIONS: not closed"),
        ("[QUES" + 'TIONS][{"text": "a"}]\n', "QUESTIONS: not closed"),
    ],
)
def test_a_bad_marker_is_dropped_and_reported(answer, reason):
    assert reasons(f"Before.\n{answer}") == [reason]
    assert shown(f"Before.\n{answer}") == "Before."


def test_a_marker_left_open_ends_where_the_next_begins():
    answer = f"[ACTIONS][{{\n{QUESTIONS}\nAfter."

    assert reasons(answer) == ["ACTIONS: not closed"]
    assert len(collect(parse(answer)).questions) == 1
    assert shown(answer) == "After."


def test_a_marker_inside_a_line_is_dropped():
    assert reasons("So: [TITLE]x[/TITLE] and on.") == ["TITLE: not on a line of its own"]
    assert shown("So: [TITLE]x[/TITLE] and on.") == "So:  and on."


@pytest.mark.parametrize(
    "text",
    [
        "[ERROR] disk full\n[WARN] low on memory\nDone.",
        "[NOTE]\nfirst\n\nsecond [/NOTE]",
        "[x] done, [QUESTION] and [questions]",
        "Write `[TITLE]x` or [TITLE] in a line",
        "```\n[TITLE]a[/TITLE]\n```",
        "~~~~text\n```\n~~~\n[TITLE]a[/TITLE]\n~~~~\nafter",
        "1. Run:\n   ```powershell\n   [ACTIONS]x[/ACTIONS]\n   ```\n2. Done",
        "- ```\n  [ACTIONS]x[/ACTIONS]\n  ```",
        "```\n[TITLE]never closed[/TITLE]\n[QUESTIONS][][/QUESTIONS]",
        "[][]]][[[ [/ [/] [A] [/QUES",
    ],
)
def test_what_is_no_marker_is_text(text):
    assert joined(parse(text)) == [Text(text)]
    assert in_pieces(text) == [Text(text)]


def test_a_marker_after_inline_code_of_three_backticks_is_read():
    assert collect(parse("```ls``` lists.\n[TITLE]a[/TITLE]")).title == "a"


def test_a_marker_after_a_fence_is_read():
    assert collect(parse("```\ncode\n```\n[TITLE]a[/TITLE]")).title == "a"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("one\n\n[TITLE]t[/TITLE]\n\ntwo", "one\n\ntwo"),
        ("one\n[TITLE]t[/TITLE]\ntwo", "one\ntwo"),
        ("one\n[TITLE]t[/TITLE]\n\n\n  two", "one\n\n  two"),
        ("[TITLE]t[/TITLE]\n\n\none", "one"),
        ("one\n\n[TITLE]t[/TITLE]\n[TITLE]u[/TITLE]\n \n\t\n[TITLE]v[/TITLE]\r\n\ntwo", "one\n\ntwo"),
        ("one\n\n\n\ntwo", "one\n\n\n\ntwo"),
        ("one\n[TITLE]t[/TITLE] two", "one\ntwo"),
    ],
)
def test_a_marker_leaves_no_hole(answer, text):
    assert "".join(event.text for event in parse(answer) if isinstance(event, Text)) == text


@pytest.mark.parametrize(("given_value", "kept"), [(180, 100), (-3, 0), (66.6, 67), (1e400, 100), ("80", 0), (True, 0)])
def test_confidence_is_clamped(given_value, kept):
    body = json.dumps({"title": "a", "confidence": given_value}).replace("Infinity", "1e999")

    assert collect(parse(f"[SUGGEST_FIX]{body}[/SUGGEST_FIX]")).fix.confidence == kept


@pytest.mark.parametrize(
    ("item", "kind", "choices"),
    [
        ({"kind": "Yes-No"}, "yes_no", ()),
        ({"kind": "slider"}, "text", ()),
        ({"kind": "choice"}, "text", ()),
        ({"kind": "number", "choices": ["1"]}, "number", ()),
        ({"choices": ["LAN", " ", "Wi-Fi"]}, "choice", ("LAN", "Wi-Fi")),
    ],
)
def test_a_question_has_a_kind_that_can_be_shown(item, kind, choices):
    answer = f"[QUESTIONS]{json.dumps([{'text': 'Which?', **item}])}[/QUESTIONS]"

    (question,) = collect(parse(answer)).questions

    assert (question.kind, question.choices) == (kind, choices)


def test_strings_are_trimmed_to_what_a_database_takes():
    answer = f"[PROMOTE]{json.dumps([{'text': ' a' + chr(0) + chr(0xD800) + 'b' * 2000, 'source_ref': 5, 'x': 1}])}[/PROMOTE]"

    (fact,) = collect(parse(answer)).facts

    assert fact.text == "a" + "b" * 499
    assert fact.source_ref == ""


names = st.sampled_from([*KNOWN, "WIDGET", "AAA", "A_B", "OK"])
tags = st.builds(lambda name, slash: f"[{slash}{name}]", names, st.sampled_from(["", "/"]))
bits = tags | st.sampled_from(
    ["\n", "\n\n", "```", "~~~", "`", "- ", "1. ", " ", "\t", "[", "]", "[/", "x", "{}", '[{"text": "a"}]', "\r\n"]
)
soup = st.lists(bits, max_size=40).map("".join)


@st.composite
def cut(draw, documents):
    document = draw(documents)
    places = sorted(draw(st.lists(st.integers(0, len(document)), max_size=12)))
    return [document[a:b] for a, b in zip([0, *places], [*places, len(document)], strict=True)]


@settings(max_examples=600, deadline=None)
@given(cut(soup))
@example(["[QUES", "TIONS][", "][/QUEST", "IONS]"])
@example(["```", "x`", "[/TITLE]\n", "[TITLE]a[/TITLE]"])
def test_any_chunking_reads_as_the_whole(pieces):
    whole = joined(parse("".join(pieces)))

    assert in_pieces(pieces) == whole
    assert in_pieces("".join(pieces)) == whole


@settings(max_examples=300, deadline=None)
@given(cut(soup), st.sampled_from([3, 10, 40]))
def test_any_chunking_reads_as_the_whole_at_the_limit_of_length(pieces, most):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions.markers, "MOST_CHARS", most)
        assert in_pieces(pieces) == in_pieces("".join(pieces)) == joined(parse("".join(pieces)))


words = st.text(alphabet="abc xyz.[]{}()é", max_size=30).map(lambda text: f"- {text}")
bodies = st.sampled_from(
    ["[]", "{}", '[{"text": "SECRET"}]', '{"title": "SECRET"}', "SECRET", '[{"text":\n"SECRET"}\n]', "SECRET {"]
)
markers = st.builds(
    lambda name, body, space: f"{space}[{name}]{body}[/{name}]",
    names.filter(lambda name: len(name) > 2),
    bodies,
    st.sampled_from(["", " "]),
)
documents = st.lists(words | markers | st.just(""), max_size=12).map("\n".join)


@settings(max_examples=400, deadline=None)
@given(cut(documents))
def test_no_marker_ever_shows(pieces):
    text = "".join(event.text for event in in_pieces(pieces) if isinstance(event, Text))

    assert "SECRET" not in text
    assert not any(f"[{name}]" in text or f"[/{name}]" in text for name in KNOWN)


@settings(max_examples=300, deadline=None)
@given(st.lists(words, max_size=12).map("\n".join))
def test_text_without_markers_is_untouched(text):
    assert "".join(event.text for event in parse(text) if isinstance(event, Text)) == text


def steps(pieces):
    """How many lines of Python the parser runs."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        parser = MarkerParser()
        for piece in pieces:
            parser.feed(piece)
        parser.close()
    finally:
        sys.settrace(before)
    return count


SHAPES = [
    "[",
    '[[a="',
    "[AAA]\n",
    "[/TITLE]",
    "[TITLE]",
    "[TITLE]\n",
    "x [TITLE]",
    "```\n",
    "\n",
    " ",
    "[AAA]x\ny\n",
    QUESTIONS + "\n",
    FIX,
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1, 7, 10**9])
def test_twice_the_input_costs_at_most_two_and_a_half_times_the_work(shape, size):
    def work(length):
        text = (shape * length)[:length]
        return steps([text[at : at + size] for at in range(0, length, size)])

    assert work(8_000) <= 2.5 * work(4_000) + 200


@settings(max_examples=40, deadline=None)
@given(soup.filter(bool))
def test_twice_of_any_input_costs_at_most_two_and_a_half_times_the_work(text):
    text = text * (2_000 // len(text) + 1)

    assert steps([text * 2]) <= 2.5 * steps([text]) + 200


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_withheld_to_decide_a_line_stays_small(shape):
    parser = MarkerParser()

    for letter in shape * (4_000 // len(shape)):
        parser.feed(letter)
        assert len(parser._held) < 200
