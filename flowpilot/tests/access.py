"""The right that each URL takes, written down a second time: the test of the permission table compares it with what the URLs answer.

A new URL gets its name here; the tests fail until it has one.
"""

from flowpilot.accounts.permissions import Right

OPEN_TO_NOBODY = {
    "account_login",
    "account_logout",
    "account_inactive",
    "account_signup",
    "account_reset_password",
}
URLS_BY_RIGHT: dict[Right, set[str]] = {
    Right.WORK: {
        "home",
        "accounts:set-theme",
        # Tickets
        "psa:configurations",
        "psa:filters",
        "psa:my-queue",
        "psa:notes",
        "psa:queue",
        "psa:set-status",
        "psa:status-select",
        "psa:ticket",
        "psa:tickets",
        # Scripts
        "scripts:archive-template",
        "scripts:copy",
        "scripts:download",
        "scripts:edit-template",
        "scripts:library",
        "scripts:new-template",
        "scripts:parameter-row",
        "scripts:preview",
        "scripts:restore-version",
        "scripts:template",
        "scripts:versions",
        # Sessions
        "sessions:add-fact",
        "sessions:answer-task",
        "sessions:apply-fix",
        "sessions:ask",
        "sessions:chat",
        "sessions:dismiss-fix",
        "sessions:edit-fact",
        "sessions:history",
        "sessions:note-preview",
        "sessions:post-note",
        "sessions:posting",
        "sessions:rebuild-note",
        "sessions:record-outcome",
        "sessions:remove-fact",
        "sessions:reopen-task",
        "sessions:resolution",
        "sessions:resolve-chat",
        "sessions:restore-fact",
        "sessions:retry-posts",
        "sessions:retry-turn",
        "sessions:save-note",
        "sessions:skip-task",
        "sessions:start-chat",
        "sessions:start-from-ticket",
        "sessions:stop-turn",
        "sessions:stream-turn",
        "sessions:tell-answers",
        "sessions:ticket-statuses",
        "sessions:turn",
    },
    Right.PUBLISH: {"scripts:publish-template"},
    Right.MANAGE: set(),
    Right.OWN: set(),
    Right.ADMINISTER: set(),
}
RIGHTS = {name: right for right, names in URLS_BY_RIGHT.items() for name in names}
