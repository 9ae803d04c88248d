"""The starter flows: common problems at a managed service provider, ready to walk without any AI."""

import json
from functools import cache
from pathlib import Path

from flowpilot.providers.ai.trees import FlowTree


@cache
def load_starter_flows() -> tuple[FlowTree, ...]:
    """Return the starter flows in the order of their slugs; read from disk once, when first asked for."""
    files = sorted((Path(__file__).parent / "starter").glob("*.json"))
    return tuple(FlowTree.from_json(json.loads(file.read_text(encoding="utf-8"))) for file in files)
