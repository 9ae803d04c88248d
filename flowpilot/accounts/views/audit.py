import csv

from django.http import StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from flowpilot.accounts import audit_log as log
from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.permissions import Right, needs


@require_GET
@needs(Right.OWN)
def audit_log(request):
    wanted = log.Wanted.read(request.GET)
    context = {"section": "audit", "page": log.events(wanted), "wanted": wanted, "kinds": log.KINDS}
    is_piece = request.htmx and not request.htmx.boosted
    return render(request, "accounts/audit.html#list" if is_piece else "accounts/audit.html", context)


@require_GET
@needs(Right.OWN)
@own_scope
def audit_csv(request):
    wanted = log.Wanted.read(request.GET)
    writer = csv.writer(_Echo())
    rows = (writer.writerow(row) for row in log.rows(request.account_id, wanted))
    name = f"flowpilot-audit-{timezone.now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8", headers=headers)


class _Echo:
    """A file that hands back what is written to it, so that a long log streams."""

    def write(self, line: str) -> str:
        return line
