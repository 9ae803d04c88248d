from django.urls import path

from flowpilot.providers import views

app_name = "ai"
urlpatterns = [
    path("", views.ai_settings, name="settings"),
    path("keys/<slug:provider>", views.save_ai_key, name="save-key"),
    path("keys/<slug:provider>/remove", views.remove_ai_key, name="remove-key"),
    path("keys/<slug:provider>/test", views.test_ai_key, name="test-key"),
]
