"""Where a session stands in the flows: which one it follows, how far it got, what is due. Pure; it keeps nothing between answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from flowpilot.providers.ai.base import ChatState, FixState, TaskState
from flowpilot.providers.ai.trees import Branch, Fix, FlowTree, Node, Question, Step, same_text

MATCH_FROM = 5  # the score from which a flow fits
MOST_OPEN = 3  # tasks put at a time
LONGEST_HINT = 400  # characters of a message that may move the session to another flow; longer ones are pasted output
TRIED = {"partial": "helped partly", "failed": "did not work", "dismissed": "was dismissed"}

Entry = tuple[Question | Step, TaskState, Branch]  # a node, what became of it, and where that led
_CLOSED = {"answered", "done", "skipped"}
_PENDING = {"none", "verifying", "waiting"}


@dataclass(frozen=True)
class Walk:
    """How far a session got in a flow. `stop` is the open node, the fix that is due, or None where nothing is left."""

    flow: FlowTree
    path: tuple[Entry, ...]
    tried: tuple[tuple[Fix, FixState], ...]
    stop: Node | None


def walk(flow: FlowTree, state: ChatState) -> Walk:
    """Follow a flow from its start through what was answered, done, skipped or tried."""
    tasks = _tasks(state)
    path: list[Entry] = []
    tried: list[tuple[Fix, FixState]] = []
    seen, at = set(), flow.start
    while (node := flow.nodes.get(at)) and at not in seen:
        seen.add(at)
        if isinstance(node, Fix):
            fix = _find_fix(state, node)
            if fix is None or fix.outcome not in TRIED:
                return Walk(flow, tuple(path), tuple(tried), node)
            tried.append((node, fix))
            at = node.if_failed
            continue
        task = tasks.get(same_text(node.text))
        if task is None or task.state not in _CLOSED:
            return Walk(flow, tuple(path), tuple(tried), node)
        path.append((node, task, node.follow(task.answer)))
        at = path[-1][2].to
    return Walk(flow, tuple(path), tuple(tried), None)


def frontier(walked: Walk, state: ChatState) -> list[Question | Step]:
    """Return the next open nodes: the one that is due, and those ahead of it that its answer will hardly change."""
    tasks = _tasks(state)
    found: list[Question | Step] = []
    node = walked.stop
    while node and not isinstance(node, Fix) and node not in found and len(found) < MOST_OPEN:
        task = tasks.get(same_text(node.text))
        is_closed = task is not None and task.state in _CLOSED
        branch = node.follow(task.answer) if task and is_closed else node.ahead
        if not is_closed:
            found.append(node)
        node = walked.flow.nodes.get(branch.to) if branch else None
    return found


def choose(flows: Sequence[FlowTree], state: ChatState) -> FlowTree | None:
    """Return the flow to follow: the one being walked, unless what was said since fits another; else the best match."""
    ours = _being_walked(flows, state)
    free = [line for line in state.said if not is_report(line, state)]
    if ours is None:
        return _best(flows, state.problem) or _best(flows, "\n".join([state.problem, *free])) or _general(flows)
    if not ours.match:
        answers = [task.answer for task in state.tasks]
        return _best(flows, "\n".join([state.problem, *free, *answers])) or ours
    last = state.said[-1] if state.said else ""
    if last in free and len(last) <= LONGEST_HINT and ours.score(last) <= 0 and not pending_fix(state):
        return _best(flows, last) or ours
    return ours


def _being_walked(flows: Sequence[FlowTree], state: ChatState) -> FlowTree | None:
    """Return the flow whose text came into the lane last, or failing that whose fix was suggested last."""
    for task in reversed(state.tasks):
        for flow in in_order(flows):
            if owns(flow, task):
                return flow
    for fix in reversed(state.fixes):
        for flow in in_order(flows):
            if fix_node(flow, fix):
                return flow
    return None


def _best(flows: Sequence[FlowTree], text: str) -> FlowTree | None:
    fitting = [flow for flow in in_order(flows) if flow.match and flow.score(text) >= MATCH_FROM]
    return max(fitting, key=lambda flow: flow.score(text), default=None)


def _general(flows: Sequence[FlowTree]) -> FlowTree | None:
    return next((flow for flow in in_order(flows) if not flow.match), None)


def in_order(flows: Sequence[FlowTree]) -> list[FlowTree]:
    """Return flows in the order that settles every tie."""
    return sorted(flows, key=lambda flow: flow.slug)


def is_report(text: str, state: ChatState) -> bool:
    """Whether a message was made from the task lane or the fix panel rather than typed."""
    told = same_text(text)
    if any(told.startswith(f"the fix “{same_text(fix.title)}”") for fix in state.fixes):
        return True
    return text.startswith("- ") and any(same_text(task.text) in told for task in state.tasks)


def pending_fix(state: ChatState) -> FixState | None:
    """Return the active fix of which nobody has said yet what came."""
    return next((fix for fix in state.fixes if fix.is_active and fix.outcome in _PENDING), None)


def _find_fix(state: ChatState, node: Fix) -> FixState | None:
    """Return the session's fix that a node proposed: the active one, else the latest."""
    found = [fix for fix in state.fixes if is_fix(node, fix)]
    return next((fix for fix in found if fix.is_active), found[-1] if found else None)


def fix_node(flow: FlowTree, fix: FixState) -> Fix | None:
    """Return the node of a flow that proposes a session's fix."""
    return next((node for node in flow.nodes.values() if isinstance(node, Fix) and is_fix(node, fix)), None)


def is_fix(node: Node | None, fix: FixState) -> bool:
    """Whether a node proposes this very fix."""
    return isinstance(node, Fix) and same_text(node.title) == same_text(fix.title)


def owns(flow: FlowTree, task: TaskState) -> bool:
    """Whether a task of the lane is one of a flow's nodes."""
    return any(
        not isinstance(node, Fix) and same_text(node.text) == same_text(task.text) for node in flow.nodes.values()
    )


def _tasks(state: ChatState) -> dict[str, TaskState]:
    return {same_text(task.text): task for task in state.tasks}
