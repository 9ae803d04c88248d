from django.urls import include, path

from sessions.views import home

urlpatterns = [
    path("", home.dashboard, name="home"),
    path("accounts/", include("allauth.account.urls")),
    path("account/", include("flowpilot.accounts.urls")),
    path("tickets/", include("psa.urls")),
    path("pilot/", include("sessions.urls")),
]

handler400 = "flowpilot.replies.bad_request"
handler403 = "flowpilot.replies.forbidden"
handler404 = "flowpilot.replies.not_found"
handler500 = "flowpilot.replies.server_error"
