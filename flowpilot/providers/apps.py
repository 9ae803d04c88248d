from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    name = "flowpilot.providers"
    label = "providers"
