from allauth.account import views as allauth
from django.urls import include, path
from django.views.generic import RedirectView

from psa import hooks
from sessions.views import home, moved, scripts

# People come in by invitation, so of allauth only signing in and out is reachable. Its own pages name the others, and find the sign-in.
_closed = RedirectView.as_view(pattern_name="account_login")

urlpatterns = [
    path("", home.dashboard, name="home"),
    path("accounts/login/", allauth.login, name="account_login"),
    path("accounts/logout/", allauth.logout, name="account_logout"),
    path("accounts/inactive/", allauth.account_inactive, name="account_inactive"),
    path("accounts/signup/", _closed, name="account_signup"),
    path("accounts/password/reset/", _closed, name="account_reset_password"),
    path("", include("flowpilot.accounts.urls")),
    path("tickets/", include("psa.urls")),
    path("scripts/drafts/", include("sessions.draft_urls")),
    path("scripts/<uuid:template_id>/uses", scripts.script_uses, name="script-uses"),
    path("scripts/", include("flowpilot.scripts.urls")),
    path("psa/callback/<str:token>", hooks.receive, name="psa-callback"),
    path("pilot/", include("sessions.urls")),
    path("assistant", moved.assistant, name="assistant"),
    path("assistant/", moved.assistant, name="assistant-list"),
    path("assistant/<uuid:chat_id>", moved.assistant_chat, name="assistant-chat"),
]

handler400 = "flowpilot.replies.bad_request"
handler403 = "flowpilot.replies.forbidden"
handler404 = "flowpilot.replies.not_found"
handler500 = "flowpilot.replies.server_error"
