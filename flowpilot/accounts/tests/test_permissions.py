import asyncio

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.template import Template
from django.template.context import Context
from django.test import RequestFactory

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.models import User
from flowpilot.accounts.permissions import NotYourRole, Right, needs

OWNER = User(role=User.Role.OWNER, account_id="5e551011-0000-4000-8000-000000000001")
ENGINEER = User(role=User.Role.ENGINEER, account_id=OWNER.account_id)


@needs(Right.MANAGE)
@own_scope
def manage(request):
    return HttpResponse("done")


@needs(Right.MANAGE)
async def manage_slowly(request):
    return HttpResponse("done")


def _request(user, method="get", htmx=False):
    request = getattr(RequestFactory(), method)("/")
    request.user, request.htmx = user, htmx
    return request


def test_a_person_with_the_right_is_let_in():
    assert manage(_request(OWNER)).content == b"done"


def test_a_person_without_it_is_told_whom_to_ask():
    with pytest.raises(NotYourRole, match=r"Only an admin or the owner of your account may .* Your role is engineer\."):
        manage(_request(ENGINEER))


def test_nobody_is_not_let_in():
    with pytest.raises(NotYourRole):
        manage(_request(AnonymousUser()))


def test_a_piece_says_it_in_its_own_place():
    reply = manage(_request(ENGINEER, htmx=True))

    assert (reply.status_code, b"Your role is engineer." in reply.content) == (403, True)


def test_an_async_view_is_guarded_as_well():
    with pytest.raises(NotYourRole):
        asyncio.run(manage_slowly(_request(ENGINEER)))


def test_the_mark_of_a_view_with_its_own_scope_stays():
    assert manage.has_own_scope


@pytest.mark.parametrize(("user", "said"), [(OWNER, "may"), (ENGINEER, "may not")])
def test_a_template_asks_the_same_table(user, said):
    tag = Template('{% can user "manage" as may %}{% if may %}may{% else %}may not{% endif %}')
    filtered = Template('{% if user|can:"manage" %}may{% else %}may not{% endif %}')

    assert [each.render(Context({"user": user})) for each in (tag, filtered)] == [said, said]
