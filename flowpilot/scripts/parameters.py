"""What a template asks for: typed parameters, and the values people give. Pure; a value that does not fit raises Invalid with the reason."""

import builtins
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from flowpilot.errors import Invalid
from flowpilot.scripts.quoting import Value

KINDS = {
    "text": "Text",
    "choice": "Choice",
    "number": "Number",
    "switch": "Switch",
    "path": "Path",
    "host": "Host name or address",
    "secret": "Secret",
}
MOST_PARAMETERS = 20
LONGEST_VALUE = 2000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?")
_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*"
)
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9]{1,16})?")
# Control characters, line ends of every script, what turns text round or hides it, half characters.
_NOT_IN_A_LINE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
_NOT_IN_A_PATH = re.compile('[<>"|?*]')
# A variable of one of these names would change how the script itself runs.
_TAKEN_WORDS = """
args bash_env bashopts cdpath comspec dirstack env error errorlevel euid executioncontext false foreach funcname groups home host ifs
input lastexitcode ld_library_path ld_preload lineno matches myinvocation null ofs opt optarg optind path pathext pid profile
prompt_command ps1 ps2 ps4 pscmdlet pshome psitem psscriptroot psversiontable pwd pythonpath random seconds sender shell shellopts
stacktrace switch systemroot this true uid windir
"""
_TAKEN = {*_TAKEN_WORDS.split(), *(word.lower() for word in (*keyword.kwlist, *dir(builtins)))}


@dataclass(frozen=True)
class Parameter:
    """One thing a script needs to be told. `fill` says which known thing goes in: contact, mail, device, host, address, company, user."""

    name: str
    kind: str = "text"
    label: str = ""
    help: str = ""
    default: str = ""
    is_required: bool = True
    choices: tuple[str, ...] = ()
    fill: str = ""

    @property
    def title(self) -> str:
        return self.label or self.name

    @property
    def is_secret(self) -> bool:
        return self.kind == "secret"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "choices": list(self.choices)}


def read_parameters(data: Any) -> tuple[Parameter, ...]:
    """Return the parameters that JSON describes, checked. Raises Invalid."""
    if not isinstance(data, list):
        raise Invalid("The parameters are not a list.")
    if len(data) > MOST_PARAMETERS:
        raise Invalid(f"A template takes {MOST_PARAMETERS} parameters at most.")
    found = tuple(_read(item) for item in data)
    names = [parameter.name.lower() for parameter in found]
    for name in names:
        if names.count(name) > 1:
            raise Invalid(f"Two parameters are called {name}.")
    return found


def check_values(parameters: Sequence[Parameter], given: Mapping[str, str]) -> tuple[dict[str, Value], dict[str, str]]:
    """Return the values that fit and, by the name of its parameter, why another does not. An absent switch is off."""
    values: dict[str, Value] = {}
    problems: dict[str, str] = {}
    for parameter in parameters:
        try:
            value = check_value(parameter, given.get(parameter.name, ""))
        except Invalid as error:
            problems[parameter.name] = error.message
            continue
        if value is not None:
            values[parameter.name] = value
    return values, problems


def check_value(parameter: Parameter, raw: str) -> Value | None:
    """Return what somebody typed as a value of the parameter's kind; nothing for an optional one left empty. Raises Invalid."""
    if parameter.kind == "switch":
        return raw.strip().lower() in {"on", "true", "yes", "1"}
    text = raw if parameter.is_secret else raw.strip()
    if not text:
        if parameter.is_required:
            raise Invalid(f"{parameter.title} is needed.")
        return Decimal(0) if parameter.kind == "number" else ""
    if len(text) > LONGEST_VALUE:
        raise Invalid(f"{parameter.title} is {len(text):,} characters; {LONGEST_VALUE:,} is the most.")
    if found := _NOT_IN_A_LINE.search(text):
        raise Invalid(
            f"{parameter.title} holds a line break or a hidden character (U+{ord(found[0]):04X}). Type it by hand."
        )
    return _CHECKS.get(parameter.kind, _as_it_is)(parameter, text)


def _as_it_is(parameter: Parameter, text: str) -> Value:
    return text


def _check_choice(parameter: Parameter, text: str) -> Value:
    if text not in parameter.choices:
        raise Invalid(f"{parameter.title} is one of: {', '.join(parameter.choices)}.")
    return text


def _check_number(parameter: Parameter, text: str) -> Value:
    if not _NUMBER.fullmatch(text) or not text.isascii():
        raise Invalid(f"{parameter.title} is a number, such as 30 or 2.5.")
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise Invalid(f"{parameter.title} is a number, such as 30 or 2.5.") from error


def _check_path(parameter: Parameter, text: str) -> Value:
    if found := _NOT_IN_A_PATH.search(text):
        raise Invalid(f"A path cannot hold {found[0]}. Give one file or folder, without quotes.")
    if ".." in re.split(r"[\\/]", text):
        raise Invalid("Give the whole path, without “..”.")
    return text


def _check_host(parameter: Parameter, text: str) -> Value:
    if not text.isascii() or not (_HOST.fullmatch(text) or _ADDRESS.fullmatch(text)):
        raise Invalid(f"{parameter.title} is a host name or an address, such as NW-PRINT01 or 10.20.4.61.")
    return text


_CHECKS = {"choice": _check_choice, "number": _check_number, "path": _check_path, "host": _check_host}


def _read(item: Any) -> Parameter:
    if not isinstance(item, dict):
        raise Invalid("A parameter is not an object.")
    name = _text(item, "name", 80)
    if not _NAME.fullmatch(name) or name.lower() in _TAKEN:
        raise Invalid(f"“{name}” cannot name a parameter. Use letters and digits, such as PrinterName.")
    kind = _text(item, "kind", 10) or "text"
    if kind not in KINDS:
        raise Invalid(f"{name}: there is no kind of parameter called {kind}.")
    listed = item.get("choices")
    texts = (
        [str(each).strip()[:200] for each in listed if str(each).strip()] if isinstance(listed, list | tuple) else []
    )
    choices = tuple(dict.fromkeys(texts)) if kind == "choice" else ()
    if kind == "choice" and not choices:
        raise Invalid(f"{name}: a choice needs at least one option.")
    parameter = Parameter(
        name=name,
        kind=kind,
        label=_text(item, "label", 80),
        help=_text(item, "help", 300),
        default="" if kind == "secret" else _text(item, "default", 500),  # a secret has no value anybody could read
        is_required=bool(item.get("is_required", True)),
        choices=choices,
        fill=_text(item, "fill", 20),
    )
    if parameter.default and kind != "switch":
        check_value(parameter, parameter.default)
    return parameter


def _text(item: Mapping[str, Any], name: str, most: int) -> str:
    value = item.get(name, "")
    return " ".join(str(value).replace("\x00", "").split())[:most] if isinstance(value, str | int | float) else ""
