"""What a load balancer asks: whether the process lives, and whether it can serve."""

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from flowpilot.accounts.middleware import own_scope
from flowpilot.preflight import has_migrations_to_apply

_TEXT = "text/plain; charset=utf-8"


@require_safe
@never_cache
@login_not_required
@own_scope
def healthz(request):
    """Say that the process answers. Asks nothing else, so that a database away does not have every process restarted."""
    return HttpResponse("ok\n", content_type=_TEXT)


@require_safe
@never_cache
@login_not_required
@own_scope
def readyz(request):
    """Say whether requests may be sent here: the database answers, and its tables are those of this version."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        trouble = "the database is behind this version" if has_migrations_to_apply() else ""
    except DatabaseError:
        trouble = "the database cannot be reached"
    if trouble:
        return HttpResponse(f"not ready: {trouble}\n", status=503, content_type=_TEXT, headers={"Retry-After": "5"})
    return HttpResponse("ready\n", content_type=_TEXT)
