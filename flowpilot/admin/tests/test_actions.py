"""What the admin does for chosen rows: always by the service that the product's own pages call."""

import pytest
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from flowpilot.accounts.models import AuditEvent, User
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.sealing import seal
from flowpilot.providers.models import AiCredential
from flowpilot.testing.fixtures import make_person
from psa.models import PsaMemberLink, PsaPost
from sessions.models import ChatSession, Turn


@pytest.fixture
def act(client, ours):
    """Choose rows of a table and do something to them, as the owner; return the page that follows."""
    client.force_login(ours.person)

    def send(action, *rows):
        path = reverse(f"admin:{rows[0]._meta.app_label}_{rows[0]._meta.model_name}_changelist")
        form = {"action": action, "index": 0, "_selected_action": [str(row.pk) for row in rows]}
        return client.post(path, form, follow=True).content.decode()

    return send


@pytest.fixture
def row(ours):
    """Return a row of the account after changing it."""

    def get(model, **changes):
        with account_scope(ours.account.id):
            model.objects.filter(pk=ours.rows[model].pk).update(**changes)
            return model.objects.get(pk=ours.rows[model].pk)

    return get


def _jobs() -> list[str]:
    return list(ProcrastinateJob.objects.values_list("task_name", flat=True))


def test_a_refused_post_is_tried_again_by_its_sessions_job(act, row):
    post = row(PsaPost, state="rejected", error="Refused")

    page = act("try_again", post)

    assert "1 queued to be sent again." in page
    assert row(PsaPost).state == "pending"
    assert [name for name in _jobs() if "deliver" in name] == [
        "sessions.tasks.deliver_posts"
    ] or "deliver_posts" in _jobs()


def test_a_refused_post_of_a_tickets_page_is_tried_again_by_that_tickets_job(act, row):
    act("try_again", row(PsaPost, state="dead", idempotency_key="note:ticket-1"))

    assert "deliver_ticket" in _jobs()


def test_a_post_that_waits_for_nobody_is_left_and_that_is_said(act, row):
    page = act("try_again", row(PsaPost, state="sent"))

    assert "Nothing waits to be tried again." in page
    assert row(PsaPost).state == "sent"


def test_rows_that_are_left_for_one_reason_are_told_in_one_line(act, ours):
    with account_scope(ours.account.id):
        posts = [
            PsaPost.objects.create(kind="note", ticket_id=7, idempotency_key=f"sent-{n}", payload={}, state="sent")
            for n in range(3)
        ]

    assert "All 3: Nothing waits to be tried again." in act("try_again", *posts)


def test_a_failed_turn_is_run_again(act, row):
    page = act("run_again", row(Turn, status="failed", failure="unavailable", error="Down"))

    assert "1 queued to run again." in page
    assert row(Turn).status == "queued"


def test_a_turn_that_would_end_the_same_way_is_left(act, row):
    page = act("run_again", row(Turn, status="failed", failure="declined"))

    assert "would end the same way" in page
    assert row(Turn).status == "failed"


def test_a_credential_is_sealed_with_the_newest_key(act, row, ours, settings):
    newest, older = "bmV3ZXN0LW5ld2VzdC1uZXdlc3QtbmV3ZXN0LW5ld2U=", settings.CREDENTIAL_KEYS[0]
    bound = {"account_id": ours.account.id, "table": "ai_credentials", "row_id": ours.rows[AiCredential].pk}
    credential = row(AiCredential, sealed_key=seal("sk-ant-x", **bound))
    settings.CREDENTIAL_KEYS = [newest, older]

    page = act("seal_anew", credential)

    assert "1 sealed with the newest key." in page
    assert row(AiCredential).sealed_key != credential.sealed_key


def test_a_credential_that_does_not_open_stays_and_that_is_said(act, row):
    page = act("seal_anew", row(AiCredential, sealed_key="broken"))

    assert "It does not open." in page


def test_a_person_is_deactivated(act, ours):
    person = make_person(ours.account, "t.vega@summit-it.example", name="T. Vega")

    act("deactivate", person)

    with account_scope(ours.account.id):
        assert not User.objects.get(pk=person.pk).is_active


def test_a_person_is_given_a_role(act, ours):
    person = make_person(ours.account, "t.vega@summit-it.example", name="T. Vega")

    assert "1 made admin." in act("make_admin", person)


def test_the_last_owner_stays(act, ours):
    page = act("deactivate", ours.person)

    assert "You cannot deactivate yourself" in page


def test_a_session_is_put_on_hold(act, row):
    act("hold", row(ChatSession))

    assert row(ChatSession).is_on_hold


def test_a_row_offers_its_actions_on_its_own_page(client, ours, row):
    client.force_login(ours.person)
    post = row(PsaPost, state="rejected")
    path = reverse("admin:psa_psapost_change", args=[post.pk])
    assert "Try again" in client.get(path).content.decode()

    form = {"CHANGE_FORM-action": "try_again", "index": 0, "_selected_action": str(post.pk)}
    client.post(path, form)

    assert row(PsaPost).state == "pending"


def test_an_action_of_staff_is_written_down_for_each_row(staff_in, ours, row):
    client, post = staff_in(ours.account), row(PsaPost, state="rejected")
    form = {"action": "try_again", "index": 0, "_selected_action": str(post.pk)}

    client.post(reverse("admin:psa_psapost_changelist"), form)

    with account_scope(ours.account.id):
        event = AuditEvent.objects.order_by("-number").first()
    assert (event.action, event.actor) == ("staff.changed", "R. Vance")
    assert event.detail == {"change": "queued to be sent again"}


def test_a_row_of_another_account_is_not_chosen(client, ours, theirs, row):
    client.force_login(theirs.person)
    post = row(PsaPost, state="rejected")
    form = {"action": "try_again", "index": 0, "_selected_action": str(post.pk)}

    client.post(reverse("admin:psa_psapost_changelist"), form)

    assert row(PsaPost).state == "rejected"


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"user": "t.abel@harbour.example", "member_id": 7, "identifier": "x"}, "Nobody of the account signs in"),
        ({"user": "k.lund@summit-it.example", "member_id": 7, "identifier": "x"}, "is linked to a member already"),
        ({"user": "k.lund@summit-it.example", "member_id": "", "identifier": "typed"}, 'value="typed"'),
    ],
)
def test_a_wrong_member_link_is_refused_in_words_and_keeps_what_was_typed(form, words, client, ours, theirs):
    client.force_login(ours.person)

    page = client.post(reverse("admin:psa_psamemberlink_add"), form).content.decode()

    assert words in page


def test_a_member_link_is_added(client, ours):
    client.force_login(ours.person)
    make_person(ours.account, "t.vega@summit-it.example", name="T. Vega")

    client.post(
        reverse("admin:psa_psamemberlink_add"),
        {"user": "t.vega@summit-it.example", "member_id": 152, "identifier": "tvega"},
    )

    with account_scope(ours.account.id):
        assert PsaMemberLink.objects.filter(identifier="tvega").exists()
