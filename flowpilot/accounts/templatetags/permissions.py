"""What the table of rights says, for templates: `{% can user "manage" as may_manage %}` or `{% if user|can:"manage" %}`."""

from django import template

from flowpilot.accounts.permissions import allows

register = template.Library()
register.simple_tag(allows, name="can")
register.filter("can", allows)
