"""Mail to one person: plain text from a template, sent with no transaction open."""

import logging
from smtplib import SMTPException

from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from flowpilot.accounts.scope import refuse_open_transaction
from flowpilot.errors import Unavailable

log = logging.getLogger(__name__)


def send(template: str, *, to: str, **context) -> None:
    """Send `templates/<template>`, whose first line is the subject. Raises Unavailable when the mail server does not take it."""
    refuse_open_transaction()
    subject, _, text = render_to_string(template, context).strip().partition("\n")
    try:
        EmailMessage(subject.strip(), text.strip() + "\n", to=[to]).send()
    except (SMTPException, OSError) as error:
        log.warning("mail.failed template=%s error=%s", template, type(error).__name__)
        raise Unavailable("The mail server did not take the e-mail.") from error
