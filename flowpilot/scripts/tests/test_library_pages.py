import pytest
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from flowpilot.scripts.models import ScriptTemplate
from flowpilot.scripts.rendering import MASK

CANARY = "canary-7Q-hunter2"


def _url(name, template):
    return reverse(f"scripts:{name}", args=[template.id])


def test_the_library_lists_what_there_is(browse, template):
    page = browse.get(reverse("scripts:library")).content.decode()

    assert "Print a test page" in page
    assert "Reset the Teams cache" in page
    assert "21 templates" in page


def test_a_search_brings_the_list_alone(htmx, template):
    html = htmx.get(reverse("scripts:library"), {"q": "test page"}).content.decode()

    assert html.lstrip().startswith("<ul")
    assert html.count("<li") == 1


def test_a_row_opens_beside_the_list_as_a_reload_shows_it(client, technician, template):
    client.force_login(technician)
    page = client.get(_url("template", template)).content.decode()
    piece = client.get(_url("template", template), headers={"HX-Request": "true"}).content.decode()

    assert 'id="h-script"' in piece
    assert 'id="h-script"' in page
    assert "<html" not in piece


def test_a_preview_shows_values_quoted(htmx, template):
    html = htmx.post(_url("preview", template), {"value-PrinterName": "O'Brien"}).content.decode()

    assert "<mark>&#x27;O&#x27;&#x27;Brien&#x27;</mark>" in html


def test_a_preview_says_what_is_missing(htmx, template):
    assert "Printer is needed." in htmx.post(_url("preview", template), {}).content.decode()


def test_a_copy_is_the_script_and_nothing_else(htmx, template):
    reply = htmx.post(_url("copy", template), {"value-PrinterName": "Front desk"})

    assert reply["Content-Type"].startswith("text/plain")
    assert reply["Cache-Control"] == "no-store"
    assert "$PrinterName = 'Front desk'" in reply.content.decode()


def test_a_copy_without_its_values_is_refused_in_words(htmx, template):
    reply = htmx.post(_url("copy", template), {})

    assert (reply.status_code, "Printer is needed." in reply.content.decode()) == (422, True)


def test_a_download_is_a_file_that_windows_powershell_reads(browse, template):
    reply = browse.post(_url("download", template), {"value-PrinterName": "Zoë"})

    assert reply["Content-Disposition"] == 'attachment; filename="Print-a-test-page.ps1"'
    assert reply.content.startswith(b"\xef\xbb\xbf")
    assert "'Zoë'" in reply.content.decode()


def test_a_secret_is_in_the_copy_and_in_no_preview(htmx, with_secret):
    body = {"value-PrinterName": "a", "value-ApiToken": CANARY}

    assert CANARY in htmx.post(_url("copy", with_secret), body).content.decode()
    preview = htmx.post(_url("preview", with_secret), body).content.decode()
    assert CANARY not in preview
    assert MASK in preview


def test_an_engineer_makes_a_draft_by_hand(browse, account, technician):
    body = {
        "name": "Look at it",
        "language": "bash",
        "body": 'ls -l "$Folder"',
        "tags": "files, Linux",
        "summary": "Lists",
    }
    rows = {
        "p-name": ["Folder", ""],
        "p-kind": ["path", "text"],
        "p-label": ["Folder", ""],
        "p-required": ["yes", "yes"],
    }

    reply = browse.post(reverse("scripts:new-template"), {**body, **rows})

    with account_scope(account.id):
        template = ScriptTemplate.objects.get()
        assert (reply.url, template.status, template.tags) == (template.get_absolute_url(), "draft", ["files", "linux"])
        assert [each.name for each in template.asks] == ["Folder"]


def test_a_form_that_cannot_be_taken_comes_back_as_it_was_typed(browse):
    body = {
        "name": "Kept name",
        "language": "powershell",
        "body": "param($A)\nGet-Item $A",
        "p-name": ["A"],
        "p-label": ["Kept label"],
    }

    reply = browse.post(reverse("scripts:new-template"), body)

    page = reply.content.decode()
    assert reply.status_code == 422
    assert all(words in page for words in ("Kept name", "Get-Item $A", "Kept label", "Take the param"))


def test_a_copy_of_a_script_starts_as_a_draft_of_ones_own(browse, template):
    page = browse.get(reverse("scripts:new-template"), {"copy": str(template.id)}).content.decode()

    assert "Print a test page (copy)" in page
    assert "PrinterName" in page


@pytest.mark.parametrize(("person", "status"), [("technician", 403), ("admin", 302)])
def test_publishing_is_for_an_admin(person, status, request, client, own_draft):
    client.force_login(request.getfixturevalue(person))

    assert client.post(_url("publish-template", own_draft)).status_code == status


def test_an_engineer_sees_no_button_that_would_be_refused(browse, template):
    page = browse.get(_url("template", template)).content.decode()

    assert _url("edit-template", template) not in page
    assert _url("archive-template", template) not in page
    assert _url("publish-template", template) not in page


def test_the_history_shows_differences_and_offers_to_restore(client, account, admin, template):
    client.force_login(admin)
    client.post(
        _url("edit-template", template),
        {"name": "New name", "language": "powershell", "body": "Get-Date", "seen_version": "1", "note": "Shorter"},
    )

    page = client.get(_url("versions", template)).content.decode()

    assert all(words in page for words in ("Shorter", "+1", "−1", "Restore v1"))


def test_a_stale_edit_keeps_what_was_typed(client, admin, template):
    client.force_login(admin)
    body = {"name": "Mine", "language": "powershell", "body": "Get-Date # mine", "seen_version": "0"}

    reply = client.post(_url("edit-template", template), body)

    assert (reply.status_code, "Get-Date # mine" in reply.content.decode()) == (409, True)


def test_a_starter_is_found_at_its_address_without_a_row(browse, account):
    with account_scope(account.id):
        from_list = browse.get(reverse("scripts:library"), {"q": "teams"}).content.decode()
    address = from_list.split('class="cover truncate block" href="')[1].split('"')[0]

    assert "From the starter set" in browse.get(address).content.decode()
    with account_scope(account.id):
        assert not ScriptTemplate.objects.exists()
