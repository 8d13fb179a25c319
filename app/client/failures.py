"""What the service refuses, and a service that does not answer, as exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class WalkprintError(Exception):
    """The service refused a request, and says why and what to do (RFC 9457).

    Attributes:
        status: the HTTP status; 0 when no answer came.
        code: the stable name of the reason, e.g. "no-walker-found".
        title: the reason in a few words.
        detail: the sentence about this request.
        advice: what to do about it; may be empty.
        facts: the figures in `detail`, for programs.
        problem: everything the service sent.
    """

    def __init__(self, problem: Mapping[str, Any]) -> None:
        self.problem = dict(problem)
        self.status = int(problem.get("status", 0))
        self.type = str(problem.get("type", "about:blank"))
        self.code = self.type.rstrip("/").rsplit("/", 1)[-1]
        self.title = str(problem.get("title", "The request failed"))
        self.detail = str(problem.get("detail") or self.title)
        self.advice = str(problem.get("advice") or "")
        known = {"type", "title", "status", "detail", "advice", "instance"}
        self.facts = {key: value for key, value in problem.items() if key not in known}
        super().__init__(f"{self.detail} {self.advice}".strip())


class NotAuthenticated(WalkprintError):
    """The service does not know who calls: no key came along, or it is not, or no longer, good."""


class NotAllowed(WalkprintError):
    """The service knows who calls, and they may not do this."""


class TooManyRequests(WalkprintError):
    """The service was called more often than it allows, also after waiting and trying again.

    Attributes:
        limit: how many calls are allowed; None when the service does not say.
        retry_after_seconds: when to come back; None when the service does not say.
    """

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(problem)
        self.limit: int | None = self.facts.get("limit")
        self.retry_after_seconds: int | None = self.facts.get("retry_after_seconds")


class ServiceUnreachable(WalkprintError):
    """No answer came, however often the request was sent."""


class StillWorking(WalkprintError):
    """The job had not ended when the caller's patience did; it goes on all the same."""


def unreachable(base_url: str, cause: Exception) -> ServiceUnreachable:
    """The error for a service that does not answer, with what to do about it."""
    return ServiceUnreachable(
        {
            "status": 0,
            "type": "/problems/service-unreachable",
            "title": "The service does not answer",
            "detail": f"No answer from {base_url}: {cause or type(cause).__name__}.",
            "advice": "Start it with `walkprint serve`, or name it with --url or WALKPRINT_URL.",
        }
    )


def refusal_of(response: httpx.Response) -> WalkprintError:
    """The exception for an answer that is an error."""
    kinds: dict[int, type[WalkprintError]] = {
        httpx.codes.UNAUTHORIZED: NotAuthenticated,
        httpx.codes.FORBIDDEN: NotAllowed,
        httpx.codes.TOO_MANY_REQUESTS: TooManyRequests,
    }
    return kinds.get(response.status_code, WalkprintError)(problem_of(response))


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """The problem an answer describes; a proxy's plain page becomes one as well."""
    if "json" in response.headers.get("content-type", ""):
        try:
            problem = response.json()
        except ValueError:
            problem = None
        if isinstance(problem, dict):
            return {"status": response.status_code, **problem}
    return {
        "status": response.status_code,
        "title": f"HTTP {response.status_code} {response.reason_phrase}",
        "detail": f"{response.request.method} {response.url} was answered with status"
        f" {response.status_code}.",
        "advice": "Check that the URL is Walkprint's and not another service's.",
    }
