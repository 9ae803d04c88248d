from django.urls import path

from psa import hooks
from psa.views import connection, create, detail, people, queue

app_name = "psa"
urlpatterns = [
    path("", queue.tickets, name="tickets"),
    path("queue", queue.queue, name="queue"),
    path("filters", queue.filters, name="filters"),
    path("filters/members", queue.find_members, name="find-members"),
    path("filters/companies", queue.find_companies, name="find-companies"),
    path("filters/wider", queue.wider, name="wider"),
    path("count", queue.count, name="count"),
    path("changes", hooks.tell_changes, name="changes"),
    path("mine", queue.my_queue, name="my-queue"),
    path("next", queue.next_ticket, name="next-ticket"),
    path("connection", connection.connection, name="connection"),
    path("connection/test", connection.test_connection, name="test-connection"),
    path("connection/defaults", connection.ticket_defaults, name="ticket-defaults"),
    path("connection/defaults/set", connection.set_ticket_defaults, name="set-ticket-defaults"),
    path("member", connection.my_member, name="my-member"),
    path("new", create.new_ticket, name="new-ticket"),
    path("new/fill", create.fill_ticket, name="fill-ticket"),
    path("new/company", create.find_company, name="find-company"),
    path("new/create", create.create_ticket, name="create-ticket"),
    path("<int:ticket_id>", detail.ticket, name="ticket"),
    path("<int:ticket_id>/notes", detail.notes, name="notes"),
    path("<int:ticket_id>/notes/feed", detail.note_feed, name="note-feed"),
    path("<int:ticket_id>/resources", people.resources, name="resources"),
    path("<int:ticket_id>/resources/find", people.find_resources, name="find-resources"),
    path("<int:ticket_id>/resources/add", people.assign, name="assign"),
    path("<int:ticket_id>/resources/remove", people.unassign, name="unassign"),
    path("<int:ticket_id>/related", detail.related, name="related"),
    path("<int:ticket_id>/time", detail.time_entries, name="time_entries"),
    path("<int:ticket_id>/configurations", detail.configurations, name="configurations"),
    path("<int:ticket_id>/status", detail.status_select, name="status-select"),
    path("<int:ticket_id>/status/set", detail.set_status, name="set-status"),
]
