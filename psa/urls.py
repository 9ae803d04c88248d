from django.urls import path

from psa import views

app_name = "psa"
urlpatterns = [
    path("", views.tickets, name="tickets"),
    path("queue", views.queue, name="queue"),
    path("filters", views.filters, name="filters"),
    path("mine", views.my_queue, name="my-queue"),
    path("<int:ticket_id>", views.ticket, name="ticket"),
    path("<int:ticket_id>/notes", views.notes, name="notes"),
    path("<int:ticket_id>/configurations", views.configurations, name="configurations"),
    path("<int:ticket_id>/status", views.status_select, name="status-select"),
    path("<int:ticket_id>/status/set", views.set_status, name="set-status"),
]
