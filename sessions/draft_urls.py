from django.urls import path

from sessions.views import drafts

app_name = "drafts"
urlpatterns = [
    path("", drafts.drafts, name="drafts"),
    path("badge", drafts.badge, name="badge"),
    path("<uuid:draft_id>", drafts.draft, name="draft"),
    path("<uuid:draft_id>/preview", drafts.preview_draft, name="preview-draft"),
    path("<uuid:draft_id>/save", drafts.save_draft, name="save-draft"),
    path("<uuid:draft_id>/publish", drafts.publish_draft, name="publish-draft"),
    path("<uuid:draft_id>/dismiss", drafts.dismiss_draft, name="dismiss-draft"),
    path("<uuid:draft_id>/suggest", drafts.suggest_draft, name="suggest-draft"),
]
