"""The account's settings as a form of the admin, one field a setting, made from the registry."""

from typing import Any

from django import forms

from flowpilot.accounts.known_settings import SETTINGS
from flowpilot.accounts.models import Account
from flowpilot.accounts.preferences import all_settings
from flowpilot.accounts.registry import Setting
from flowpilot.errors import Invalid

TITLES = {
    "ai": "AI",
    "tiers": "How strong a model answers",
    "mcp": "Microsoft Learn",
    "notes": "Notes",
    "time": "Time entries",
    "escalation": "Escalation",
    "scripts": "Scripts",
    "tickets": "New tickets",
    "retention": "Retention",
    "sign_in": "Sign-in rules",
}


class SettingField(forms.Field):
    """One setting; the registry says what it takes, and in which words it refuses."""

    def __init__(self, setting: Setting, **kwargs: Any) -> None:
        self.setting = setting
        super().__init__(required=False, label=setting.label, help_text=setting.help, widget=_widget(setting), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        try:
            return self.setting.clean(value)
        except Invalid as error:
            raise forms.ValidationError(error.message) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.setting.clean(data) != initial)
        except Invalid:
            return True


def _widget(setting: Setting) -> forms.Widget:
    if setting.kind == "flag":
        return forms.CheckboxInput()
    if setting.kind == "choice":
        return forms.Select(choices=setting.choices)
    is_long = setting.kind == "listing" or getattr(setting, "lines", 1) > 1
    return (
        forms.Textarea({"rows": 3, "class": "vLargeTextField"}) if is_long else forms.TextInput({"class": "vTextField"})
    )


class _AccountForm(forms.ModelForm):
    class Meta:
        model = Account
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {**self.initial, **all_settings(self.instance)}


AccountForm = type("AccountForm", (_AccountForm,), {key: SettingField(each) for key, each in SETTINGS.items()})


def groups(keys: list[str]) -> list[tuple[str, list[str]]]:
    """Return settings in groups, each under its title."""
    found: dict[str, list[str]] = {}
    for key in keys:
        group = SETTINGS[key].group
        found.setdefault(TITLES.get(group, group.replace("_", " ").capitalize()), []).append(key)
    return list(found.items())
