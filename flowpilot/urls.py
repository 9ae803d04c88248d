from django.urls import include, path

from flowpilot import health
from flowpilot.admin.urls import urls as admin
from psa import hooks
from sessions.views import home, moved, palette, scripts

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", home.dashboard, name="home"),
    path("palette", palette.open_palette, name="palette"),
    path("palette/results", palette.palette_results, name="palette-results"),
    path("palette/tickets", palette.palette_tickets, name="palette-tickets"),
    path("accounts/", include("flowpilot.accounts.sign_in_urls")),
    path("", include("flowpilot.accounts.urls")),
    path("settings/ai/", include("flowpilot.providers.urls")),
    path("admin/", admin),
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
