"""Keys, limits and tokens as a client meets them: the whole service, real walks, real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.client import (
    Client,
    NotAllowed,
    NotAuthenticated,
    RetryPolicy,
    TooManyRequests,
    WalkprintError,
)
from app.registry.keys import NewKey
from app.registry.scopes import Scope
from app.settings import Settings
from tests.app.http.issuer import AUDIENCE, Issuer, running_issuer
from tests.live_service import LiveService, live_service
from tests.walks import walk_zip

ADMIN = "wp_" + "d" * 10 + "_" + "z" * 43
ONCE = RetryPolicy(attempts=1)


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """The issuer that the service trusts."""
    with running_issuer() as running:
        yield running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[LiveService]:
    """A service with one key and an issuer."""
    settings = Settings(
        data=tmp_path_factory.mktemp("keyed"),
        device="cpu",
        bootstrap_key=ADMIN,
        oidc_issuer=issuer.url,
        oidc_audience=AUDIENCE,
        failures_per_minute=0,
    )
    with live_service(settings) as running:
        yield running


@pytest.fixture
def client(service: LiveService) -> Iterator[Callable[[str], Client]]:
    """Makes clients that show a key, or a token, and that are closed at the end."""
    made: list[Client] = []

    def showing(credential: str) -> Client:
        made.append(Client(service.url, api_key=credential, retries=ONCE))
        return made[-1]

    yield showing
    for one in made:
        one.close()


@pytest.fixture
def walks(tmp_path: Path) -> list[Path]:
    """Two walks of one person."""
    paths = [tmp_path / "monday.zip", tmp_path / "tuesday.zip"]
    for number, path in enumerate(paths):
        path.write_bytes(walk_zip(0, walk=number))
    return paths


def key_for(
    service: LiveService, *scopes: Scope, gallery: str | None = None, per_minute: int | None = None
) -> str:
    """The text of a fresh key."""
    galleries = None if gallery is None else (gallery,)
    _, text = service.registry.keys.create(NewKey("a test's", scopes, galleries, per_minute))
    assert text is not None
    return text


def test_a_key_enrols_and_finds_and_no_key_does_nothing(
    service: LiveService, client: Callable[[str], Client], walks: list[Path]
) -> None:
    known = client(key_for(service, "enroll", "identify", gallery="office"))

    known.enroll("ada", [walks[0]], gallery="office")
    found = known.identify(walks[1], gallery="office")

    assert found.candidates[0].subject == "ada"
    for stranger in (client(""), client(ADMIN[:-1] + "a")):
        with pytest.raises(NotAuthenticated):
            stranger.identify(walks[1], gallery="office")
    with pytest.raises(NotAllowed):
        known.galleries()


def test_a_key_of_another_gallery_finds_nothing_there(
    service: LiveService, client: Callable[[str], Client], walks: list[Path]
) -> None:
    client(ADMIN).enroll("bea", [walks[0]], gallery="vault")
    elsewhere = client(key_for(service, "identify", "subjects:read", gallery="lobby"))

    for call in (
        lambda: elsewhere.identify(walks[1], gallery="vault"),
        lambda: elsewhere.subject("bea"),
        lambda: elsewhere.gallery("vault"),
    ):
        with pytest.raises(WalkprintError) as refused:
            call()
        assert refused.value.status == 404


def test_a_key_that_is_used_up_says_when_to_come_back(
    service: LiveService, client: Callable[[str], Client]
) -> None:
    busy = client(key_for(service, "subjects:read", per_minute=2))
    for _ in range(2):
        busy.galleries()

    with pytest.raises(TooManyRequests) as refused:
        busy.galleries()

    assert refused.value.limit == 2
    assert refused.value.retry_after_seconds is not None
    assert client(ADMIN).galleries() is not None
    assert service.http.get("/livez").status_code == 200


def test_a_token_of_the_issuer_does_what_its_scopes_say_where_its_galleries_say(
    service: LiveService, issuer: Issuer, client: Callable[[str], Client], walks: list[Path]
) -> None:
    token = issuer.token(scope="walkprint:enroll", walkprint_galleries=["tokens"])
    bearer = client(token)

    assert bearer.enroll("cyd", [walks[0]], gallery="tokens").created
    with pytest.raises(WalkprintError) as elsewhere:
        bearer.enroll("cyd", [walks[0]], gallery="vault")
    with pytest.raises(NotAllowed):
        bearer.galleries()
    with pytest.raises(NotAuthenticated) as expired:
        client(issuer.token(scope="admin", exp=1)).galleries()

    assert elsewhere.value.status == 404
    assert "expired" in expired.value.detail


def test_an_issuer_that_is_away_concerns_tokens_only(tmp_path: Path) -> None:
    with running_issuer() as gone:
        token = gone.token(scope="admin", walkprint_galleries="*")
    settings = Settings(
        data=tmp_path,
        device="cpu",
        bootstrap_key=ADMIN,
        oidc_issuer=gone.url,
        oidc_audience=AUDIENCE,
    )
    with live_service(settings) as service:
        answers = [
            service.http.get("/galleries", headers={"Authorization": f"Bearer {credential}"})
            for credential in (token, ADMIN)
        ]

    assert [answer.status_code for answer in answers] == [503, 200]
    assert int(answers[0].headers["Retry-After"]) >= 1
