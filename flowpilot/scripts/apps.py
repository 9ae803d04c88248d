from django.apps import AppConfig


class ScriptsConfig(AppConfig):
    name = "flowpilot.scripts"
    label = "scripts"
