"""The ticket pages in a browser of the running product; what they did is looked up in the sandbox over HTTP."""

import re

import pytest
from playwright.sync_api import expect

from sessions.tests.browser import browser_page, sign_in

pytestmark = pytest.mark.browser
MAIL = (
    "From: Gina Castellano <g.castellano@fabrikam.example>\nSubject: Plotter on floor two prints stripes\nBoard: Network\n\n"
    "The plotter prints stripes since Monday."
)


@pytest.fixture(scope="module")
def page(product):
    with browser_page() as page:
        sign_in(page, product)
        yield page


def ticket(product, number):
    return product.ask_connectwise(f"/service/tickets/{number}")


def rows(page):
    return page.locator("#queue tbody tr")


def choose(page, menu, label):
    """Open a filter, choose, and close it again."""
    page.locator(f"[popovertarget={menu}]").click()
    page.locator(f"#{menu} label", has_text=label).first.click()
    page.keyboard.press("Escape")


def open_queue(page, product):
    page.goto(f"{product.url}/tickets/?sort=priority")
    expect(rows(page).first).to_be_visible()
    expect(page.locator("#f-boards label")).not_to_have_count(1)


@pytest.mark.parametrize(
    ("menu", "label", "found", "address"),
    [
        ("f-board", "Network", lambda each: each["board"]["name"] == "Network", "board=2"),
        ("f-status", "Scheduled", lambda each: each["status"]["name"] == "Scheduled", "status=Scheduled"),
        ("f-priority", "Priority 1", lambda each: each["priority"]["name"].startswith("Priority 1"), "priority=4"),
        ("f-who", "Unassigned", lambda each: not each.get("owner"), "who=none"),
        ("f-who", "Mine", lambda each: "jortiz" in each.get("resources", "").lower(), "who=mine"),
    ],
)
def test_each_filter_narrows_the_queue_and_stands_in_the_address(page, product, menu, label, found, address):
    open_queue(page, product)
    choose(page, menu, label)
    expect(page).to_have_url(re.compile(address))
    expect(page.locator("#queue")).not_to_have_attribute("aria-busy", "true")

    shown = [int(text.lstrip("#")) for text in rows(page).locator("td.num").all_inner_texts()]

    assert shown
    assert all(found(ticket(product, number)) for number in shown[:5])


def test_a_member_and_a_company_are_found_by_typing(page, product):
    open_queue(page, product)
    page.locator("[popovertarget=f-who]").click()
    page.get_by_label("Find a member", exact=True).fill("okafor")
    page.locator("#f-members label", has_text="S. Okafor").click()
    page.keyboard.press("Escape")
    expect(page.locator("#l-who")).to_have_text("S. Okafor")
    page.locator("[popovertarget=f-company]").click()
    page.get_by_label("Find a company").fill("conto")
    page.locator("#f-companies label", has_text="Contoso").click()
    page.keyboard.press("Escape")

    expect(page.locator("#l-company")).to_have_text("Contoso")
    expect(page.locator("#ticket-row-48127")).to_be_visible()
    page.reload()
    expect(page.locator("#ticket-row-48127")).to_be_visible()


def test_search_keeps_up_with_typing(page, product):
    open_queue(page, product)
    page.keyboard.press("/")
    page.keyboard.type("vpn drops every")

    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"q=vpn\+drops\+every"))


def test_a_status_is_what_connectwise_confirmed_after_a_reload(page, product):
    page.goto(f"{product.url}/tickets/48159?sort=priority")
    expect(page.locator("#ticket-row-48159")).to_be_visible()  # the row that is to follow
    select = page.get_by_label("Status", exact=True).locator("visible=true")
    expect(select).to_be_enabled()
    select.select_option("Waiting on vendor")
    expect(page.locator("#ticket-row-48159 .c-status")).to_have_text("Waiting on vendor")
    page.reload()

    expect(page.locator("#ticket-row-48159 .c-status")).to_have_text("Waiting on vendor")
    expect(page.locator("#d-status option:checked")).to_have_text("Waiting on vendor")
    assert ticket(product, 48159)["status"]["name"] == "Waiting on vendor"


def test_a_status_of_another_board_is_refused_in_words(page, product):
    page.goto(f"{product.url}/tickets/48133?sort=priority")
    select = page.locator("#d-status")
    expect(select).to_be_enabled()
    before = ticket(product, 48133)["status"]
    select.evaluate(
        "(el) => { el.add(new Option('Elsewhere', '203')); el.value = '203'; el.dispatchEvent(new Event('change', {bubbles: true})) }"
    )

    expect(
        page.get_by_text("does not belong to this ticket’s board").or_(
            page.get_by_text("does not belong to this ticket's board")
        )
    ).to_be_visible()
    expect(page.locator("#d-status option:checked")).to_have_text(before["name"])
    assert ticket(product, 48133)["status"]["id"] == before["id"]


def test_people_come_and_go(page, product):
    page.goto(f"{product.url}/tickets/48198?sort=priority")
    add(page, "brandt", "T. Brandt")
    expect(page.locator("#resources li", has_text="T. Brandt").get_by_text("Owner")).to_be_visible()
    add(page, "halvorsen", "R. Halvorsen")
    expect(page.get_by_role("button", name="Remove R. Halvorsen")).to_be_visible()
    assert ticket(product, 48198)["owner"]["identifier"] == "tbrandt"

    page.get_by_role("button", name="Remove R. Halvorsen").click()
    expect(page.get_by_role("button", name="Remove R. Halvorsen")).to_have_count(0)
    page.get_by_role("button", name="Remove T. Brandt").click()
    expect(page.locator("#resources .chip.src")).to_have_count(0)
    assert not ticket(product, 48198).get("owner")


def add(page, typed, name):
    page.locator("[popovertarget=add-resource]").click()
    page.get_by_label("Find a member to add").fill(typed)
    page.locator("#resource-choices button", has_text=name).click()
    expect(page.locator("#resources li", has_text=name)).to_be_visible()


def test_an_internal_note_reaches_the_ticket(page, product):
    page.goto(f"{product.url}/tickets/48140?sort=priority")
    page.get_by_label("New note").fill("Docking station swapped, waiting for a day.")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#notes .note", has_text="Docking station swapped").get_by_text("Internal")).to_be_visible()
    expect(page.get_by_text("Being sent")).to_have_count(0, timeout=20_000)

    notes = product.ask_connectwise("/service/tickets/48140/notes", pageSize="100")
    ours = [note for note in notes if "Docking station swapped" in note["text"]]
    assert [note["internalAnalysisFlag"] for note in ours] == [True]


def test_a_pasted_mail_becomes_one_ticket(page, product):
    open_queue(page, product)
    page.keyboard.press("n")
    page.get_by_label("Pasted text").fill(MAIL)
    expect(page.locator("#n-summary")).to_have_value("Plotter on floor two prints stripes")
    expect(page.get_by_role("button", name="Company: Fabrikam")).to_be_visible()
    page.get_by_role("checkbox", name="Start a session right away").uncheck()
    page.get_by_role("button", name="Create ticket").dblclick()
    expect(page).to_have_url(re.compile(r"/tickets/\d+"), timeout=15_000)

    made = product.ask_connectwise("/service/tickets", conditions='summary="Plotter on floor two prints stripes"')
    assert [each["company"]["name"] for each in made] == ["Fabrikam"]


def test_a_session_gets_its_ticket_later(page, product):
    page.goto(product.url)
    page.get_by_label("Describe the problem").fill("The archive is slow to open for everybody.")
    page.get_by_role("button", name="Start session").click()
    page.get_by_role("link", name="Link a ticket").click()
    page.get_by_label("Number, summary, company or contact").fill("move archive")
    page.locator("#pick-list button", has_text="Move archive to SharePoint").click()

    expect(page.locator("#session-head")).to_contain_text("CW #48108")
    expect(page.locator("#lane-facts")).to_contain_text("Client: Northwind")
