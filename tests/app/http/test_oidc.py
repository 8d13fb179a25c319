"""Tokens of an OpenID Connect issuer: whom they let in, and every way in which they do not."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.errors import Problem
from app.http.issuer_keys import IssuerKeys, IssuerUnreachable
from app.http.oidc import InvalidToken, TokenCheck
from tests.app.http.issuer import AUDIENCE, Issuer, rsa_key, running_issuer


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer of the test's own."""
    with running_issuer() as running:
        yield running


def check_of(issuer: Issuer, *, pause_seconds: float = 0.0) -> TokenCheck:
    return TokenCheck(
        IssuerKeys(issuer.url, pause_seconds=pause_seconds),
        issuer=issuer.url,
        audience=AUDIENCE,
        scope_claim="scope",
        galleries_claim="walkprint_galleries",
    )


def refusal(check: TokenCheck, token: str) -> Problem:
    with pytest.raises(InvalidToken) as refused:
        check.caller_of(token)
    return refused.value


def test_a_good_token_says_who_calls_and_what_they_may(issuer: Issuer) -> None:
    token = issuer.token(
        scope="openid walkprint:identify subjects:read other:admin",
        walkprint_galleries=["office", "lab"],
    )

    caller = check_of(issuer).caller_of(token)

    assert caller.name == "oidc:ada"
    assert caller.scopes == {"identify", "subjects:read"}
    assert caller.galleries == frozenset({"office", "lab"})
    assert caller.requests_per_minute is None


def test_scopes_and_galleries_come_as_lists_or_as_words(issuer: Issuer) -> None:
    check = check_of(issuer)

    listed = check.caller_of(issuer.token(scope=["enroll", 7], walkprint_galleries="office lab"))

    assert listed.scopes == {"enroll"}
    assert listed.galleries == frozenset({"office", "lab"})


def test_a_token_that_names_no_gallery_sees_none_and_a_star_sees_all(issuer: Issuer) -> None:
    check = check_of(issuer)

    silent = check.caller_of(issuer.token(scope="admin"))
    starred = check.caller_of(issuer.token(scope="admin", walkprint_galleries="*"))

    assert silent.galleries == frozenset()
    assert not silent.sees("default")
    assert starred.galleries is None


def test_a_token_without_a_scope_of_this_service_may_do_nothing(issuer: Issuer) -> None:
    assert check_of(issuer).caller_of(issuer.token()).scopes == frozenset()


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()],
    ids=["ES256", "EdDSA"],
)
def test_every_kind_of_key_that_only_the_issuer_has_is_good(
    issuer: Issuer, key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
) -> None:
    issuer.keys["other"] = key

    assert check_of(issuer).caller_of(issuer.token("other")).name == "oidc:ada"


def test_the_audience_may_be_one_of_several(issuer: Issuer) -> None:
    assert check_of(issuer).caller_of(issuer.token(aud=["billing", AUDIENCE])).name == "oidc:ada"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"aud": "billing"}, "another audience"),
        ({"aud": None}, "'aud'"),
        ({"iss": "https://issuer.example"}, "another issuer"),
        ({"iss": None}, "'iss'"),
        ({"exp": int(time.time()) - 60}, "expired"),
        ({"exp": None}, "'exp'"),
        ({"nbf": int(time.time()) + 3600}, "valid now"),
        ({"sub": None}, "'sub'"),
    ],
)
def test_a_token_for_others_or_for_another_time_is_refused_with_the_reason(
    issuer: Issuer, changes: dict[str, Any], said: str
) -> None:
    refused = refusal(check_of(issuer), issuer.token(**changes))

    assert said in refused.detail
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer ")


def test_a_token_of_a_moment_ago_passes_for_clocks_differ(issuer: Issuer) -> None:
    token = issuer.token(exp=int(time.time()) - 3)

    assert check_of(issuer).caller_of(token).name == "oidc:ada"


def test_a_token_that_nobody_signed_is_refused(issuer: Issuer) -> None:
    unsigned = jwt.encode(issuer.claims(scope="admin"), "", "none", headers={"kid": "first"})

    assert "only its issuer" in refusal(check_of(issuer), unsigned).detail


def test_the_issuers_public_key_is_no_shared_secret(issuer: Issuer) -> None:
    """HS256 over the published key: the classic confusion of algorithms."""
    public = issuer.keys["first"].public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header, payload = (
        _part({"alg": "HS256", "kid": "first"}),
        _part(issuer.claims(scope="admin")),
    )
    signed = f"{header}.{payload}".encode()
    algorithm = jwt.get_algorithm_by_name("HS256")
    forged = f"{signed.decode()}.{_text(algorithm.sign(signed, pem))}"

    assert "only its issuer" in refusal(check_of(issuer), forged).detail


def test_a_shared_secret_that_the_issuer_publishes_is_no_key(issuer: Issuer) -> None:
    secret = b"a secret of thirty-two characters"
    key = {"kty": "oct", "kid": "shared", "k": _text(secret), "alg": "HS256"}
    issuer.document = json.dumps({"keys": [key]}).encode()
    token = jwt.encode(issuer.claims(), secret, "HS256", headers={"kid": "shared"})

    refusal(check_of(issuer), token)


def test_a_stranger_who_signs_under_the_name_of_a_key_is_refused(issuer: Issuer) -> None:
    refusal(check_of(issuer), issuer.sign(rsa_key(), "first", scope="admin"))


def test_a_key_that_is_too_short_to_be_secret_is_refused(issuer: Issuer) -> None:
    issuer.keys["short"] = rsa_key(1024)
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = issuer.token("short")

    refusal(check_of(issuer), token)


@pytest.mark.parametrize(
    "token",
    [
        "..",
        "a.b.c",
        "x" * 20_000 + "..",
        base64.urlsafe_b64encode(b'{"alg":' * 1000).decode() + ".e30.e30",
        base64.urlsafe_b64encode(b"[" * 9000).decode() + ".e30.e30",
        base64.urlsafe_b64encode(b'{"alg":"RS256","kid":7}').decode() + ".e30.e30",
        base64.urlsafe_b64encode(b'{"alg":["RS256"],"kid":"first"}').decode() + ".e30.e30",
    ],
)
def test_rubbish_is_refused_like_any_wrong_token(issuer: Issuer, token: str) -> None:
    assert refusal(check_of(issuer), token).status == 401


def test_a_key_that_is_new_at_the_issuer_is_found_and_one_it_never_had_is_not(
    issuer: Issuer,
) -> None:
    check = check_of(issuer)
    check.caller_of(issuer.token())
    del issuer.keys["first"]
    issuer.keys["second"] = rsa_key()

    assert check.caller_of(issuer.token("second")).name == "oidc:ada"
    assert "does not have" in refusal(check, issuer.sign(rsa_key(), "third")).detail


def test_strangers_cannot_make_the_service_ask_the_issuer_more_than_every_few_seconds(
    issuer: Issuer,
) -> None:
    check = check_of(issuer, pause_seconds=60.0)
    check.caller_of(issuer.token())
    stranger = rsa_key()

    for number in range(20):
        refusal(check, issuer.sign(stranger, f"unknown-{number}"))

    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


def test_tokens_go_on_working_while_the_issuer_is_away_and_new_processes_say_503() -> None:
    with running_issuer() as issuer:
        check = check_of(issuer)
        check.caller_of(issuer.token())

    assert check.caller_of(issuer.token()).name == "oidc:ada"
    with pytest.raises(IssuerUnreachable) as away:
        check_of(issuer).caller_of(issuer.token())
    assert away.value.status == 503
    assert int(away.value.headers["Retry-After"]) >= 1


def test_an_issuer_that_is_slow_keeps_few_threads_waiting(issuer: Issuer) -> None:
    """All requests together have forty; whoever brings a key must still find one."""
    check = check_of(issuer, pause_seconds=60.0)
    token = issuer.token()
    issuer.answers.clear()
    with ThreadPoolExecutor(12) as threads:
        calls = [threads.submit(check.caller_of, token) for _ in range(12)]
        turned_away = list(islice(as_completed(calls), 8))
        still_waiting = [call for call in calls if not call.done()]
        issuer.answers.set()

    assert all(isinstance(call.exception(), IssuerUnreachable) for call in turned_away)
    assert [call.result().name for call in still_waiting] == ["oidc:ada"] * 4


@pytest.mark.parametrize("broken", [b"not JSON", b"[]", b'{"keys": []}', b" " * 600_000])
def test_an_issuer_that_answers_nonsense_is_one_that_does_not_answer(
    issuer: Issuer, broken: bytes
) -> None:
    issuer.document = broken

    with pytest.raises(IssuerUnreachable):
        check_of(issuer).caller_of(issuer.token())


def test_keys_are_not_taken_from_another_issuer_or_over_an_open_line(issuer: Issuer) -> None:
    issuer.named = "https://issuer.example"
    with pytest.raises(IssuerUnreachable):
        check_of(issuer).caller_of(issuer.token())

    issuer.named = issuer.url
    issuer.jwks_url = "http://issuer.example/keys"
    with pytest.raises(IssuerUnreachable):
        check_of(issuer).caller_of(issuer.token())
    assert "/keys" not in issuer.asked


def test_a_name_that_fits_no_log_is_known_by_its_hash(issuer: Issuer) -> None:
    check = check_of(issuer)

    long = check.caller_of(issuer.token(sub="a" * 400)).name
    forging = check.caller_of(issuer.token(sub="ada\nkey:root")).name

    assert len(long) == len(forging) == len("oidc:") + 64


def _part(content: dict[str, object]) -> str:
    return _text(json.dumps(content).encode())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
