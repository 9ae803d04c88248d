from django.apps import AppConfig


class UiConfig(AppConfig):
    name = "flowpilot.ui"
    label = "ui"
