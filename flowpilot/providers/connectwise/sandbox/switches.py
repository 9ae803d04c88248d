"""Where sources about ConnectWise disagree. FlowPilot must work with each switch in either position."""

from dataclasses import dataclass


@dataclass
class Switches:
    auth_failure_status: int = 401  # in the cloud wrong keys can answer 404
    client_id_failure_status: int = 401  # 403 on-premises
    permission_status: int = 403  # some endpoints answer 401 with the same text
    html_for_unknown_endpoint: bool = False
    open_system_info: bool = False  # /system/info answers without keys
    refuses_unknown_fields: bool = False  # in `fields`
    backslash_escapes_in_conditions: bool = False
    date_only_is_empty: bool = False  # `>= [today]` without a time finds nothing
    escapes_note_text: bool = True  # Markdown backslashes in notes read back
    joins_note_lines: bool = False  # line breaks in notes become spaces
    has_all_notes: bool = True  # old servers lack /allNotes
    mails_by_default: bool = True  # what an omitted processNotifications means
    truncates_long_summary: bool = False
    ignores_sub_paths: bool = False  # PATCH status/id answers 200 and changes nothing
    ignores_unknown_patch_paths: bool = False
    refuses_owner_removal: bool = False  # PATCH `remove` on owner; replacing it by null works
    says_retry_after: bool = True  # on a 429
    note_lag: float = 0.0  # seconds until a new note shows in lists
