from django.urls import path

from flowpilot.accounts import views

app_name = "accounts"
urlpatterns = [path("theme", views.set_theme, name="set-theme")]
