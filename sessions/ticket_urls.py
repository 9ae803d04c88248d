from django.urls import path

from sessions.views import tickets

urlpatterns = [
    path("<uuid:chat_id>/ticket", tickets.pick_ticket, name="pick-ticket"),
    path("<uuid:chat_id>/ticket/find", tickets.find_tickets, name="find-tickets"),
    path("<uuid:chat_id>/ticket/link", tickets.link_ticket, name="link-ticket"),
    path("<uuid:chat_id>/ticket/unlink", tickets.unlink_ticket, name="unlink-ticket"),
    path("on/<int:ticket_id>", tickets.linked, name="linked"),
    path("on/<int:ticket_id>/notes/add", tickets.add_ticket_note, name="add-ticket-note"),
]
