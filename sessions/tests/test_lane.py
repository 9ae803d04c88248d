from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot.errors import Conflict, NotFound
from sessions import lane
from sessions.tests.factories import make_item

TEXTS = ["Does webmail work?", "Is it on VPN?", "Restart Outlook", "  does WEBMAIL   work? "]
STATES = ["open", "answered", "done", "skipped"]
proposals = st.lists(
    st.fixed_dictionaries({"kind": st.sampled_from(["question", "action"]), "text": st.sampled_from(TEXTS)}), max_size=6
)


@st.composite
def lanes(draw):
    """A lane as it stands after some answers: no text twice."""
    merged = lane.merge([], draw(proposals), turn_id="1")
    for item in merged:
        item["state"] = draw(st.sampled_from(STATES))
    return merged


def key(item):
    return item["kind"], " ".join(item["text"].lower().split())


def put(*items):
    return [{"kind": item["kind"], "text": item["text"]} for item in items]


@given(lanes(), proposals)
def test_merge_keeps_ids_and_states_of_same_texts(before, proposed):
    merged = {key(item): item for item in lane.merge(before, proposed, turn_id="2")}

    for item in before:
        if key(item) in merged:
            assert merged[key(item)] == item


@given(lanes(), proposals.filter(bool))
def test_merge_withdraws_open_items_that_are_not_repeated(before, proposed):
    wanted = {key(item) for item in proposed}
    merged = lane.merge(before, proposed, turn_id="2")

    assert {key(item) for item in merged if item["state"] == "open"} <= wanted


@given(lanes(), proposals)
def test_merge_keeps_what_was_dealt_with(before, proposed):
    merged = lane.merge(before, proposed, turn_id="2")

    assert [item for item in before if item["state"] != "open"] == [item for item in merged if item["state"] != "open"]


@given(lanes(), proposals)
def test_merge_never_doubles_a_text_or_an_id(before, proposed):
    merged = lane.merge(before, proposed, turn_id="2")

    assert len({key(item) for item in merged}) == len(merged)
    assert len({item["id"] for item in merged}) == len(merged)


@given(lanes())
def test_merge_of_nothing_changes_nothing(before):
    assert lane.merge(before, [], turn_id="2") == before


@given(lanes(), proposals)
def test_merge_leaves_its_arguments_alone(before, proposed):
    copies = deepcopy((before, proposed))
    lane.merge(before, proposed, turn_id="2")

    assert (before, proposed) == copies


@given(lanes(), proposals)
def test_merge_twice_is_merge_once(before, proposed):
    once = lane.merge(before, proposed, turn_id="2")

    assert lane.merge(once, proposed, turn_id="3") == once


def test_new_items_name_the_turn_they_came_from():
    [item] = lane.merge([], put(make_item()), turn_id="7")

    assert (item["turn"], item["state"], item["is_told"]) == ("7", "open", False)


@pytest.mark.parametrize("state", ["answered", "done", "skipped"])
def test_close_keeps_who_and_when(state):
    item = make_item()
    lane.close(item, state=state, answer="Yes", by="J. Ortiz", at="2026-01-02T03:04:05")

    assert (item["state"], item["answer"], item["answered_by"]) == (state, "Yes", "J. Ortiz")


@pytest.mark.parametrize("state", ["answered", "done", "skipped"])
def test_close_of_a_closed_item_is_refused_and_changes_nothing(state):
    item = make_item(state=state, answer="No")
    with pytest.raises(Conflict, match="dealt with already"):
        lane.close(item, state="answered", answer="Yes", by="M. Reyes", at="")

    assert (item["state"], item["answer"]) == (state, "No")


@pytest.mark.parametrize("state", ["answered", "done", "skipped"])
def test_reopen_takes_the_answer_away(state):
    item = make_item(state=state, answer="Yes", answered_by="J. Ortiz", is_told=True)
    lane.reopen(item)

    assert (item["state"], item["answer"], item["answered_by"], item["is_told"]) == ("open", "", "", False)


def test_reopen_of_an_open_item_is_refused():
    with pytest.raises(Conflict, match="open already"):
        lane.reopen(make_item())


def test_find_of_an_unknown_item_is_not_found():
    with pytest.raises(NotFound):
        lane.find([make_item()], "nobody")


def test_untold_is_what_was_dealt_with_and_not_told():
    told, news = make_item(state="answered", is_told=True), make_item(state="skipped")

    assert lane.untold([make_item(), told, news]) == [news]


def test_tell_leaves_nothing_untold():
    items = [make_item(), make_item(state="done"), make_item(state="answered")]
    lane.tell(items)

    assert lane.untold(items) == []
    assert not items[0]["is_told"]


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (make_item("Does webmail work?", answer=" Yes "), "Does webmail work? Yes"),
        (make_item("Start in safe mode", kind="action", answer="It opens"), "Start in safe mode: It opens"),
        (make_item("Start in safe mode", kind="action"), "Done: Start in safe mode"),
    ],
)
def test_fact_text_says_the_answer(item, text):
    assert lane.fact_text(item) == text
