"""Every route × every role. A route that has no row here fails, as one that lets too many in."""

from __future__ import annotations

from itertools import product

import pytest
from fastapi.routing import APIRoute

from app.http.application import ROUTE_MODULES
from app.registry.scopes import SCOPES
from tests.security.roles import Roles

EVERYBODY, SIGNED_IN, ADMIN_OF_ALL = "everybody", "signed in", "admin of all"
WHO_MAY = {
    "GET /": EVERYBODY,
    "GET /docs": EVERYBODY,
    "GET /favicon.ico": EVERYBODY,
    "GET /console/{page}": EVERYBODY,
    "GET /console/samples/{name}": EVERYBODY,
    "GET /console/static/{name}": EVERYBODY,
    "GET /console/texts.json": EVERYBODY,
    "GET /livez": EVERYBODY,
    "GET /readyz": EVERYBODY,
    "POST /session": EVERYBODY,
    "DELETE /session": EVERYBODY,
    "GET /session": SIGNED_IN,
    "GET /metrics": SIGNED_IN,
    "GET /jobs": SIGNED_IN,
    # Jobs of kinds that the caller could not have asked for are not there for them.
    "GET /jobs/{job}": SIGNED_IN,
    "DELETE /jobs/{job}": SIGNED_IN,
    "GET /jobs/{job}/events": SIGNED_IN,
    "GET /jobs/{job}/explanation": SIGNED_IN,
    "GET /jobs/{job}/gei.png": SIGNED_IN,
    "GET /audit/key": SIGNED_IN,
    "POST /identify": "identify",
    "POST /verify": "identify",
    "POST /enroll": "enroll",
    "GET /subjects": "subjects:read",
    "GET /subjects/{subject}": "subjects:read",
    "GET /subjects/{subject}/walks": "subjects:read",
    "GET /subjects/{subject}/merges": "subjects:read",
    "GET /merges/{merge}": "subjects:read",
    "GET /walks/{walk}": "subjects:read",
    "GET /walks/{walk}/gei.png": "subjects:read",
    "GET /galleries": "subjects:read",
    "GET /galleries/{gallery}": "subjects:read",
    "GET /galleries/{gallery}/map": "subjects:read",
    "GET /checkpoints": "subjects:read",
    "GET /checkpoints/{checkpoint}": "subjects:read",
    "GET /checkpoints/{checkpoint}/reembedding": "subjects:read",
    "PATCH /subjects/{subject}": "subjects:write",
    "DELETE /subjects/{subject}": "subjects:write",
    "POST /subjects/{subject}/move": "subjects:write",
    "POST /subjects/{subject}/merge": "subjects:write",
    "POST /merges/{merge}/undo": "subjects:write",
    "DELETE /walks/{walk}": "subjects:write",
    "POST /galleries": "admin",
    "PATCH /galleries/{gallery}": "admin",
    "DELETE /galleries/{gallery}": "admin",
    "GET /galleries/{gallery}/export": "admin",
    "POST /galleries/{gallery}/import": "admin",
    "POST /galleries/{gallery}/calibrate": "admin",
    "DELETE /galleries/{gallery}/calibration": "admin",
    "PUT /galleries/{gallery}/protection": "admin",
    "POST /galleries/{gallery}/protection/renewal": "admin",
    "DELETE /galleries/{gallery}/protection": "admin",
    "POST /checkpoints": ADMIN_OF_ALL,
    "POST /checkpoints/rollback": ADMIN_OF_ALL,
    "POST /checkpoints/{checkpoint}/activate": ADMIN_OF_ALL,
    "DELETE /checkpoints/{checkpoint}": ADMIN_OF_ALL,
    "GET /checkpoints/{checkpoint}/refusals": ADMIN_OF_ALL,
    "POST /checkpoints/{checkpoint}/reembedding/pause": ADMIN_OF_ALL,
    "POST /checkpoints/{checkpoint}/reembedding/resume": ADMIN_OF_ALL,
    "POST /checkpoints/{checkpoint}/reembedding/cancel": ADMIN_OF_ALL,
    "GET /keys": ADMIN_OF_ALL,
    "POST /keys": ADMIN_OF_ALL,
    "DELETE /keys/{key}": ADMIN_OF_ALL,
    "GET /audit": ADMIN_OF_ALL,
    "GET /service": ADMIN_OF_ALL,
}
ROLES = (None, "none", *SCOPES, "admin of ours")


def is_let_in(role: str | None, who: str) -> bool:
    """Whether the table lets a role in."""
    if who == EVERYBODY:
        return True
    if role is None:
        return False
    if who == SIGNED_IN or role == "admin":
        return True
    return who != ADMIN_OF_ALL and (role == who or role == "admin of ours")


def test_every_route_has_a_row(roles: Roles) -> None:
    """And every row a route: what is added or removed is thought about here."""
    routes = {
        f"{method} {route.path}"
        for module in ROUTE_MODULES
        for route in module.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert routes == set(WHO_MAY)
    others = [route for route in roles.service.app.routes if hasattr(route, "path")]
    assert [route.path for route in others] == ["/openapi.json"]
    assert len(roles.service.app.routes) == len(ROUTE_MODULES) + len(others)


@pytest.mark.parametrize(("route", "role"), list(product(WHO_MAY, ROLES)))
def test_a_role_is_let_in_or_not(roles: Roles, route: str, role: str | None) -> None:
    """Nothing is sent but the key: who is not let in learns that before anything else."""
    method, path = route.split(" ")
    for name in ("subject", "walk", "merge", "job", "checkpoint", "key", "name", "page"):
        path = path.replace(f"{{{name}}}", "not-there")
    answer = roles.call(role, method, path.replace("{gallery}", "ours"))
    refused = answer.status_code in (401, 403)
    if is_let_in(role, WHO_MAY[route]):
        # Signing in without a page around it is refused for that, not for who it is.
        is_session_form = route.endswith("/session") and method != "GET"
        assert not refused or is_session_form, answer.text
    else:
        assert answer.status_code == (401 if role is None else 403), answer.text
        assert answer.json()["type"].rpartition("/")[2] == (
            "not-signed-in" if role is None else "not-allowed"
        )


@pytest.mark.parametrize("route", [route for route, who in WHO_MAY.items() if who != EVERYBODY])
def test_a_stranger_learns_nothing_from_a_wrong_body(roles: Roles, route: str) -> None:
    """Who calls is asked before the body is read, be it no JSON at all."""
    method, path = route.split(" ")
    headers = {"Content-Type": "application/json"}
    answer = roles.service.http.request(method, path, content=b"{", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="walkprint"'
