"""The starter flows: sound, matched by how people speak, and never a dead end whatever is answered."""

import asyncio
import random

import pytest

from flowpilot.flows.starter import load_starter_flows
from flowpilot.flows.validation import problems
from flowpilot.providers.ai.base import ChatState, Completion, FixState, TaskState
from flowpilot.providers.ai.guided import GuidedProvider, answer
from flowpilot.providers.ai.trees import ESCALATE, OTHERWISE, Fix, Question, Step, same_text
from flowpilot.providers.ai.walking import choose, walk
from sessions.markers import collect, parse

FLOWS = load_starter_flows()
BY_SLUG = {flow.slug: flow for flow in FLOWS}
SPOKEN = {
    "outlook-sign-in": [
        "Outlook keeps asking for a password since the MFA rollout",
        "User gets constant sign-in prompts in Outlook",
        "Outlook password popup keeps coming back",
        "Outlook says Need Password and stays disconnected",
        "Credential prompt loop in Outlook after MFA was enabled",
        "outlook wants me to log in again every ten minutes",
    ],
    "printer-offline": [
        "Printer is offline",
        "Nobody in accounting can print",
        "The print queue is stuck on the second floor printer",
        "Jobs go to the printer but nothing comes out",
        "Cannot print from Outlook to the new HP",
        "Users get an error when printing invoices",
    ],
    "vpn-drops": [
        "VPN drops every hour",
        "The user cannot connect to the VPN from home",
        "FortiClient disconnects all the time",
        "VPN error 809",
        "Connected to VPN but cannot reach the file server",
        "VPN drops on the Wi-Fi at home",
    ],
    "disk-full": [
        "Disk is full on the reception PC",
        "C drive has no space left",
        "Low disk space warning on SRV01",
        "The server's drive is full again",
        "User cannot save, only 200 MB of disk space left",
        "Computer says the hard drive is almost full",
    ],
    "account-locked": [
        "User is locked out of their account",
        "Account keeps getting locked since the password change",
        "New phone, MFA does not work any more",
        "The authenticator app shows no request",
        "User forgot their password",
        "Password expired while on holiday, please reset",
        "Gets MFA prompts she did not start",
    ],
    "wifi": [
        "Wi-Fi is slow in the meeting room",
        "Laptop does not connect to the wifi",
        "Wireless drops several times a day",
        "The WLAN asks for the password again",
        "Connected to WiFi but no internet",
        "Computer is very slow on the wireless network",
    ],
    "slow-pc": [
        "Computer is slow",
        "Laptop takes ages to boot",
        "PC freezes several times a day",
        "The user's workstation is very sluggish since the update",
        "Fan is loud and CPU at 100 %",
        "My computer hangs when I open Excel",
    ],
    "onedrive-sync": [
        "OneDrive does not sync",
        "OneDrive shows a red cross",
        "Files on the desktop are not syncing to SharePoint",
        "OneDrive says the storage is full",
        "One Drive is stuck on sync pending",
        "The Teams files library does not sync to the computer, slow since Monday",
    ],
    "general-triage": [
        "Excel macro shows a run-time error",
        "Teams shows a grey screen",
        "Help",
        "The new ERP client does not start",
        "Scanner in room 4 makes a noise",
        "Set up a new laptop and a desktop computer for Anna",
        "Outlook calendar is missing meetings",
        "The PDF is locked and needs a password",
        "Set up mail on a new phone",
        "Please order a mouse for the PC in reception",
        "",
    ],
}


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.slug)
def test_starter_flow_is_sound(flow):
    assert problems(flow) == []


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.slug)
def test_starter_flow_has_enough_to_be_useful(flow):
    kinds = [type(node) for node in flow.nodes.values()]

    assert 4 <= kinds.count(Question) <= 8
    assert 4 <= kinds.count(Step) <= 8
    assert 4 <= kinds.count(Fix) <= 7
    assert "!" not in "".join(spoken_by(flow))


def spoken_by(flow):
    for node in flow.nodes.values():
        yield from (node.title, node.rationale) if isinstance(node, Fix) else (node.text, node.why)
        yield from (branch.means + branch.concludes for branch in node.branches)


def test_no_text_stands_in_two_flows():
    texts = [same_text(getattr(node, "text", "") or node.title) for flow in FLOWS for node in flow.nodes.values()]

    assert len(texts) == len(set(texts))


def test_one_flow_is_the_general_one():
    assert [flow.slug for flow in FLOWS if not flow.match] == ["general-triage"]


@pytest.mark.parametrize(("slug", "words"), [(slug, words) for slug, spoken in SPOKEN.items() for words in spoken])
def test_problem_finds_its_flow_and_no_other(slug, words):
    scores = sorted((flow.score(words) for flow in FLOWS if flow.match), reverse=True)

    assert choose(FLOWS, ChatState(problem=words, said=(words,))).slug == slug
    assert slug == "general-triage" or scores[0] > scores[1]


class Technician:
    """Plays a session against the flows as the lane and the fix panel do: texts keep their items, what is open is repeated or withdrawn."""

    def __init__(self, flow):
        self.flow = flow
        self.problem = SPOKEN[flow.slug][0]
        self.tasks, self.fixes, self.said = [], [], [self.problem]

    def state(self):
        return ChatState(self.problem, (), tuple(self.tasks), tuple(self.fixes), tuple(self.said))

    def listen(self):
        """Take an answer into the lane and the fix panel; return it."""
        heard = collect(parse(answer(FLOWS, self.state())))
        assert heard.invalid_count == 0
        assert heard.text
        proposed = [(item.text, item.kind) for item in heard.questions] + [
            (item.text, "action") for item in heard.actions
        ]
        if proposed:
            self.tasks = [task for task in self.tasks if task.state != "open"]
            self.tasks += [TaskState(text, kind, "open", "", text) for text, kind in proposed]
        if heard.fix:
            self.fixes = [FixState(f.id, f.title, f.outcome, False, f.reason) for f in self.fixes]
            self.fixes.append(FixState(heard.fix.title, heard.fix.title, "none", True, ""))
        return heard

    def tell(self, node, given):
        """Answer or do one task."""
        state = "done" if isinstance(node, Step) else "skipped" if not given else "answered"
        self.tasks = [task for task in self.tasks if task.text != node.text]
        self.tasks.append(TaskState(node.text, "", state, given, node.text))
        self.said.append(f"- {node.text} {given}" if given else f"- Skipped: {node.text}")

    def fail(self, fix):
        self.fixes[-1] = FixState(fix.title, fix.title, "failed", True, "No change")
        self.said.append(f"The fix “{fix.title}” didn’t work. No change")


def replies(node):
    """Return what somebody may answer: one reply for each branch, and none at all."""
    if isinstance(node, Step):
        return ["", *node.reads]
    given = [key.replace("<", "1 of ") if node.kind == "number" else key for key in node.answers if key != OTHERWISE]
    return ["", *given]


def play(flow, choose_reply):
    """Play a session to its end; return the nodes that were met and what was heard last."""
    technician, met = Technician(flow), []
    for _ in range(60):
        heard = technician.listen()
        stop = walk(flow, technician.state()).stop
        if stop is None:
            return met, heard
        met.append(stop.id)
        if isinstance(stop, Fix):
            assert heard.fix.title == stop.title
            technician.fail(stop)
        else:
            asked = [item.text for item in (*heard.questions, *heard.actions)]
            assert stop.text in asked
            assert len(asked) <= 3
            technician.tell(stop, choose_reply(stop))
    raise AssertionError("The session never ended.")


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.slug)
def test_every_session_ends_in_escalating_once_nothing_is_left(flow):
    dice, met = random.Random(flow.slug), set()
    for _ in range(150):
        nodes, heard = play(flow, lambda node: dice.choice(replies(node)))
        met |= set(nodes)
        assert "nothing left to try" in heard.text
        assert heard.text.endswith(flow.escalate)

    assert met == set(flow.nodes)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.slug)
def test_every_branch_is_taken_by_a_reply(flow):
    for node in flow.nodes.values():
        if not isinstance(node, Fix):
            assert {branch.to for branch in node.branches} == {node.follow(reply).to for reply in replies(node)}


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.slug)
def test_every_fix_has_a_way_on_or_escalates(flow):
    ends = {node.if_failed or ESCALATE for node in flow.nodes.values() if isinstance(node, Fix)}

    assert ESCALATE in ends
    assert ends <= {*flow.nodes, ESCALATE}


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.slug)
def test_first_answer_puts_three_tasks(flow):
    heard = Technician(flow).listen()

    assert len(heard.questions) + len(heard.actions) == 3
    assert heard.title


def test_three_answers_lead_to_a_fix_for_outlook_sign_in():
    technician = Technician(BY_SLUG["outlook-sign-in"])
    first = technician.listen()
    technician.tasks = [
        TaskState(first.questions[0].text, "yes_no", "answered", "Yes", "a"),
        TaskState(first.questions[1].text, "choice", "answered", "EnableADAL is 0", "b"),
        TaskState(first.actions[0].text, "action", "done", "", "c"),
    ]

    second = technician.listen()

    assert second.fix.title == "Remove the registry values that turn modern sign-in off"
    assert [fact.text for fact in second.facts] == [
        "The account, password and mailbox are in order: Outlook on the web works.",
        "Modern sign-in is turned off in the registry (EnableADAL is 0).",
    ]


def test_same_state_gives_the_same_words_in_at_least_ten_pieces():
    async def pieces():
        asked = {"system_prompt": "", "messages": [], "model": "guided", "max_tokens": 100}
        known = ChatState(problem="Printer is offline", said=("Printer is offline",))
        return [piece async for piece in GuidedProvider(FLOWS).generate_text_stream(**asked, state=known)]

    *words, last = asyncio.run(pieces())

    assert len(words) >= 10
    assert isinstance(last, Completion)
    assert asyncio.run(pieces()) == [*words, last]
