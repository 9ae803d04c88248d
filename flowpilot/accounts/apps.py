from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "flowpilot.accounts"
    label = "accounts"

    def ready(self):
        import_module("flowpilot.accounts.signals")
