from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.utils import timezone

from flowpilot.accounts.models import User
from flowpilot.accounts.preferences import set_setting
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict
from psa import outbox
from psa.models import PsaPost
from sessions import posting, queries
from sessions.services import resolving
from sessions.tests.conftest import TICKET

NOTES = f"POST /v4_6_release/apis/3.0/service/tickets/{TICKET}/notes"


def ours(sandbox):
    """The notes on the ticket that carry a reference of ours."""
    notes = sandbox.store.tables.notes.values()
    return [note for note in notes if note["ticketId"] == TICKET and "[FP-" in note["text"]]


def wait_no_longer(account):
    """As if the pause before the next try, and the time a search must wait, were over."""
    with account_scope(account.id):
        PsaPost.objects.update(next_at=None, attempted_at=timezone.now() - timedelta(hours=1))


def test_the_note_reaches_the_ticket_with_its_reference(post, deliver, sandbox):
    post()
    chat, posts, is_over = deliver()

    [note] = ours(sandbox)
    assert is_over
    assert note["text"] == f"{chat.resolution_note_markdown}\n\n[FP-{posts.lead.reference}]"
    assert (note["internalAnalysisFlag"], note["detailDescriptionFlag"]) == (True, False)


def test_the_accounts_words_and_the_signature_frame_the_note(account, technician, post, deliver, sandbox):
    with account_scope(account.id):
        set_setting(account, "notes.opening", "Summit IT Services")
        set_setting(account, "notes.closing", "Rate us any time.")
        User.objects.filter(pk=technician.pk).update(signature="J. Ortiz, tier 2")
    technician.signature = "J. Ortiz, tier 2"
    post()
    deliver()

    [note] = ours(sandbox)
    assert note["text"].startswith("Summit IT Services\n\n")
    assert "\n\nRate us any time.\n\nJ. Ortiz, tier 2\n\n[FP-" in note["text"]


def test_the_session_is_resolved_by_what_connectwise_confirmed(post, deliver, sandbox):
    post()
    chat, posts, _ = deliver()

    assert (chat.status, chat.resolution_note_external_id) == ("resolved", str(ours(sandbox)[0]["id"]))
    assert chat.resolution_note_posted_at == chat.resolved_at == posts.lead.sent_at


def test_the_note_is_in_the_technicians_name(post, deliver, sandbox):
    post()
    deliver()

    assert ours(sandbox)[0]["member"]["id"] == 151


def test_nobody_is_mailed(post, deliver, sandbox):
    post()
    deliver()

    assert sandbox.store.mails == []


def test_the_status_follows_the_note(post, deliver, ticket, closed):
    post(closed)
    _chat, posts, is_over = deliver()

    assert is_over
    assert ticket["status"]["name"] == closed["name"]
    assert (posts.posts[1].state, posts.posts[1].external_id) == ("sent", closed["name"])


def test_delivering_twice_posts_once(post, deliver, sandbox, closed):
    post(closed)
    deliver()
    wait = len(sandbox.seen)
    deliver()

    assert len(ours(sandbox)) == 1
    assert len(sandbox.seen) == wait


def test_a_rejected_note_is_stuck_with_its_words_kept(post, deliver, sandbox):
    sandbox.fail_next("403", match=NOTES)
    post()
    chat, posts, is_over = deliver()

    assert is_over
    assert (chat.status, posts.is_stuck, posts.is_under_way) == ("active", True, False)
    assert chat.resolution_note_markdown.startswith("## Problem")
    assert posts.lead.error
    assert ours(sandbox) == []


def test_a_rejected_note_leaves_the_status_alone(post, deliver, sandbox, ticket, closed):
    before = ticket["status"]
    sandbox.fail_next("403", match=NOTES)
    post(closed)
    _chat, posts, _ = deliver()

    assert ticket["status"] == before
    assert posts.posts[1].state == "pending"


def test_a_retry_brings_note_and_status(post, deliver, connected, ticket_chat, sandbox, ticket, closed):
    sandbox.fail_next("403", match=NOTES)
    post(closed)
    chat, _, _ = deliver()
    with account_scope(connected.id):
        [stuck] = [each for each in queries.posting(chat.resolution_batch).posts if each.is_stuck]
        resolving.retry_post(chat_id=ticket_chat.id, post_id=stuck.id)
    chat, _posts, is_over = deliver()

    assert (chat.status, is_over, len(ours(sandbox))) == ("resolved", True, 1)
    assert ticket["status"]["name"] == closed["name"]


def test_connectwise_being_down_is_tried_again(post, deliver, connected, sandbox):
    sandbox.fail_next("503html", match=NOTES)
    post()
    chat, posts, is_over = deliver()
    assert (is_over, chat.status, posts.is_stuck) == (False, "active", False)

    for _ in range(3):
        wait_no_longer(connected)
        chat, posts, is_over = deliver()
    assert (is_over, chat.status, len(ours(sandbox))) == (True, "resolved", 1)


@pytest.mark.parametrize("fault", ["commit_then_drop", "commit_then_500"])
def test_a_note_that_landed_untold_is_found_and_not_sent_again(post, deliver, connected, sandbox, fault):
    sandbox.fail_next(fault, match=NOTES)
    post()
    chat, posts, is_over = deliver()
    assert (is_over, posts.lead.state) == (False, "uncertain")

    wait_no_longer(connected)
    chat, posts, is_over = deliver()
    assert (is_over, chat.status) == (True, "resolved")
    assert [str(note["id"]) for note in ours(sandbox)] == [chat.resolution_note_external_id]


def test_a_note_that_got_lost_is_sent_again_once_it_cannot_come(post, deliver, connected, sandbox):
    sandbox.fail_next("drop", match=NOTES)
    post()
    for _ in range(4):
        chat, _posts, is_over = deliver()
        wait_no_longer(connected)

    assert (is_over, chat.status, len(ours(sandbox))) == (True, "resolved", 1)


def test_a_status_that_connectwise_ignores_leaves_the_note_posted_and_says_so(post, deliver, sandbox, ticket):
    before = ticket["status"]
    other_board = next(board for board in sandbox.store.tables.boards if board != ticket["board"]["id"])
    foreign = sandbox.store.tables.statuses_of(other_board)[0]
    post(foreign)
    chat, posts, is_over = deliver()

    assert is_over
    assert (ticket["status"], len(ours(sandbox))) == (before, 1)
    assert (chat.status, posts.posts[1].state, bool(posts.posts[1].error)) == ("resolved", "rejected", True)


def test_a_refused_status_can_be_tried_again_without_another_note(
    post, deliver, connected, ticket_chat, sandbox, closed
):
    sandbox.fail_next("403", match=f"PATCH /v4_6_release/apis/3.0/service/tickets/{TICKET}")
    post(closed)
    chat, posts, _ = deliver()
    assert (chat.status, posts.is_stuck) == ("resolved", True)

    with account_scope(connected.id):
        [stuck] = [each for each in queries.posting(chat.resolution_batch).posts if each.is_stuck]
        resolving.retry_post(chat_id=ticket_chat.id, post_id=stuck.id)
    chat, posts, is_over = deliver()
    assert (is_over, posts.posts[1].state, len(ours(sandbox))) == (True, "sent", 1)


def test_the_customers_reading_follows_the_note(post, deliver, sandbox):
    post(shown_in=["internal", "discussion"])
    chat, posts, is_over = deliver()

    note, told = ours(sandbox)
    assert (is_over, [each.state for each in posts.posts]) == (True, ["sent", "sent"])
    assert (note["internalAnalysisFlag"], note["detailDescriptionFlag"]) == (True, False)
    assert (told["internalAnalysisFlag"], told["detailDescriptionFlag"]) == (False, True)
    assert chat.resolution_note_external_id == str(note["id"])


def test_a_refused_customers_reading_holds_no_status_back(post, deliver, connected, sandbox, ticket, closed):
    post(closed, shown_in=["internal", "discussion"])
    with account_scope(connected.id):
        lead = PsaPost.objects.get(position=0)
    async_to_sync(outbox.deliver)(connected.id, lead.id)
    sandbox.fail_next("403", match=NOTES)
    chat, posts, _ = deliver()

    assert [each.state for each in posts.posts] == ["sent", "rejected", "sent"]
    assert (chat.status, ticket["status"]["name"]) == ("resolved", closed["name"])


def test_an_account_that_is_not_connected_keeps_its_note(account, ticket_chat, technician):
    with account_scope(account.id):
        internal = queries.reading(ticket_chat, "resolution").markdown
        form = resolving.NoteForm(internal=internal, client="", seen_version=0, shown_in=["internal"])
        resolving.post_note(chat_id=ticket_chat.id, form=form, by=technician, client_key=uuid4())
    is_over = async_to_sync(posting.deliver)(account.id, ticket_chat.id)

    with account_scope(account.id):
        stuck = PsaPost.objects.get()
    assert (is_over, stuck.state, bool(stuck.error)) == (True, "rejected", True)


@pytest.mark.django_db(transaction=True)
def test_a_hundred_clicks_at_once_make_one_note(connected, ticket_chat, technician, deliver, sandbox):
    with account_scope(connected.id):
        form = resolving.NoteForm(
            internal=queries.reading(ticket_chat, "resolution").markdown,
            client="",
            seen_version=ticket_chat.state_version,
            shown_in=["internal"],
        )
    keys = [uuid4() for _ in range(10)]  # ten tabs, ten clicks in each
    said = Counter()

    def click(key):
        try:
            with account_scope(connected.id):
                resolving.post_note(chat_id=ticket_chat.id, form=form, by=technician, client_key=key)
            said["posted"] += 1
        except Conflict:
            said["refused"] += 1
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(click, keys * 10))
    deliver()

    assert said == {"posted": 10, "refused": 90}  # one tab's clicks are one post
    assert len(ours(sandbox)) == 1
    with account_scope(connected.id):
        assert PsaPost.objects.count() == 1
