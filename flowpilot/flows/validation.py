"""Whether a flow can be walked: no dead ends, no loops, no orphans, everything has text. Pure."""

from collections import Counter
from collections.abc import Iterable

from flowpilot.providers.ai.trees import ESCALATE, OTHERWISE, Fix, FlowTree, Node, Question, Step, same_text

MOST_NODES_DEEP = 40
_MOST_TEXT, _MOST_TITLE, _MOST_CHOICE, _MOST_CHOICES, _MOST_STEPS, _MOST_COMMAND = 500, 200, 200, 12, 20, 4_000


def problems(tree: FlowTree) -> list[str]:
    """Return what keeps a flow from being published, in words; nothing for a sound flow."""
    found = [] if tree.kind in {"troubleshooting", "procedural"} else [f"There is no kind of flow called {tree.kind}."]
    found += [f"The flow has no {name}." for name in ("slug", "title", "escalate") if not getattr(tree, name)]
    if tree.start not in tree.nodes:
        return [*found, f"The flow starts at “{tree.start}”, which does not exist."]
    for node in tree.nodes.values():
        found += _node_problems(node)
        found += [
            f"“{node.id}” leads to “{to}”, which does not exist." for to in _leads_to(node) if to not in tree.nodes
        ]
    found += _repeated(tree)
    found += _shape(tree)
    return found


def _node_problems(node: Node) -> list[str]:
    if node.id == ESCALATE:
        return [f"No node may be called “{ESCALATE}”; that is the end of every flow."]
    if isinstance(node, Question):
        return [*_text(node, "text", node.text, _MOST_TEXT), *_text(node, "why", node.why, _MOST_TEXT), *_answers(node)]
    if isinstance(node, Step):
        told = [*_text(node, "text", node.text, _MOST_TEXT), *_text(node, "why", node.why, _MOST_TEXT)]
        long = len(node.command) > _MOST_COMMAND or len(node.expect) > _MOST_TEXT
        return [*told, *([f"“{node.id}” has a command or an expected result that is too long."] if long else [])]
    return _fix(node)


def _answers(node: Question) -> list[str]:
    found = []
    if OTHERWISE not in node.answers:
        found.append(f"“{node.id}” leads nowhere when it is skipped or unsure: it needs “{OTHERWISE}”.")
    given = set(node.answers) - {OTHERWISE}
    if node.kind == "yes_no" and given != {"yes", "no"}:
        found.append(f"“{node.id}” needs an answer for yes and one for no, and no others.")
    if node.kind == "choice" and not given <= set(node.choices):
        found.append(f"“{node.id}” has answers that are not among its choices.")
    if node.kind == "choice" and not set(node.choices) - given <= _covered(node):
        found.append(f"“{node.id}” has choices that lead nowhere.")
    if node.kind == "choice" and (
        not 2 <= len(node.choices) <= _MOST_CHOICES or max(map(len, node.choices)) > _MOST_CHOICE
    ):
        found.append(f"“{node.id}” needs two to {_MOST_CHOICES} choices of at most {_MOST_CHOICE} characters.")
    if node.usual and node.usual not in node.answers:
        found.append(f"“{node.id}” names a usual answer that it does not have.")
    return found


def _covered(node: Question) -> set[str]:
    """The choice that follows `otherwise` rather than a branch of its own: at most one, by convention the last."""
    return set(node.choices[-1:]) if OTHERWISE in node.answers else set()


def _fix(node: Fix) -> list[str]:
    found = [*_text(node, "title", node.title, _MOST_TITLE), *_text(node, "rationale", node.rationale, _MOST_COMMAND)]
    if not 1 <= len(node.steps) <= _MOST_STEPS or not all(0 < len(step) <= _MOST_TEXT for step in node.steps):
        found.append(f"“{node.id}” needs one to {_MOST_STEPS} steps of at most {_MOST_TEXT} characters.")
    if node.script and not all(node.script.values()):
        found.append(f"“{node.id}” has a script without a language or a purpose.")
    return found


def _text(node: Node, name: str, value: str, most: int) -> list[str]:
    if not value:
        return [f"“{node.id}” has no {name}."]
    return [f"“{node.id}” has a {name} of more than {most} characters."] if len(value) > most else []


def _leads_to(node: Node) -> Iterable[str]:
    return dict.fromkeys(branch.to for branch in node.branches if branch.to != ESCALATE)


def _repeated(tree: FlowTree) -> list[str]:
    texts = Counter(same_text(node.title if isinstance(node, Fix) else node.text) for node in tree.nodes.values())
    return [
        f"“{text}” stands in the flow {count} times; each text may stand once."
        for text, count in texts.items()
        if count > 1
    ]


def _shape(tree: FlowTree) -> list[str]:
    """Say what is never reached, goes in circles, or lies too deep."""
    reached, pending = {tree.start}, [tree.start]
    while pending:
        fresh = {to for to in _leads_to(tree.nodes[pending.pop()]) if to in tree.nodes} - reached
        reached |= fresh
        pending += fresh
    found = [f"“{key}” is never reached." for key in tree.nodes if key not in reached]
    deepest = _longest_walk(tree, reached)
    if deepest is None:
        found.append("The flow goes in a circle.")
    elif deepest > MOST_NODES_DEEP:
        found.append(f"The longest way through the flow has {deepest} nodes; {MOST_NODES_DEEP} is the most.")
    return [*found, *([] if any(isinstance(tree.nodes[key], Fix) for key in reached) else ["The flow has no fix."])]


def _longest_walk(tree: FlowTree, reached: set[str]) -> int | None:
    """Return how many nodes the longest way has, or None where there is a loop: nodes are taken once all before them were."""
    waiting = Counter(to for key in reached for to in _leads_to(tree.nodes[key]) if to in tree.nodes)
    depth = dict.fromkeys(reached, 1)
    ready = [key for key in reached if not waiting[key]]
    taken = 0
    while ready:
        key = ready.pop()
        taken += 1
        for to in _leads_to(tree.nodes[key]):
            if to in tree.nodes:
                depth[to] = max(depth[to], depth[key] + 1)
                waiting[to] -= 1
                if not waiting[to]:
                    ready.append(to)
    return max(depth.values()) if taken == len(reached) else None
