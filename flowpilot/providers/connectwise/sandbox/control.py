"""The sandbox's own levers over HTTP, for a demo that runs in another process: below /_sandbox, with the same keys.

GET writes: every write that was made · GET calls, DELETE calls: what was asked since · PUT latency {"seconds": 0.2 or [0.1, 0.4]} · PUT permissions {"without": ["scheduling:add"]} ·
PUT switches {"note_lag": 1} · POST faults {"kind": "429", "times": 1, "match": "POST"} · POST close {"seconds": 60, "codebase": "v2026_2"} ·
POST reset
"""

from typing import TYPE_CHECKING, Any

from flowpilot.providers.connectwise.sandbox.door import Seen
from flowpilot.providers.connectwise.sandbox.endpoints import ALL_PERMISSIONS
from flowpilot.providers.connectwise.sandbox.replies import Reply

if TYPE_CHECKING:
    from flowpilot.providers.connectwise.sandbox import Sandbox

PREFIX = "/_sandbox/"


def control(sandbox: "Sandbox", seen: Seen) -> Reply:
    """Pull a lever, or tell what was written."""
    lever = seen.path.removeprefix(PREFIX)
    given: dict[str, Any] = seen.body if isinstance(seen.body, dict) else {}
    match f"{seen.method} {lever}":
        case "GET writes":
            rows = [{"method": each.method, "path": each.path, "body": each.body} for each in sandbox.writes]
            return Reply(200, rows)
        case "GET calls":
            return Reply(200, [f"{each.method} {each.path}" for each in sandbox.seen])
        case "DELETE calls":
            sandbox.app.seen.clear()
        case "PUT latency":
            seconds = given.get("seconds", 0.0)
            sandbox.app.latency = (seconds[0], seconds[1]) if isinstance(seconds, list) else float(seconds)
        case "PUT permissions":
            sandbox.endpoints.permissions = set(ALL_PERMISSIONS) - set(given.get("without", []))
        case "PUT switches":
            for name, value in given.items():
                if not hasattr(sandbox.switches, name):
                    return Reply(400, {"message": f"There is no switch {name}."})
                setattr(sandbox.switches, name, value)
        case "POST faults":
            sandbox.fail_next(given["kind"], int(given.get("times", 1)), given.get("match"))
        case "POST close":
            sandbox.close_for(float(given.get("seconds", 60)), given.get("codebase"))
        case "POST reset":
            sandbox.reset()
        case _:
            return Reply(404, {"message": "There is no such lever."})
    return Reply(204)
