from django.urls import path

from flowpilot.scripts.views import builder, editing, library

app_name = "scripts"
urlpatterns = [
    path("", library.library, name="library"),
    path("new", editing.new_template, name="new-template"),
    path("parameter-row", editing.parameter_row, name="parameter-row"),
    path("builder", builder.builder, name="builder"),
    path("builder/start", builder.start_conversation, name="start-conversation"),
    path("builder/<uuid:conversation_id>", builder.conversation, name="conversation"),
    path("builder/<uuid:conversation_id>/ask", builder.ask_builder, name="ask-builder"),
    path("builder/<uuid:conversation_id>/retry", builder.retry_builder, name="retry-builder"),
    path("builder/<uuid:conversation_id>/save", builder.save_built, name="save-built"),
    path("<uuid:template_id>", library.template, name="template"),
    path("<uuid:template_id>/preview", library.preview, name="preview"),
    path("<uuid:template_id>/copy", library.copy, name="copy"),
    path("<uuid:template_id>/download", library.download, name="download"),
    path("<uuid:template_id>/versions", library.versions, name="versions"),
    path("<uuid:template_id>/builder", builder.builder_pane, name="builder-pane"),
    path("<uuid:template_id>/edit", editing.edit_template, name="edit-template"),
    path("<uuid:template_id>/publish", editing.publish_template, name="publish-template"),
    path("<uuid:template_id>/archive", editing.archive_template, name="archive-template"),
    path("<uuid:template_id>/restore", editing.restore_version, name="restore-version"),
]
