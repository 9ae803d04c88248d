"""How a query hands its rows over."""

from django.db import models


def ready[M: models.Model](rows: "models.QuerySet[M]") -> list[M]:
    """Fetch now; a template that reaches for an unfetched relation is a bug, not a query."""
    return list(rows.fetch_mode(models.FETCH_RAISE))
