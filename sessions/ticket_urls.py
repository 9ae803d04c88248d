from django.urls import path

from sessions.views import tickets

urlpatterns = [
    path("on/<int:ticket_id>", tickets.linked, name="linked"),
    path("on/<int:ticket_id>/notes/add", tickets.add_ticket_note, name="add-ticket-note"),
]
