from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "flowpilot.accounts"
    label = "accounts"
