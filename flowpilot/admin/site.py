"""The admin at /admin/: for admins and owners their account's rows, for platform staff those of the account they entered."""

from functools import update_wrapper
from typing import Any

from django.contrib import admin
from django.contrib.messages import success
from django.db import OperationalError, connection
from django.shortcuts import redirect, render
from django.urls import include, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from psycopg.errors import QueryCanceled

from flowpilot.accounts import staff
from flowpilot.accounts.models import User
from flowpilot.accounts.permissions import Right, allows, require
from flowpilot.accounts.staff_door import rendered
from flowpilot.admin import writing
from flowpilot.errors import Refused, Unavailable, UserError

GROUPS = {
    "accounts": "Account",
    "chat_sessions": "Sessions",
    "psa": "ConnectWise",
    "providers": "AI",
    "scripts": "Scripts",
    "flows": "Flows",
}


class Site(admin.AdminSite):
    """Asks the product's table who may come in, and lets no page out before what it showed is written down."""

    site_header = site_title = "FlowPilot admin"
    index_title = "What the account holds"
    enable_nav_sidebar = False
    patience = "5s"  # that one question may take: a filter that no index serves must not hold the database
    empty_value_display = "—"
    index_template = "admin/index.html"

    def has_permission(self, request):
        return allows(request.user, Right.ADMINISTER)

    def admin_view(self, view, cacheable=False):
        def inner(request, *args, **kwargs):
            require(request.user, Right.ADMINISTER)
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [self.patience])
            response = _in_time(view, request, *args, **kwargs)
            if response.status_code < 400:
                writing.write_down(request)
            return response

        return update_wrapper(inner if cacheable else never_cache(inner), view)

    def get_urls(self):
        """Only what the admin needs: signing in, passwords and looking things up across models have other homes."""
        models = [
            path(f"{model._meta.app_label}/{model._meta.model_name}/", include(rows.urls))
            for model, rows in self._registry.items()
        ]
        return [
            path("", self.admin_view(self.index), name="index"),
            path("enter/", enter, name="enter"),
            path("leave/", self.admin_view(require_POST(leave)), name="leave"),
            *models,
        ]

    def index(self, request, extra_context=None):
        writing.saw(request, "Overview", {})
        return super().index(request, extra_context)

    def get_app_list(self, request, app_label=None):
        """The tables in groups of our own words."""
        if not self.has_permission(request):
            return []
        groups: dict[str, list[dict]] = {name: [] for name in GROUPS.values()}
        tables: dict[Any, Any] = self._registry
        for model, rows in tables.items():
            if not rows.has_module_permission(request):
                continue
            name = rows.nouns[:1].upper() + rows.nouns[1:]
            address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            is_here = request.path.startswith(address)
            entry = {"name": name, "url": address, "is_here": is_here, "help": rows.help}
            groups[GROUPS[model._meta.app_label]].append(entry)
        return [{"name": name, "models": entries} for name, entries in groups.items() if entries]


def _in_time(view, request, *args, **kwargs):
    try:
        return rendered(view(request, *args, **kwargs))
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise Unavailable(
                "That took too long and was stopped. Narrow the list by a search, or open it from a session."
            ) from error
        raise


@require_http_methods(["GET", "POST"])
def enter(request):
    """Let platform staff name the account that they will help, and why."""
    if request.user.role != User.Role.SUPER_ADMIN or request.user.account_id is not None:
        raise Refused("Only platform staff enter accounts. Yours is open to you already.")
    typed = {name: request.POST.get(name, "") for name in ("whom", "reason")}
    if request.method == "GET":
        return render(request, "admin/enter.html", typed)
    try:
        staff.enter(**typed, by=request.user, session=request.session)
    except UserError as error:
        return render(request, "admin/enter.html", {**typed, "error": error.message}, status=error.status)
    return redirect("admin:index")


def leave(request):
    """End the visit of platform staff."""
    if not hasattr(request, "staff_grant"):
        raise Refused("You are in your own account.")
    staff.leave(by=request.user)  # which writes it down
    request.is_written_down = True
    request.is_leaving = True
    success(request, "You left the account.")
    return redirect("admin:enter")


site = Site(name="admin")
