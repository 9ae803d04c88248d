"""The settings there are. A new one is a line here; pages, checks and defaults follow from it."""

from uuid import UUID

from flowpilot.accounts.registry import AI_SERVICES, Choice, Flag, Listing, Number, Setting, Text
from flowpilot.errors import Invalid

_TIERS = (("", "As the server is set"), ("fast", "Fast"), ("standard", "Standard"), ("deep", "Deep"))
_TABS = (("internal", "Internal"), ("discussion", "Discussion"), ("resolution", "Resolution"))
_DAYS = {30: "30 days", 90: "90 days", 180: "6 months", 365: "12 months", 730: "2 years", 1825: "5 years"}
_KEPT = (*((str(days), label) for days, label in _DAYS.items()), ("0", "For ever"))


def _tenant(word: str) -> str:
    try:
        return str(UUID(word))
    except ValueError as error:
        raise Invalid(
            f"“{word[:60]}” is no Microsoft tenant ID. It looks like 72f988bf-86f1-41af-91ab-2d7cd011db47."
        ) from error


_AI: list[Setting] = [
    Choice(
        key="ai.provider",
        group="ai",
        label="Provider",
        help="Who answers. Without a key for it, the guided engine does.",
        default="",
        choices=(
            ("", "As the server is set"),
            ("anthropic", "Claude"),
            ("gemini", "Gemini"),
            ("guided", "Guided engine only"),
        ),
    ),
    Number(
        key="ai.budget.monthly_usd",
        group="ai",
        label="Monthly budget",
        help="At 80 % people are told; once the rest carries no other answer, sessions go on guided. 0: no limit.",
        default=0,
        most=100_000,
        unit="$",
    ),
    *(
        Choice(key=f"ai.tiers.{name}", group="tiers", label=label, help="", default="", choices=_TIERS)
        for name, label in AI_SERVICES.items()
    ),
    *(
        Choice(
            key=f"ai.mcp.{name}",
            group="mcp",
            label=label,
            help="",
            default="",
            choices=(("", "As the server is set"), ("on", "On"), ("off", "Off")),
        )
        for name, label in AI_SERVICES.items()
    ),
]
_NOTES: list[Setting] = [
    Choice(
        key="notes.default_tab",
        group="notes",
        label="Where notes go",
        help="Chosen when a post opens; people can change it. Discussion and Resolution are seen by the customer.",
        default="internal",
        choices=_TABS,
    ),
    Text(
        key="notes.opening",
        group="notes",
        label="Above each note",
        help="Put before the note’s first line.",
        default="",
        most=1000,
        lines=3,
    ),
    Text(
        key="notes.closing",
        group="notes",
        label="Below each note",
        help="Put after the note’s last line, before a person’s signature.",
        default="",
        most=1000,
        lines=3,
    ),
    Flag(
        key="notes.branding",
        group="notes",
        label="Mention FlowPilot in notes",
        help="Adds “Written with FlowPilot.” as the last line of a resolution note.",
        default=False,
    ),
]
_TIME: list[Setting] = [
    Flag(
        key="time.offer",
        group="time",
        label="Offer a time entry",
        help="Ticked when a note is about to be posted. Minutes are as worked, never rounded.",
        default=True,
    ),
    Number(
        key="time.idle_minutes",
        group="time",
        label="Count a pause as idle after",
        help="Longer pauses are shown, and not counted as work.",
        default=10,
        least=1,
        most=240,
        unit="minutes",
    ),
    Choice(
        key="time.billable",
        group="time",
        label="Billing of time entries",
        help="Chosen when a time entry opens; people can change it.",
        default="",
        choices=(
            ("", "As ConnectWise has it"),
            ("Billable", "Billable"),
            ("DoNotBill", "Do not bill"),
            ("NoCharge", "No charge"),
        ),
    ),
]
_ESCALATION: list[Setting] = [
    Number(
        key="escalation.after_minutes",
        group="escalation",
        label="Suggest escalating after",
        help="Minutes worked on a session while no fix held. 0: never suggested.",
        default=60,
        most=1440,
        unit="minutes",
    ),
    Number(
        key="escalation.after_failed_fixes",
        group="escalation",
        label="Or after failed fixes",
        help="How many suggested fixes may fail first. 0: never suggested.",
        default=3,
        most=20,
        unit="fixes",
    ),
]
_SCRIPTS: list[Setting] = [
    Choice(
        key="scripts.after_resolve",
        group="notes",
        label="Scripts after a session",
        help="Drafts of a resolved session are offered for review there, or only counted in the sidebar.",
        default="ask",
        choices=(("ask", "Ask in the session"), ("count", "Only count")),
    ),
]
_RETENTION: list[Setting] = [
    Choice(
        key="retention.sessions_days",
        group="retention",
        label="Keep sessions",
        help="Counted from the last change of an ended session. Posted notes stay in ConnectWise.",
        default="0",
        choices=_KEPT,
    ),
    Choice(
        key="retention.attachments_days",
        group="retention",
        label="Keep screenshots",
        help="Counted from the end of their session.",
        default="0",
        choices=_KEPT,
    ),
]
_SIGN_IN: list[Setting] = [
    Flag(
        key="sign_in.second_factor",
        group="sign_in",
        label="Everybody needs a second factor",
        help="Who has none sets one up at the next click, before anything else.",
        default=False,
    ),
    Listing(
        key="sign_in.microsoft_tenants",
        group="sign_in",
        label="Microsoft tenants",
        help="Tenant IDs of Entra whose people may sign in with Microsoft under their address here. One a line.",
        default=[],
        check=_tenant,
    ),
]
_TICKETS: list[Setting] = [
    Number(
        key="psa.new_ticket.board",
        group="tickets",
        label="Board of new tickets",
        help="Chosen when a new ticket opens. 0: none.",
        default=0,
        most=2**31 - 1,
    ),
    Number(
        key="psa.new_ticket.priority",
        group="tickets",
        label="Priority of new tickets",
        help="Chosen when a new ticket opens. 0: the board's own.",
        default=0,
        most=2**31 - 1,
    ),
]
SETTINGS: dict[str, Setting] = {
    setting.key: setting
    for setting in [*_TICKETS, *_AI, *_NOTES, *_TIME, *_ESCALATION, *_SCRIPTS, *_RETENTION, *_SIGN_IN]
}
