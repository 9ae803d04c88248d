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
    resources_lag: float = 0.0  # seconds until `resources` shows a change of the schedule
    schedules_owners: bool = True  # a new owner gets a schedule entry
    clearing_owner_unschedules: bool = False  # clearing the owner takes the owner's entry along
    refuses_double_entries: bool = False  # a second schedule entry of a member
    open_period_days: int = 60  # time older than this falls into a closed period
    workflow_status: str = ""  # where a workflow rule moves a ticket that gets its first owner
    hidden_boards: frozenset[int] = frozenset()  # boards that the security role does not show
    company_info_is_text: bool = False  # IsCloud as "True"
    codebase: str = "v2026_1"  # the release; after an upgrade the old one is gone
    needs_api_prefix: bool = False  # a cloud host without `api-` refuses
    sends_null_custom_values: bool = False  # customFields[].value is null instead of absent
    calls_a_minute: int = 0  # the limiter; 0 is none
    most_at_once: int = 0  # calls side by side before the limiter steps in; 0 is any number
    may_list_rights: bool = True  # /system/mySecurity
