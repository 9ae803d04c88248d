from dataclasses import dataclass
from typing import Any

from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.known_settings import SETTINGS
from flowpilot.accounts.permissions import Right, needs
from flowpilot.accounts.preferences import all_settings, change_setting
from flowpilot.accounts.registry import Setting
from flowpilot.errors import Invalid


@dataclass(frozen=True)
class Row:
    """A setting as its row shows it; `error` says what is wrong with what was typed."""

    setting: Setting
    value: Any
    error: str = ""

    @property
    def slug(self) -> str:
        return self.setting.key.replace(".", "-").replace("_", "-")

    @property
    def text(self) -> str:
        return "\n".join(self.value) if isinstance(self.value, list) else str(self.value)


def rows(user, group: str) -> list[Row]:
    """Return a group's rows."""
    values = all_settings(user.account)
    return [Row(each, values[key]) for key, each in SETTINGS.items() if each.group == group]


@require_GET
@needs(Right.MANAGE)
def account_settings(request):
    titles = {"sign_in": "Sign-in rules", "scripts": "Scripts", "notes": "Notes", "time": "Time entries"}
    titles |= {"escalation": "Escalation", "retention": "Retention"}
    cards = [(group, title, found) for group, title in titles.items() if (found := rows(request.user, group))]
    return render(request, "accounts/account_settings.html", {"at": "settings", "section": "account", "cards": cards})


@require_POST
@needs(Right.MANAGE)
def change(request):
    key, typed = request.POST.get("key", ""), request.POST.get("value", "")
    try:
        value = change_setting(account=request.user.account, key=key, value=typed, by=request.user)
    except Invalid as error:
        row = Row(SETTINGS[key], typed, error.message)
        return render(request, "accounts/_setting.html", {"row": row}, status=error.status)
    if not request.htmx:
        return redirect("ai:settings" if key.startswith("ai.") else "accounts:account-settings")
    return render(request, "accounts/_setting.html", {"row": Row(SETTINGS[key], value), "is_saved": True})
