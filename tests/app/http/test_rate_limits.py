"""How often a caller may call, and an address may fail."""

from __future__ import annotations

import time
from ipaddress import IPv6Address

import pytest

from app.http.caller import Caller
from app.http.rate_limits import RateLimits, TooManyRequests


def caller(name: str, requests_per_minute: int | None = None) -> Caller:
    return Caller(name, frozenset(), requests_per_minute=requests_per_minute)


def count_admitted(limits: RateLimits, who: Caller, tries: int) -> int:
    admitted = 0
    for _ in range(tries):
        try:
            limits.admit(who)
        except TooManyRequests:
            continue
        admitted += 1
    return admitted


def test_a_caller_has_as_many_calls_as_the_service_grants_and_takes_none_from_others() -> None:
    limits = RateLimits(requests_per_minute=5, failures_per_minute=0)

    assert count_admitted(limits, caller("key:a"), 8) == 5
    assert count_admitted(limits, caller("key:b"), 8) == 5


def test_a_limit_of_ones_own_goes_before_the_services() -> None:
    limits = RateLimits(requests_per_minute=5, failures_per_minute=0)

    assert count_admitted(limits, caller("key:few", 2), 8) == 2
    assert count_admitted(limits, caller("key:many", 7), 8) == 7


def test_nought_is_no_limit() -> None:
    unlimited = RateLimits(requests_per_minute=0, failures_per_minute=0)

    assert count_admitted(unlimited, caller("key:a"), 10_000) == 10_000
    for _ in range(1000):
        unlimited.count_failure("198.51.100.7")


def test_the_refusal_says_what_the_limit_is_and_when_to_come_back() -> None:
    limits = RateLimits(requests_per_minute=1, failures_per_minute=0)
    limits.admit(caller("key:a"))

    with pytest.raises(TooManyRequests) as refused:
        limits.admit(caller("key:a"))

    document = refused.value.to_json()
    wait_seconds = int(refused.value.headers["Retry-After"])
    assert (document["status"], document["type"]) == (429, "/problems/too-many-requests")
    assert (document["limit"], document["window_seconds"]) == (1, 60)
    assert document["retry_after_seconds"] == wait_seconds
    assert 1 <= wait_seconds <= 120


def test_who_waits_may_call_again() -> None:
    limits = RateLimits(requests_per_minute=1, failures_per_minute=0, window_seconds=1)
    deadline = time.monotonic() + 10
    limits.admit(caller("key:a"))

    while count_admitted(limits, caller("key:a"), 1) == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_address_that_fails_too_often_is_told_to_wait_and_another_is_not() -> None:
    limits = RateLimits(requests_per_minute=1, failures_per_minute=3)
    for _ in range(3):
        limits.count_failure("198.51.100.7")

    with pytest.raises(TooManyRequests):
        limits.count_failure("198.51.100.7")

    limits.count_failure("198.51.100.8")
    limits.admit(caller("key:a"))  # failures are nothing to somebody who is recognised


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("fe80::1%eth0", "fe80::2%eth1"),
    ],
)
def test_one_customer_is_one_address_however_many_they_were_given(first: str, second: str) -> None:
    limits = RateLimits(requests_per_minute=0, failures_per_minute=1)
    limits.count_failure(first)

    with pytest.raises(TooManyRequests):
        limits.count_failure(second)


def test_what_is_remembered_of_addresses_does_not_grow_with_their_number() -> None:
    """Where each address had a count of its own, each would be told once that it failed."""
    limits = RateLimits(requests_per_minute=0, failures_per_minute=1, window_seconds=3600)
    counted = 0
    for network in range(20_000):
        try:
            limits.count_failure(str(IPv6Address(network << 64)))
        except TooManyRequests:
            continue
        counted += 1

    assert 2000 < counted <= 4096
