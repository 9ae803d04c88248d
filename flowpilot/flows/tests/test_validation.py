"""Validation: each fault that keeps a flow from being walked is named."""

import copy

import pytest

from flowpilot.flows.validation import MOST_NODES_DEEP, problems
from flowpilot.providers.ai.trees import FlowTree

SOUND = {
    "slug": "mail",
    "title": "Mail",
    "escalate": "Escalate.",
    "start": "q",
    "nodes": {
        "q": {
            "type": "question",
            "text": "Does it work?",
            "why": "It tells.",
            "answers": {"yes": "s", "no": "f", "otherwise": "f"},
        },
        "s": {"type": "step", "text": "Look", "why": "It shows.", "next": "f"},
        "f": {"type": "fix", "title": "Mend it", "rationale": "Broken.", "steps": ["Mend"], "confidence": 50},
    },
}


def faults(**changes):
    """Return the problems of the sound flow with some fields of its nodes (or its own) changed."""
    data = copy.deepcopy(SOUND)
    for name, value in changes.items():
        part, _, key = name.partition("__")
        if key:
            data["nodes"][part][key] = value
        elif isinstance(value, dict):
            data["nodes"][part] = value
        else:
            data[part] = value
    return problems(FlowTree.from_json(data))


def test_sound_flow_has_no_problems():
    assert faults() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start": "x"}, "starts at “x”, which does not exist"),
        ({"escalate": ""}, "no escalate"),
        ({"kind": "poem"}, "no kind of flow called poem"),
        ({"s__next": "x"}, "“s” leads to “x”, which does not exist"),
        ({"f__if_failed": "s"}, "goes in a circle"),
        ({"s__text": ""}, "“s” has no text"),
        ({"q__why": ""}, "“q” has no why"),
        ({"s__text": "does  it WORK?"}, "stands in the flow 2 times"),
        ({"s__text": "x" * 501}, "text of more than 500 characters"),
        ({"s__command": "x" * 4001}, "too long"),
        ({"f__steps": []}, "one to 20 steps"),
        ({"f__title": ""}, "“f” has no title"),
        ({"f__script": {"language": "powershell", "purpose": ""}}, "script without a language or a purpose"),
        ({"q__answers": {"yes": "s", "no": "f"}}, "it needs “otherwise”"),
        ({"q__answers": {"yes": "s", "otherwise": "f"}}, "an answer for yes and one for no"),
        ({"q__usual": "maybe"}, "usual answer that it does not have"),
        ({"q__kind": "choice", "q__choices": ["yes", "no"], "q__answers": {"yes": "s", "later": "f", "otherwise": "f"}}, "not among its choices"),
        ({"q__kind": "choice", "q__choices": ["no", "maybe", "yes"], "q__answers": {"yes": "s", "otherwise": "f"}}, "choices that lead nowhere"),
        ({"q__kind": "choice", "q__choices": ["yes"], "q__answers": {"yes": "s", "otherwise": "f"}}, "two to 12 choices"),
        ({"q__kind": "choice", "q__choices": [], "q__answers": {"otherwise": "s"}}, "two to 12 choices"),
        ({"orphan": {"type": "step", "text": "Alone", "why": "No.", "next": "f"}}, "“orphan” is never reached"),
        ({"escalate": "Yes.", "start": "s", "s__next": "escalate"}, "no fix"),
    ],
)  # fmt: skip
def test_each_fault_is_named(changes, words):
    assert any(words in fault for fault in faults(**changes))


def test_node_may_not_take_the_name_of_the_end():
    node = {"type": "step", "text": "End", "why": "No.", "next": "f"}
    data = {**SOUND, "nodes": {**SOUND["nodes"], "escalate": node}}

    assert any("No node may be called" in fault for fault in problems(FlowTree.from_json(data)))


def test_loop_among_questions_is_found():
    assert "The flow goes in a circle." in faults(s__next="q")


def test_flow_may_not_be_too_deep():
    chain = {
        f"n{n}": {"type": "step", "text": f"Step {n}", "why": "Go on.", "next": f"n{n + 1}"}
        for n in range(MOST_NODES_DEEP)
    }
    chain[f"n{MOST_NODES_DEEP}"] = SOUND["nodes"]["f"]
    tree = FlowTree.from_json({**SOUND, "start": "n0", "nodes": chain})

    assert problems(tree) == [
        f"The longest way through the flow has {MOST_NODES_DEEP + 1} nodes; {MOST_NODES_DEEP} is the most."
    ]
