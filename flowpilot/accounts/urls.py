from django.urls import path

from flowpilot.accounts.views import audit, joining, leaving, people, profile, security, settings, staff

app_name = "accounts"
urlpatterns = [
    path("account/theme", profile.set_theme, name="set-theme"),
    path("account/keys", profile.set_single_keys, name="set-single-keys"),
    path("join/<str:token>", joining.join, name="join"),
    path("settings/", profile.settings, name="settings"),
    path("settings/account", settings.account_settings, name="account-settings"),
    path("settings/change", settings.change, name="change-setting"),
    path("settings/profile", profile.profile, name="profile"),
    path("settings/security", security.security, name="security"),
    path("settings/security/second-factor", security.second_factor, name="second-factor"),
    path("settings/security/microsoft/unlink", security.unlink_microsoft, name="unlink-microsoft"),
    path("settings/security/sessions/end", security.end_other_login_sessions, name="end-other-sessions"),
    path("settings/security/sessions/<slug:session_id>/end", security.end_login_session, name="end-session"),
    path("settings/people", people.people_page, name="people"),
    path("settings/people/invite", people.invite, name="invite"),
    path("settings/people/invitations/<uuid:invitation_id>/resend", people.resend_invitation, name="resend-invitation"),
    path("settings/people/invitations/<uuid:invitation_id>/revoke", people.revoke_invitation, name="revoke-invitation"),
    path("settings/people/ownership", people.transfer_ownership, name="transfer-ownership"),
    path("settings/people/<uuid:user_id>/role", people.change_role, name="change-role"),
    path("settings/people/<uuid:user_id>/deactivate", people.deactivate, name="deactivate"),
    path("settings/people/<uuid:user_id>/reactivate", people.reactivate, name="reactivate"),
    path("settings/staff/<uuid:grant_id>/send-away", staff.send_away, name="send-staff-away"),
    path("settings/data", leaving.data, name="data"),
    path("settings/data/export", leaving.ask_export, name="ask-export"),
    path("settings/data/exports/<uuid:export_id>", leaving.take_export, name="take-export"),
    path("settings/data/delete", leaving.delete_account, name="delete-account"),
    path("settings/data/keep", leaving.keep_account, name="keep-account"),
    path("settings/audit", audit.audit_log, name="audit"),
    path("settings/audit.csv", audit.audit_csv, name="audit-csv"),
]
