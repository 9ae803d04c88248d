from django.apps import AppConfig


class SessionsConfig(AppConfig):
    name = "sessions"
    label = "chat_sessions"  # Django's own login sessions hold the label `sessions`
