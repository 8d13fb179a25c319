"""POST /galleries under an Idempotency-Key."""

from __future__ import annotations

from tests.app.http.test_refusals import assert_refused
from tests.live_service import LiveService


def test_a_gallery_is_made_once_under_one_key(service: LiveService, gallery: str) -> None:
    headers = {"Idempotency-Key": f"key-{gallery}"}
    first, second = (
        service.http.post("/galleries", json={"name": gallery}, headers=headers) for _ in range(2)
    )
    other = service.http.post("/galleries", json={"name": f"{gallery}-2"}, headers=headers)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert_refused(other, 422, "idempotency-key-reused")
    assert f"{gallery}-2" not in service.http.get("/galleries").text
