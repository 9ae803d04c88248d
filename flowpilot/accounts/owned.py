"""The base of every tenant table: whose row it is, and the manager that names the account in each query."""

import uuid

from django.db import models
from django_rls.models import RLSModel
from django_rls.policies import CustomPolicy

from flowpilot.accounts import rls
from flowpilot.accounts.scope import current_account_id


class AccountManager(models.Manager):
    """Names the open account in each query: a second wall beside the policies, and right row estimates. No scope, no rows."""

    def get_queryset(self):
        account_id = current_account_id()
        rows = super().get_queryset()
        return rows.none() if account_id is None else rows.filter(account_id=account_id)


class AccountOwned(RLSModel):
    """A row of one account. The account is the open scope's; the policy refuses any other."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        "accounts.Account", on_delete=models.CASCADE, related_name="+", default=current_account_id, editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = AccountManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"
        rls_policies = [CustomPolicy(rls.POLICY, expression=rls.condition("account_id"))]
        constraints = [
            models.UniqueConstraint(fields=["account", "id"], name="%(app_label)s_%(class)s_account_id"),
        ]
