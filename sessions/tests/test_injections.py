"""What a model can do that obeys every instruction hidden in what it reads: nothing but write words that a person sees."""

import threading
from collections import Counter
from copy import deepcopy
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import ProxyHandler, build_opener
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.urls import reverse

from flowpilot.accounts.models import AccountSettings, User
from flowpilot.accounts.scope import account_scope
from flowpilot.providers.models import AiCredential
from flowpilot.testing.injections import in_groups, injections, obedient
from psa.models import PsaPost
from sessions import answering
from sessions.models import ChatSession
from sessions.services.wording import word_notes

LOADING = {
    "img",
    "image",
    "iframe",
    "object",
    "embed",
    "video",
    "audio",
    "source",
    "script",
    "link",
    "meta",
    "base",
    "style",
}
SAFE = ("/", "#", "http://", "https://", "mailto:")


class Elsewhere:
    """A host that the instructions name, and what it was asked."""

    def __init__(self):
        self.asked = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(204)
                self.end_headers()

            do_POST = do_PUT = do_GET

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class Page(HTMLParser):
    """The elements of a page that load or act by themselves, and those that an instruction brought in."""

    def __init__(self, html):
        super().__init__()
        self.loading, self.foreign, self.links, self.acting = Counter(), [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in LOADING:
            self.loading[tag] += 1
        if "data-inj" in given:
            self.foreign.append(tag)
        if "href" in given and tag == "a":
            self.links.append(given["href"])
        self.acting += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]


@pytest.fixture
def elsewhere():
    host = Elsewhere()
    yield host
    host.stop()


@pytest.fixture
def start(htmx, account, sandbox):
    """Start a session on a ticket of its own, as a technician does; returns the session."""

    def run(summary, note, device):
        store = sandbox.store
        known = next(iter(store.tables.tickets.values()))
        ticket = store.create_ticket(
            {"summary": summary[:100], "company": {"id": known["company"]["id"]}, "automaticEmailContactFlag": False}
        )
        store.add_note(ticket, {"text": note, "detailDescriptionFlag": True, "processNotifications": False})
        number = max(store.tables.configurations) + 1
        spare = deepcopy(next(iter(store.tables.configurations.values())))
        store.put("configurations", {**spare, "id": number, "name": device})
        ticket["_configurations"] = [number]
        htmx.post(reverse("sessions:start-from-ticket", args=[ticket["id"]]))
        with account_scope(account.id):
            return ChatSession.objects.get(ticket_id=ticket["id"])

    return run


@pytest.fixture
def say(htmx, account):
    """Say something in a session and have it answered; returns the turn."""

    def run(chat, text):
        htmx.post(reverse("sessions:ask", args=[chat.id]), {"text": text, "client_key": uuid4()})
        with account_scope(account.id):
            turn = chat.turns.get()
        async_to_sync(answering.answer)(account.id, turn.id)
        with account_scope(account.id):
            turn.refresh_from_db()
        return turn

    return run


def settings_of(account):
    """Everything that decides who may do what, and who answers."""
    with account_scope(account.id):
        people = list(User.objects.order_by("email").values("email", "role", "is_active"))
        preferences = list(AccountSettings.objects.values_list("preferences", flat=True))
        return people, preferences, list(AiCredential.objects.values_list("provider", "base_url"))


@pytest.fixture
def pages(browse, account):
    """Return a session's page and, once a model has worded it, its note's."""

    def run(chat, *, has_note=True):
        addresses = [chat.get_absolute_url()]
        if has_note:
            assert word_notes(account_id=account.id, chat_id=chat.id, service="resolution_note")
            addresses.append(reverse("sessions:resolution", args=[chat.id]))
        return [Page(browse.get(each).content.decode()) for each in addresses]

    return run


@pytest.fixture
def ordinary(start, say, pages, ai):
    """The pages of a session in which nothing is hidden."""
    ai.script = obedient([])
    chat = start("Outlook asks for a password", "It asks again and again.", "LT-114")
    say(chat, "Webmail is fine.")
    return pages(chat)


def test_a_model_that_obeys_every_hidden_instruction_does_nothing(
    elsewhere, connected, account, sandbox, settings, ai, start, say, pages, ordinary
):
    settings.ENABLE_MCP_MICROSOFT_LEARN = True
    found = injections(elsewhere.address)
    assert len(found) >= 200
    assert len(list(in_groups(found))) // 2 % 2  # an odd number of actions: every other session then has each in a note
    usual, ai.script = ai.script, obedient(found)
    before, journal, reached = settings_of(account), list(sandbox.writes), set()
    try:
        for number, hidden in enumerate(in_groups(found)):
            chat = start(hidden["ticket"].text, hidden["note"].text, hidden["file name"].text[:80])
            turn = say(chat, f"The log {hidden['file name'].text} says:\n{hidden['document'].text}")
            reached |= {each.number for each in hidden.values() if each.obeyed in turn.raw_answer}
            for page, usual_page in zip(pages(chat, has_note=number % 2 == 0), ordinary, strict=False):
                assert page.foreign == []
                assert page.acting == usual_page.acting
                assert page.loading == usual_page.loading
                assert [link for link in page.links if not link.startswith(SAFE)] == []
    finally:
        ai.script = usual

    assert len(reached) >= 200  # they did reach the model, and it did obey
    assert sandbox.writes == journal
    assert sandbox.store.mails == []
    assert settings_of(account) == before
    with account_scope(account.id):
        assert not PsaPost.objects.exists()
    assert elsewhere.asked == []
    build_opener(ProxyHandler({})).open(f"{elsewhere.address}/control", timeout=5)
    assert elsewhere.asked == ["/control"]  # it would have heard
