"""A browser without script: forms carry their token, and what they post leads back to the page."""

import re
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

FORM = re.compile(r'<form[^>]*method="post".*?</form>', re.DOTALL)


@pytest.fixture
def page(client, technician, chat, fix):
    client.force_login(technician)
    return client.get(chat.get_absolute_url()).content.decode()


def test_every_form_carries_its_token(page):
    forms = FORM.findall(page)

    assert len(forms) > 5
    assert all("csrfmiddlewaretoken" in form for form in forms)


@pytest.mark.parametrize(
    ("name", "posted"), [("ask", {"text": "The printer hums."}), ("add-fact", {"text": "It is plugged in."})]
)
def test_what_a_form_posts_leads_back_to_the_page(client, technician, chat, name, posted):
    client.force_login(technician)

    answer = client.post(reverse(f"sessions:{name}", args=[chat.id]), {**posted, "client_key": uuid4()})

    assert (answer.status_code, answer["Location"]) == (302, chat.get_absolute_url())


def test_the_theme_form_leads_home(technician):
    client = Client()
    client.force_login(technician)

    assert client.post(reverse("accounts:set-theme"), {"theme": "light"})["Location"] == "/"
