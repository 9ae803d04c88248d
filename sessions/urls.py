from django.urls import path

from sessions.views import chat, events, fixes, lane, resolve, start, stream, turns

app_name = "sessions"
urlpatterns = [
    path("", start.history, name="history"),
    path("start", start.start_chat, name="start-chat"),
    path("start/<int:ticket_id>", start.start_from_ticket, name="start-from-ticket"),
    path("<uuid:chat_id>", chat.chat, name="chat"),
    path("<uuid:chat_id>/events", events.chat_events, name="chat-events"),
    path("<uuid:chat_id>/turns", turns.ask, name="ask"),
    path("<uuid:chat_id>/turns/answers", turns.tell_answers, name="tell-answers"),
    path("<uuid:chat_id>/turns/<uuid:turn_id>", turns.turn, name="turn"),
    path("<uuid:chat_id>/turns/<uuid:turn_id>/stream", stream.stream_turn, name="stream-turn"),
    path("<uuid:chat_id>/turns/<uuid:turn_id>/retry", turns.retry_turn, name="retry-turn"),
    path("<uuid:chat_id>/turns/<uuid:turn_id>/edit", turns.edit_turn, name="edit-turn"),
    path("<uuid:chat_id>/turns/<uuid:turn_id>/remove", turns.remove_turn, name="remove-turn"),
    path("<uuid:chat_id>/turns/<uuid:turn_id>/stop", turns.stop_turn, name="stop-turn"),
    path("<uuid:chat_id>/tasks/<uuid:item_id>/answer", lane.answer_task, name="answer-task"),
    path("<uuid:chat_id>/tasks/<uuid:item_id>/skip", lane.skip_task, name="skip-task"),
    path("<uuid:chat_id>/tasks/<uuid:item_id>/reopen", lane.reopen_task, name="reopen-task"),
    path("<uuid:chat_id>/facts", lane.add_fact, name="add-fact"),
    path("<uuid:chat_id>/facts/<uuid:fact_id>", lane.edit_fact, name="edit-fact"),
    path("<uuid:chat_id>/facts/<uuid:fact_id>/remove", lane.remove_fact, name="remove-fact"),
    path("<uuid:chat_id>/facts/<uuid:fact_id>/restore", lane.restore_fact, name="restore-fact"),
    path("<uuid:chat_id>/fixes/<uuid:fix_id>/apply", fixes.apply_fix, name="apply-fix"),
    path("<uuid:chat_id>/fixes/<uuid:fix_id>/outcome", fixes.record_outcome, name="record-outcome"),
    path("<uuid:chat_id>/fixes/<uuid:fix_id>/dismiss", fixes.dismiss_fix, name="dismiss-fix"),
    path("<uuid:chat_id>/resolution", resolve.resolution, name="resolution"),
    path("<uuid:chat_id>/resolution/preview", resolve.note_preview, name="note-preview"),
    path("<uuid:chat_id>/resolution/save", resolve.save_note, name="save-note"),
    path("<uuid:chat_id>/resolution/rebuild", resolve.rebuild_note, name="rebuild-note"),
    path("<uuid:chat_id>/resolution/statuses", resolve.statuses, name="ticket-statuses"),
    path("<uuid:chat_id>/resolution/post", resolve.post_note, name="post-note"),
    path("<uuid:chat_id>/resolution/posting", resolve.posting, name="posting"),
    path("<uuid:chat_id>/resolution/retry", resolve.retry_posts, name="retry-posts"),
    path("<uuid:chat_id>/resolve", resolve.resolve_chat, name="resolve-chat"),
]
