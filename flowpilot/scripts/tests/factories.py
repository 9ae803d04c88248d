"""Rows of the library as tests want them. Each needs its account's scope open."""

from flowpilot.scripts.models import ScriptTemplate, ScriptVersion
from flowpilot.scripts.parameters import Parameter
from flowpilot.scripts.services.templates import Content

BODY = "Get-Printer -Name $PrinterName\n"
PRINTER = Parameter("PrinterName", label="Printer", fill="printer")


def make_content(**fields) -> Content:
    blank = {"name": "Print a test page", "summary": "Prints one page.", "language": "powershell", "body": BODY}
    return Content(**{**blank, "parameters": [PRINTER.as_json()], "tags": ["printing"], **fields})


def make_template(**fields) -> ScriptTemplate:
    blank = {"name": "Print a test page", "summary": "Prints one page.", "language": "powershell", "body": BODY}
    template = ScriptTemplate.objects.create(
        **{**blank, "parameters": [PRINTER.as_json()], "tags": ["printing"], "status": "published", **fields}
    )
    ScriptVersion.objects.create(
        template=template,
        number=template.version,
        name=template.name,
        body=template.body,
        parameters=template.parameters,
    )
    return template
