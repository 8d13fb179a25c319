"""Every error is a problem document; who may call; what no answer shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.http.application import build_application
from app.http.recognition_schemas import Enrolled, Identified, IdentifiedEverybody, Verified
from app.telemetry import Metrics
from tests.app.http.test_refusals import assert_refused
from tests.live_service import LiveService

_SUCCESS = {"enroll": 201, "identify": 200, "verify": 200}


@pytest.mark.parametrize("path", ["/nowhere", "/subjects/", "/walks", "/%2e%2e/etc", "/console/x"])
def test_an_unknown_path_is_a_problem(service: LiveService, path: str) -> None:
    assert_refused(service.http.get(path), 404, "not-found")


def test_an_unanswered_method_is_a_problem_that_lists_the_others(service: LiveService) -> None:
    response = service.http.put("/identify")

    assert_refused(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


def test_allow_names_every_method_of_an_address(service: LiveService) -> None:
    response = service.http.put("/galleries/of-nobody")

    assert_refused(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "DELETE, GET, PATCH"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "", "127.0.0.1.evil.example"]
)
def test_a_name_that_was_rebound_to_this_machine_is_refused(
    service: LiveService, host: str
) -> None:
    assert_refused(service.http.get("/subjects", headers={"Host": host}), 421, "unknown-host")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_page_of_another_site_cannot_change_anything(
    service: LiveService, headers: dict[str, str]
) -> None:
    response = service.http.post("/galleries", json={"name": "stolen"}, headers=headers)

    assert_refused(response, 403, "cross-origin")
    assert "stolen" not in service.http.get("/galleries").text


def test_the_console_of_this_service_may_change_things(service: LiveService, gallery: str) -> None:
    headers = {"Origin": service.url, "Sec-Fetch-Site": "same-origin"}

    response = service.http.post("/galleries", json={"name": gallery}, headers=headers)

    assert response.status_code == 201


def test_answers_carry_security_headers_and_no_permission_for_other_sites(
    service: LiveService,
) -> None:
    headers = service.http.get("/", headers={"Origin": "https://evil.example"}).headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


def test_an_unexpected_error_shows_a_support_id_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @asynccontextmanager
    async def nothing_behind(_app: FastAPI) -> AsyncIterator[None]:
        yield

    app = build_application(Metrics(), nothing_behind, hosts=None)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret of the house")

    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/broken")

    response = asyncio.run(call())

    document = assert_refused(response, 500, "internal-error")
    assert len(str(document["support_id"])) >= 8
    assert "secret" not in response.text
    assert "Traceback" not in response.text


def test_no_answer_echoes_a_value_that_was_refused(service: LiveService) -> None:
    response = service.http.get("/subjects", params={"limit": "<script>alert(1)</script>"})

    assert "script" not in response.text


def test_the_description_covers_every_route_and_fits_the_answers(service: LiveService) -> None:
    api = service.http.get("/openapi.json").json()

    wanted = {
        "/enroll": {"post"},
        "/identify": {"post"},
        "/verify": {"post"},
        "/subjects": {"get"},
        "/subjects/{subject}": {"get", "patch", "delete"},
        "/subjects/{subject}/walks": {"get"},
        "/subjects/{subject}/move": {"post"},
        "/subjects/{subject}/merge": {"post"},
        "/subjects/{subject}/merges": {"get"},
        "/merges/{merge}": {"get"},
        "/merges/{merge}/undo": {"post"},
        "/walks/{walk}": {"get", "delete"},
        "/walks/{walk}/gei.png": {"get"},
        "/galleries": {"get", "post"},
        "/galleries/{gallery}": {"get", "patch", "delete"},
        "/galleries/{gallery}/calibrate": {"post"},
        "/galleries/{gallery}/calibration": {"delete"},
        "/galleries/{gallery}/export": {"get"},
        "/galleries/{gallery}/import": {"post"},
        "/galleries/{gallery}/map": {"get"},
        "/galleries/{gallery}/protection": {"put", "delete"},
        "/galleries/{gallery}/protection/renewal": {"post"},
        "/checkpoints": {"get", "post"},
        "/checkpoints/rollback": {"post"},
        "/checkpoints/{checkpoint}": {"get", "delete"},
        "/checkpoints/{checkpoint}/activate": {"post"},
        "/checkpoints/{checkpoint}/refusals": {"get"},
        "/checkpoints/{checkpoint}/reembedding": {"get"},
        "/checkpoints/{checkpoint}/reembedding/pause": {"post"},
        "/checkpoints/{checkpoint}/reembedding/resume": {"post"},
        "/checkpoints/{checkpoint}/reembedding/cancel": {"post"},
        "/jobs": {"get"},
        "/jobs/{job}": {"get", "delete"},
        "/jobs/{job}/events": {"get"},
        "/jobs/{job}/explanation": {"get"},
        "/jobs/{job}/gei.png": {"get"},
        "/keys": {"get", "post"},
        "/keys/{key}": {"delete"},
        "/session": {"get", "post", "delete"},
        "/audit": {"get"},
        "/audit/key": {"get"},
        "/service": {"get"},
        "/livez": {"get"},
        "/readyz": {"get"},
        "/metrics": {"get"},
    }
    assert {path: set(methods) for path, methods in api["paths"].items()} == wanted

    def success(route: str) -> dict[str, Any]:
        answers = api["paths"][f"/{route}"]["post"]["responses"]
        described: dict[str, Any] = answers[str(_SUCCESS[route])]["content"]["application/json"]
        return described

    Enrolled.model_validate(success("enroll")["example"])
    Verified.model_validate(success("verify")["example"])
    one, everybody = success("identify")["examples"].values()
    Identified.model_validate(one["value"])
    IdentifiedEverybody.model_validate(everybody["value"])
    form = api["paths"]["/identify"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert {"walk", "gallery", "walker", "top_k", "target_fpir"} <= set(
        form["schema"]["properties"]
    )
    assert form["example"]
    assert "HTTPValidationError" not in json.dumps(api)


@pytest.mark.parametrize(
    "page", ["/", "/docs", "/console/static/docs.js", "/console/static/console.css"]
)
def test_pages_load_nothing_from_elsewhere(service: LiveService, page: str) -> None:
    response = service.http.get(page)
    text = response.text.replace("http://www.w3.org/2000/svg", "")  # a name, not an address

    assert response.status_code == 200
    assert "http://" not in text
    assert "https://" not in text
    assert "<style" not in text
    assert " style=" not in text
    assert " onclick=" not in text


def test_the_probes_answer(service: LiveService) -> None:
    assert service.http.get("/livez").json() == {"status": "alive"}
    ready = service.http.get("/readyz").json()
    assert ready["status"] == "ready"
    assert ready["checkpoint"]


def test_the_metrics_count_without_naming_anybody(service: LiveService) -> None:
    service.http.get("/subjects/a-secret-person")

    text = service.http.get("/metrics").text

    assert 'walkprint_http_requests_total{method="GET",route="/subjects/{subject}"' in text
    assert 'walkprint_refusals_total{problem="unknown-subject"}' in text
    assert "walkprint_encoder_ready 1.0" in text
    assert "a-secret-person" not in text
