pytest_plugins = ["flowpilot.testing.canaries", "flowpilot.testing.fixtures"]

from flowpilot.testing.plugin import *  # noqa: E402, F403
