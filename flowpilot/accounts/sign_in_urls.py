"""What of allauth can be reached, named one by one: a page that is not here does not exist.

Its views know nothing of accounts: they run outside any scope, where people are found by address over all accounts.
"""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.urls import path, re_path
from django.views.generic import RedirectView

from flowpilot.accounts import provider as microsoft
from flowpilot.accounts.middleware import own_scope

# People come in by invitation. Allauth's own pages name these, and find the sign-in or the settings.
_closed = RedirectView.as_view(pattern_name="account_login")
_security = RedirectView.as_view(pattern_name="accounts:security")

urlpatterns = [
    path("login/", own_scope(account.login), name="account_login"),
    path("logout/", own_scope(account.logout), name="account_logout"),
    path("inactive/", own_scope(account.account_inactive), name="account_inactive"),
    path("signup/", _closed, name="account_signup"),
    path("reauthenticate/", own_scope(account.reauthenticate), name="account_reauthenticate"),
    path("password/change/", own_scope(account.password_change), name="account_change_password"),
    path("password/reset/", own_scope(account.password_reset), name="account_reset_password"),
    path("password/reset/done/", own_scope(account.password_reset_done), name="account_reset_password_done"),
    path(
        "password/reset/key/done/",
        own_scope(account.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        own_scope(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path("2fa/", _security, name="mfa_index"),
    path("2fa/authenticate/", own_scope(mfa.authenticate), name="mfa_authenticate"),
    path("2fa/reauthenticate/", own_scope(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("2fa/app/activate/", own_scope(totp.activate_totp), name="mfa_activate_totp"),
    path("2fa/app/deactivate/", own_scope(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("2fa/codes/", own_scope(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("2fa/codes/generate/", own_scope(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("2fa/codes/download/", own_scope(codes.download_recovery_codes), name="mfa_download_recovery_codes"),
    path("2fa/passkeys/", _security, name="mfa_list_webauthn"),
    path("2fa/passkeys/add/", own_scope(webauthn.add_webauthn), name="mfa_add_webauthn"),
    path("2fa/passkeys/login/", own_scope(webauthn.login_webauthn), name="mfa_login_webauthn"),
    path(
        "2fa/passkeys/reauthenticate/", own_scope(webauthn.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"
    ),
    path("2fa/passkeys/<int:pk>/remove/", own_scope(webauthn.remove_webauthn), name="mfa_remove_webauthn"),
    path("2fa/passkeys/<int:pk>/edit/", own_scope(webauthn.edit_webauthn), name="mfa_edit_webauthn"),
    path("microsoft/login/", microsoft.login, name="microsoft_login"),
    path("microsoft/callback/", microsoft.callback, name="microsoft_callback"),
    path("microsoft/cancelled/", _closed, name="socialaccount_login_cancelled"),
    path("microsoft/error/", _closed, name="socialaccount_login_error"),
    path("microsoft/signup/", _closed, name="socialaccount_signup"),
    path("microsoft/connections/", _security, name="socialaccount_connections"),
]
