"""From a script that ran to a template: which of its values should be asked for, and the script with them taken out. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from flowpilot.errors import Invalid
from flowpilot.scripts.checking import check
from flowpilot.scripts.parameters import MOST_PARAMETERS, read_parameters

_LITERAL = {
    "powershell": re.compile(r"'((?:[^'\n\u2018-\u201b]|'')*)'|\"([^\"\n$`]*)\""),
    "bash": re.compile(r"'([^'\n]*)'|\"([^\"\n$`\\]*)\""),
    "python": re.compile(r"(?<![\w'\"])'([^'\n\\]*)'(?!')|(?<![\w'\"])\"([^\"\n\\{]*)\"(?!\")"),
}
_SET_ON_TOP = {
    "powershell": re.compile(
        r"^\$([A-Za-z]\w*)[ \t]*=[ \t]*('(?:[^'\n]|'')*'|\"[^\"\n$`]*\"|-?\d+(?:\.\d+)?|\$true|\$false)[ \t]*;?[ \t]*\n",
        re.MULTILINE,
    ),
    "bash": re.compile(
        r"^(?:readonly |local )?([A-Za-z]\w*)=('[^'\n]*'|\"[^\"\n$`\\]*\"|[\w./:@-]+)[ \t]*\n", re.MULTILINE
    ),
    "python": re.compile(
        r"^([A-Za-z]\w*)[ \t]*=[ \t]*('[^'\n\\]*'|\"[^\"\n\\]*\"|-?\d+(?:\.\d+)?|True|False)[ \t]*\n", re.MULTILINE
    ),
    "cmd": re.compile(r"^[ \t]*@?set[ \t]+\"?([A-Za-z]\w*)=([^\"\n%!]*)\"?[ \t]*\n", re.MULTILINE | re.IGNORECASE),
}
_REFERENCE = {"powershell": "${name}", "bash": '"${name}"', "python": "{name}", "cmd": "%{name}%"}
_ADDRESS = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
_MACHINE = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*-[A-Za-z]*\d+[A-Za-z0-9-]*|(?:[a-z0-9-]+\.){2,}[a-z]{2,}")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PATH = re.compile(r"(?:[A-Za-z]:\\|\\\\|/)[^<>|?*\"]+")
_SECRET = re.compile(r"pass(?:word|wd|phrase)?|secret|token|api_?key|pwd", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9]+")
_ON, _OFF = {"$true", "True", "true"}, {"$false", "False", "false"}


@dataclass(frozen=True)
class Proposal:
    """One value that could be asked for. `is_on_top` says that the script sets it as a variable of its own."""

    value: str
    name: str
    kind: str = "text"
    why: str = ""
    label: str = ""
    is_on_top: bool = False
    use: bool = True

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_proposals(data: Iterable[Mapping[str, Any]]) -> list[Proposal]:
    """Return proposals as they were kept."""
    known = Proposal.__dataclass_fields__
    return [Proposal(**{name: value for name, value in each.items() if name in known}) for each in data]


def propose(code: str, language: str, facts: Sequence[str] = ()) -> list[Proposal]:
    """Return which values of a script should be asked for next time: those it sets on top, and those that the facts name."""
    found = [proposal for proposal in _on_top(code, language) if _is_sound(proposal)]
    known = {each.value for each in found}
    for value in _literals(_without(code, language, found), language):
        why = _why(value, facts)
        if why and value not in known:
            known.add(value)
            proposal = Proposal(value, _name_for(value, found), _kind(value), why)
            found += [proposal] if _is_sound(proposal) else []
    return found[:MOST_PARAMETERS]


def accept(code: str, language: str, data: Any) -> list[Proposal]:
    """Return what an AI proposed, as far as the script holds those values; the rest is dropped."""
    on_top = {each.name.lower(): each for each in _on_top(code, language)}
    values = set(_literals(code, language))
    found: list[Proposal] = []
    for item in data if isinstance(data, list) else []:
        if not isinstance(item, dict):
            continue
        name, value = str(item.get("name", ""))[:40], str(item.get("value", ""))[:500]
        kind, why, label = (
            str(item.get("kind", "text")),
            str(item.get("why", ""))[:120],
            str(item.get("label", ""))[:80],
        )
        top = on_top.get(name.lower())
        if top is None and value not in values:
            continue
        base = top or Proposal(value, name)
        proposal = replace(base, kind=kind if top is None or base.kind != "secret" else "secret", why=why, label=label)
        if _is_sound(proposal) and name.lower() not in {each.name.lower() for each in found}:
            found.append(proposal)
    return found[:MOST_PARAMETERS]


def apply(code: str, language: str, proposals: Sequence[Proposal]) -> tuple[str, list[dict[str, Any]]]:
    """Return the script with the chosen values taken out, and the parameters that bring them back. Raises Invalid."""
    used = [each for each in proposals if each.use]
    body = _without(code, language, [each for each in used if each.is_on_top])
    for each in used:
        if not each.is_on_top:
            body = _refer(body, language, each)
    parameters = read_parameters([_parameter(each) for each in used])
    if not check(code, language).is_broken and check(body, language).is_broken:
        raise Invalid("With these parameters the script would not parse any more. Untick the last one you changed.")
    return body, [each.as_json() for each in parameters]


def _on_top(code: str, language: str) -> list[Proposal]:
    found: dict[str, Proposal] = {}
    for match in _SET_ON_TOP[language].finditer(code):
        name, raw = match[1], match[2]
        if name.lower() in found:
            found.pop(name.lower())  # set twice, so it is no input
            continue
        if raw in _ON | _OFF and language != "cmd":
            found[name.lower()] = Proposal("on" if raw in _ON else "", name, "switch", "Set at the top", is_on_top=True)
            continue
        value = _unquoted(raw, language)
        if value:
            is_number = raw == value and re.fullmatch(r"-?\d{1,15}(?:\.\d{1,6})?", raw) is not None
            kind = "secret" if _SECRET.search(name) else "number" if is_number else _kind(value)
            found[name.lower()] = Proposal(value, name, kind, "Set at the top", is_on_top=True)
    return list(found.values())


def _without(code: str, language: str, on_top: Sequence[Proposal]) -> str:
    names = {each.name.lower() for each in on_top if each.is_on_top}

    def drop(match: re.Match[str]) -> str:
        return "" if match[1].lower() in names else match[0]

    return _SET_ON_TOP[language].sub(drop, code)


def _refer(body: str, language: str, proposal: Proposal) -> str:
    """Put the variable in place of each literal that is the value; of a batch file, of the value itself."""
    reference = _REFERENCE[language].format(name=proposal.name)
    if language == "cmd":
        return re.sub(rf"(?<![\w.-]){re.escape(proposal.value)}(?![\w.-])", lambda _: reference, body)

    def put(match: re.Match[str]) -> str:
        return reference if _said(match, language) == proposal.value else match[0]

    return _LITERAL[language].sub(put, body)


def _literals(code: str, language: str) -> list[str]:
    if language == "cmd":
        return list(dict.fromkeys([*_ADDRESS.findall(code), *_MAIL.findall(code)]))
    comment = re.compile(r"^\s*#.*$", re.MULTILINE)
    said = (_said(match, language) for match in _LITERAL[language].finditer(comment.sub("", code)))
    return list(dict.fromkeys(value for value in said if 1 < len(value) <= 500))


def _said(match: re.Match[str], language: str) -> str:
    text = match[1] if match[1] is not None else match[2] or ""
    return text.replace("''", "'") if language == "powershell" and match[1] is not None else text


def _unquoted(raw: str, language: str) -> str:
    if raw[:1] in "'\"" and raw[-1:] == raw[:1] and len(raw) > 1:
        return raw[1:-1].replace("''", "'") if language == "powershell" and raw[0] == "'" else raw[1:-1]
    return raw.strip()


def _why(value: str, facts: Sequence[str]) -> str:
    if any(pattern.fullmatch(value) for pattern in (_ADDRESS, _MAIL, _MACHINE)):
        named = any(value.lower() in fact.lower() for fact in facts)
        return "A fact" if named else "An address, or one machine’s or person’s name"
    is_long_enough = len(value) >= 4 and any(character.isupper() or character.isdigit() for character in value)
    if is_long_enough and any(re.search(rf"(?<!\w){re.escape(value)}(?!\w)", fact) for fact in facts):
        return "A fact"
    return ""


def _kind(value: str) -> str:
    if _ADDRESS.fullmatch(value) or _MACHINE.fullmatch(value):
        return "host"
    if _PATH.fullmatch(value) and ".." not in value:
        return "path"
    return "text"


def _name_for(value: str, taken: Sequence[Proposal]) -> str:
    if _MAIL.fullmatch(value):
        base = "UserMail"
    elif _ADDRESS.fullmatch(value):
        base = "Address"
    elif _MACHINE.fullmatch(value):
        base = "Computer"
    else:
        base = (
            "".join(word[:1].upper() + word[1:] for word in _WORD.findall(value))[:24].lstrip("0123456789") or "Value"
        )
    names = {each.name.lower() for each in taken}
    return next(name for name in (base, *(f"{base}{at}" for at in range(2, 99))) if name.lower() not in names)


def _parameter(proposal: Proposal) -> dict[str, Any]:
    default = proposal.value if proposal.kind == "switch" else ""
    return {
        "name": proposal.name,
        "kind": proposal.kind,
        "label": proposal.label or _label(proposal.name),
        "default": default,
    }


def _label(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", name).strip().lower()
    return words[:1].upper() + words[1:]


def _is_sound(proposal: Proposal) -> bool:
    try:
        read_parameters([_parameter(proposal)])
    except Invalid:
        return False
    return proposal.kind != "choice"
