from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from flowpilot.accounts import throttle
from flowpilot.accounts.models import Throttle

FIVE = throttle.Limit(5, timedelta(minutes=15))


def test_a_limit_counts_down_and_past_zero(db):
    assert [throttle.take("a", FIVE) for _ in range(7)] == [4, 3, 2, 1, 0, -1, -2]


def test_names_are_counted_apart(db):
    throttle.take("a", FIVE)

    assert throttle.take("b", FIVE) == 4


def test_a_good_try_is_given_back(db):
    throttle.take("a", FIVE)
    throttle.give_back("a")

    assert throttle.take("a", FIVE) == 4


def test_after_its_time_a_limit_starts_anew(db):
    for _ in range(9):
        throttle.take("a", FIVE)
    Throttle.objects.update(since=timezone.now() - timedelta(minutes=16))

    assert throttle.take("a", FIVE) == 4


def test_what_counts_no_more_is_forgotten(db):
    throttle.take("a", FIVE)
    Throttle.objects.update(since=timezone.now() - timedelta(days=2))
    throttle.take("b", FIVE)

    assert (throttle.forget_old(), Throttle.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_two_hundred_tries_at_once_five_are_made():
    def work(_):
        try:
            return throttle.take("a", FIVE)
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        left = list(pool.map(work, range(200)))

    assert sum(each >= 0 for each in left) == 5
