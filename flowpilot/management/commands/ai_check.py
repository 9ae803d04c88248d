import uuid

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import UserError
from flowpilot.providers.ai import calls
from flowpilot.providers.ai.base import Completion, Message, SystemBlock
from flowpilot.providers.ai.registry import SERVICES, make_plan
from flowpilot.providers.models import AiCall

_PROMPT = [SystemBlock("You check that a connection works. Answer with one word, as asked. " * 200)]
_ASKED = [Message("user", "Answer with the word: ready")]
_ROW = "{:<20} {:<10} {:<24} {:>7} {:>7} {:>7} {:>9} {:>8} {:>9}  {}"


class Command(BaseCommand):
    help = "Ask each AI service of an account twice, and show who answers, what the cache does, how long it takes and what it costs."

    def add_arguments(self, parser):
        parser.add_argument("--owner", required=True, help="e-mail address of somebody in the account")
        parser.add_argument("--service", choices=SERVICES, action="append", help="only this one; may be repeated")

    def handle(self, *, owner, service, **options):
        person = User.objects.filter(email=owner.strip().lower(), account__isnull=False).first()
        if person is None or person.account_id is None:
            raise CommandError(f"Nobody signs in as {owner}.")
        with account_scope(person.account_id):
            if not make_plan("chat").candidates:
                raise CommandError("No AI key is set, or this account chose fixed rules: the guided engine answers.")
        self.stdout.write(f"Prices as of {settings.AI_PRICES_AS_OF}; times are to the first word and in all.")
        self.stdout.write(
            _ROW.format(
                "service", "provider", "model", "input", "written", "read", "first ms", "all ms", "dollars", "connector"
            )
        )
        checked = [self._check(person.account_id, name) for name in service or SERVICES]
        if None in checked:
            raise CommandError("Not every service answered.")
        hits = sum(1 for has_hit in checked if has_hit)
        self.stdout.write(f"The second call read from the cache in {hits} of {len(checked)} services.")

    def _check(self, account_id, service: str) -> bool | None:
        """Ask twice and print both. Return whether the second was read from the cache; None where one failed."""
        chat_id = uuid.uuid4()  # so that the two are found again among the account's calls
        try:
            answers = [async_to_sync(_ask)(account_id, service, chat_id) for _ in range(2)]
        except UserError as error:
            self.stdout.write(self.style.ERROR(f"{service:<20} {error.message}"))
            return None
        with account_scope(account_id):
            for call in AiCall.objects.filter(chat_id=chat_id, outcome=AiCall.Outcome.DONE).order_by("created_at"):
                self._show(call)
        if answers[1].fallback:
            self.stdout.write(self.style.WARNING(f"{service:<20} {answers[1].fallback}"))
        return answers[1].usage.cache_read_input_tokens > 0

    def _show(self, call: AiCall) -> None:
        self.stdout.write(
            _ROW.format(
                call.service,
                call.provider,
                call.model,
                call.input_tokens,
                call.cache_creation_input_tokens,
                call.cache_read_input_tokens,
                call.first_ms or 0,
                call.total_ms or 0,
                f"{call.cost_micros / 1_000_000:.6f}",
                "Microsoft Learn" if call.has_mcp else "-",
            )
        )


async def _ask(account_id, service: str, chat_id) -> Completion:
    last = None
    async for piece in calls.generate_text_stream(
        account_id=account_id, service=service, system_prompt=_PROMPT, messages=_ASKED, chat_id=chat_id
    ):
        last = piece
    assert isinstance(last, Completion)
    return last
