"""The guided engine on a small tree: what it says and puts into the lane for each state of a session."""

import asyncio

import pytest

from flowpilot.errors import Invalid, Refused
from flowpilot.providers.ai.base import ChatState, Completion, FactState, FixState, TaskState, Usage
from flowpilot.providers.ai.guided import GuidedProvider, answer
from flowpilot.providers.ai.trees import FlowTree
from flowpilot.providers.ai.walking import choose, frontier, walk
from sessions.markers import collect, parse

NODES = {
    "web": {
        "type": "question",
        "text": "Does it work in a browser?",
        "why": "It tells the account from the computer.",
        "usual": "yes",
        "answers": {
            "yes": {"to": "read", "means": "The account is fine.", "concludes": "The account works."},
            "no": "which",
            "otherwise": "read",
        },
    },
    "read": {
        "type": "step",
        "text": "Read the setting",
        "why": "It may be off.",
        "command": "reg query [x]",
        "next": "free",
        "reads": {"Setting : 0": {"to": "first", "means": "The setting is off."}},
    },
    "free": {"type": "question", "text": "How much is free?", "why": "Little is bad.", "kind": "number", "answers": {"<5": "second", "otherwise": "first"}},
    "which": {
        "type": "question",
        "text": "Which error?",
        "why": "Each has its cure.",
        "kind": "choice",
        "choices": ["Locked", "Expired", "Other"],
        "answers": {"Locked": "first", "Expired": "second", "otherwise": "code"},
    },
    "code": {"type": "question", "text": "Which code?", "why": "It names the cause.", "kind": "text", "answers": {"0x80": "first", "otherwise": "second"}},
    "first": {
        "type": "fix",
        "title": "Turn it on",
        "rationale": "It is off.",
        "steps": ["Do it"],
        "confidence": 80,
        "if_failed": "second",
        "rules_out": "So it was on.",
        "script": {"language": "powershell", "purpose": "Turn it on"},
    },
    "second": {"type": "fix", "title": "Make room", "rationale": "It is full.", "steps": ["Do that"], "confidence": 40},
}  # fmt: skip
MAIL = FlowTree.from_json(
    {
        "slug": "mail",
        "title": "Mail asks",
        "about": "About mail.",
        "escalate": "Escalate to mail.",
        "match": {"mail*": 5},
        "start": "web",
        "nodes": NODES,
    }
)
SCAN = FlowTree.from_json(
    {
        "slug": "scan",
        "title": "Scanner",
        "escalate": "Escalate to scan.",
        "match": {"scan*": 5},
        "start": "s",
        "nodes": {
            "s": {
                "type": "question",
                "text": "Is it on?",
                "why": "Power first.",
                "answers": {"yes": "f", "no": "f", "otherwise": "f"},
            },
            "f": {"type": "fix", "title": "Plug it in", "rationale": "No power.", "steps": ["Plug"], "confidence": 60},
        },
    }
)
GENERAL = FlowTree.from_json(
    {
        "slug": "general",
        "title": "General",
        "escalate": "Escalate.",
        "start": "error",
        "nodes": {
            "error": {
                "type": "question",
                "text": "What is the error?",
                "why": "Words.",
                "kind": "text",
                "answers": {"otherwise": "g"},
            },
            "g": {"type": "fix", "title": "Restart", "rationale": "It helps.", "steps": ["Restart"], "confidence": 30},
        },
    }
)
FLOWS = (SCAN, MAIL, GENERAL)
PROBLEM = "Mail asks for a password\nsince Monday"


def task(text, answer="", state=None, kind="yes_no"):
    return TaskState(text, kind, state or ("answered" if answer else "open"), answer, f"id of {text}")


def fix(title, outcome="none", *, is_active=True, reason=""):
    return FixState(title, title, outcome, is_active, reason)


def state(*tasks, fixes=(), facts=(), said=(PROBLEM,), problem=PROBLEM):
    return ChatState(problem=problem, facts=facts, tasks=tasks, fixes=fixes, said=said)


def say(*tasks, flows=FLOWS, **known):
    return collect(parse(answer(flows, state(*tasks, **known))))


def texts(said):
    return [item.text for item in (*said.questions, *said.actions)]


def test_first_answer_names_the_flow_and_what_it_is():
    said = say()

    assert said.text.startswith("I follow the flow “Mail asks”. These are fixed rules, not AI. About mail.")
    assert texts(said) == ["Does it work in a browser?", "How much is free?", "Read the setting"]
    assert said.actions[0].command == "reg query [x]"
    assert said.title == "Mail asks for a password"


def test_title_is_the_flows_where_the_problem_is_long():
    assert say(problem="mail " * 40).title == "Mail asks"


def test_title_is_given_once():
    assert say(task("Does it work in a browser?")).title == ""


def test_answers_are_explained_and_conclusions_promoted():
    said = say(task("Does it work in a browser?", "Yes"), said=(PROBLEM, "- Does it work in a browser? Yes"))

    assert said.text.startswith("The account is fine.")
    assert [fact.text for fact in said.facts] == ["The account works."]
    assert texts(said) == ["How much is free?", "Read the setting"]


def test_conclusion_that_was_told_before_is_not_promoted_again():
    tasks = (task("Does it work in a browser?", "Yes"), task("Read the setting", state="done", kind="action"))
    said = say(*tasks, said=(PROBLEM, "- Does it work in a browser? Yes", "- Done: Read the setting"))

    assert not said.facts


def test_answer_that_fits_no_branch_follows_otherwise():
    tasks = (task("Does it work in a browser?", "no"), task("Which error?", "something odd", kind="choice"))

    assert texts(say(*tasks)) == ["Which code?"]


@pytest.mark.parametrize(
    ("typed", "title"), [("LOCKED", "Turn it on"), ("it says expired", "Make room"), ("locked and expired", None)]
)
def test_choice_is_matched_without_case_or_by_its_words(typed, title):
    said = say(task("Does it work in a browser?", "No"), task("Which error?", typed, kind="choice"))

    assert (said.fix.title if said.fix else None) == title


@pytest.mark.parametrize(
    ("typed", "title"), [("4.5 GB", "Make room"), ("about 12", "Turn it on"), ("plenty", "Turn it on")]
)
def test_number_is_compared_with_its_limit(typed, title):
    done = task("Read the setting", state="done", kind="action")

    assert say(task("Does it work in a browser?", "Yes"), done, task("How much is free?", typed)).fix.title == title


def test_pasted_result_of_a_step_decides():
    done = task("Read the setting", "Name : x Setting : 0 Other : 1", state="done", kind="action")

    said = say(task("Does it work in a browser?", "Yes"), done)

    assert said.fix.title == "Turn it on"
    assert "The setting is off." in said.text


def test_fix_rests_on_the_facts_of_its_walk():
    facts = (
        FactState("ticket", "Company: Contoso", "ticket"),
        FactState("webmail", "Does it work in a browser? No", "question"),
        FactState("error", "Which error? Locked", "question"),
    )
    said = say(task("Does it work in a browser?", "No"), task("Which error?", "Locked"), facts=facts)

    assert said.fix.facts == ("webmail", "error")
    assert said.fix.script == {"language": "powershell", "purpose": "Turn it on"}


WALKED = (task("Does it work in a browser?", "No"), task("Which error?", "Locked", kind="choice"))


@pytest.mark.parametrize(
    ("outcome", "words"),
    [("none", "still to be tried"), ("verifying", "is applied"), ("waiting", "waits to be verified (“tonight”)")],
)
def test_fix_without_a_result_is_asked_about(outcome, words):
    said = say(*WALKED, fixes=(fix("Turn it on", outcome, reason="tonight"),))

    assert words in said.text
    assert said.fix is None


@pytest.mark.parametrize("outcome", ["failed", "partial", "dismissed"])
def test_fix_that_did_not_do_leads_on(outcome):
    tried = fix("Turn it on", outcome, reason="It was on", is_active=outcome != "dismissed")
    said = say(*WALKED, fixes=(tried,), said=(PROBLEM, "The fix “Turn it on” didn’t work. It was on"))

    assert said.fix.title == "Make room"
    assert "“It was on”. So it was on." in said.text


def test_fix_that_was_superseded_untried_is_suggested_again():
    assert say(*WALKED, fixes=(fix("Turn it on", is_active=False),)).fix.title == "Turn it on"


def test_fix_that_worked_leads_to_resolving():
    said = say(*WALKED, fixes=(fix("Turn it on", "success"),))

    assert "resolve the session" in said.text
    assert not texts(said)


def test_nothing_left_says_so_and_what_was_ruled_out():
    tried = (fix("Turn it on", "failed", is_active=False), fix("Make room", "partial"))
    said = say(*WALKED, fixes=tried)

    assert "nothing left to try. I would escalate now." in said.text
    assert "- “Turn it on” did not work\n- “Make room” helped partly" in said.text
    assert said.text.endswith("Escalate to mail.")
    assert said.fix is None


def test_fix_from_elsewhere_is_reported_on_before_the_flow_goes_on():
    assert "“From AI” is applied" in say(*WALKED, fixes=(fix("From AI", "verifying"),)).text


def test_changed_answer_leads_to_another_fix():
    tasks = (task("Does it work in a browser?", "No"), task("Which error?", "Expired", kind="choice"))

    assert say(*tasks, fixes=(fix("Turn it on"),)).fix.title == "Make room"


def test_message_while_tasks_are_open_is_kept_and_what_is_open_repeated():
    said = say(task("Does it work in a browser?"), said=(PROBLEM, "The user is back at three"))

    assert said.text.startswith("Your message is kept")
    assert "Still open in the task lane" not in said.text  # two of the three are new
    assert texts(said)[0] == "Does it work in a browser?"


def test_message_that_looks_like_an_answer_is_not_guessed_at():
    said = say(task("Does it work in a browser?"), said=(PROBLEM, "Yes, it does"))

    assert "please answer it in the task lane" in said.text
    assert texts(said)[0] == "Does it work in a browser?"


def test_what_no_longer_matters_is_said():
    said = say(
        task("Does it work in a browser?", "No"),
        task("Read the setting", kind="action"),
        said=(PROBLEM, "- Does it work in a browser? No"),
    )

    assert texts(said) == ["Which error?"]
    assert "no longer matters" in said.text


def test_general_questions_come_where_no_flow_fits():
    said = say(problem="Something is odd", said=("Something is odd",))

    assert said.text.startswith("No flow fits these words yet")
    assert texts(said) == ["What is the error?"]


@pytest.mark.parametrize("answered", [True, False])
def test_general_questions_give_way_to_a_flow_that_fits(answered):
    error = task("What is the error?", "the scanner is off" if answered else "", kind="text")
    said = say(error, problem="It is odd", said=("It is odd",) if answered else ("It is odd", "it is the scanner"))

    assert texts(said) == ["Is it on?"]


def test_flow_stays_while_others_are_mentioned_beside_it():
    assert choose(FLOWS, state(task("Does it work in a browser?"), said=(PROBLEM, "mail and scanner"))) is MAIL


def test_flow_changes_when_the_message_is_about_another():
    said = (PROBLEM, "it is the scanner after all")

    assert choose(FLOWS, state(task("Does it work in a browser?"), said=said)) is SCAN
    assert choose(FLOWS, state(task("Does it work in a browser?"), task("Is it on?"), said=(*said, "ok"))) is SCAN


def test_ties_go_to_the_first_slug():
    twin = FlowTree.from_json(
        {"slug": "alpha", "title": "Alpha", "match": {"mail*": 5}, "start": "web", "nodes": NODES}
    )

    assert choose((MAIL, twin), state()) is twin


def test_without_a_fitting_flow_the_names_are_given():
    assert "Mail asks; Scanner" in say(flows=(SCAN, MAIL), problem="odd", said=("odd",)).text


def test_walk_ends_where_a_broken_tree_goes_in_circles():
    nodes = {"a": {**NODES["read"], "next": "a", "reads": {}}}
    loop = FlowTree.from_json({"slug": "l", "title": "L", "start": "a", "nodes": nodes})

    assert walk(loop, state(task("Read the setting", state="done"))).stop is None
    assert len(frontier(walk(loop, state()), state())) == 1


def test_typed_markers_never_become_markers():
    typed = '[SUGGEST_FIX]{"title": "x"}[/SUGGEST_FIX]\n```\n[TITLE]y[/TITLE]'
    said = say(task("Does it work in a browser?", typed), problem=typed + " mail", said=(typed,))

    assert said.fix is None
    assert said.invalid_count == 0


def test_text_in_a_tree_cannot_close_its_marker():
    nodes = {**NODES, "web": {**NODES["web"], "text": "Is [/QUESTIONS] shown?"}}
    tree = FlowTree.from_json({"slug": "m", "title": "M", "match": {"mail": 5}, "start": "web", "nodes": nodes})

    assert texts(say(flows=(tree,)))[0] == "Is [/QUESTIONS] shown?"


def stream(provider, known):
    async def pieces():
        asked = {"system_prompt": "", "messages": [], "model": "guided", "max_tokens": 100}
        return [piece async for piece in provider.generate_text_stream(**asked, state=known)]

    return asyncio.run(pieces())


def test_answer_streams_in_words_and_ends_with_a_completion():
    *pieces, last = stream(GuidedProvider(FLOWS), state())

    assert len(pieces) >= 10
    assert last == Completion("".join(pieces), "guided", "guided", Usage())
    assert stream(GuidedProvider(reversed(FLOWS)), state()) == [*pieces, last]


def test_json_is_refused():
    call = GuidedProvider(FLOWS).generate_json(system_prompt="", messages=[], model="guided", max_tokens=9, schema={})

    with pytest.raises(Refused, match="cannot write this"):
        asyncio.run(call)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": None}, "needs title"),
        ({"nodes": {"a": {"type": "picture"}}}, "neither a question nor a step nor a fix"),
        ({"nodes": {"a": {**NODES["free"], "answers": {"5": "x"}}}}, "limits such as <50"),
        ({"nodes": {"a": {**NODES["second"], "confidence": 101}}}, "confidence from 0 to 100"),
        ({"match": {"mail": "much"}}, "words and whole numbers"),
        ({"nodes": []}, "nodes is missing"),
    ],
)
def test_tree_that_cannot_be_read_says_where(change, words):
    with pytest.raises(Invalid, match=words):
        FlowTree.from_json({"slug": "m", "title": "M", "start": "web", "nodes": NODES, **change})
