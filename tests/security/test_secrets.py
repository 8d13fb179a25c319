"""Secrets stay where they were put: after a day's work none of them can be read anywhere else."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from app.demo.service_process import ServiceProcess
from app.http.access import SESSION_COOKIE
from app.settings import Settings
from tests.security.surroundings import SECRET as DATABASE_PASSWORD
from tests.security.surroundings import url_of_role
from tests.servers import PostgresServer, run_sql
from tests.walks import walk_zip

_BOOTSTRAP = "wp_" + "b" * 10 + "_" + secrets.token_urlsafe(32)
_MASTER = base64.b64encode(secrets.token_bytes(32)).decode()
_NAME, _SUBJECT, _NOTE = "Ada Quillfeather", "staff-0815-quill", "limps since the accident"
_MISTYPED = _BOOTSTRAP[:-1] + ("A" if _BOOTSTRAP[-1] != "A" else "B")
_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ." + secrets.token_urlsafe(64)


@dataclass
class Day:
    """What was to be kept secret, and every place where it could have come out."""

    secrets: dict[str, str]
    places: dict[str, str] = field(default_factory=dict)

    def note(self, answer: httpx.Response) -> httpx.Response:
        """Keeps an answer, to be searched."""
        name = f"{len(self.places)}: {answer.request.method} {answer.request.url.path}"
        self.places[name] = f"{answer.headers}\n{answer.text}"
        return answer

    def found(self, *names: str) -> list[str]:
        """Where which of these secrets can be read."""
        return [
            f"{name} in {place}"
            for name in names
            for place, text in self.places.items()
            if self.secrets[name] in text
        ]


@pytest.fixture(scope="module")
def day(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Day:
    """A day at debug level: people come and go, keys too, callers err, the database goes away."""
    url = url_of_role(postgres)
    folder = tmp_path_factory.mktemp("day")
    environment = {
        "WALKPRINT_DATABASE_URL": url,
        "WALKPRINT_BOOTSTRAP_KEY": _BOOTSTRAP,
        "WALKPRINT_MASTER_KEY": _MASTER,
        "WALKPRINT_LOG_LEVEL": "debug",
        "WALKPRINT_DEVICE": "cpu",
    }
    done = Day(
        {
            "the bootstrap key": _BOOTSTRAP.split("_", 2)[2],
            "a key with a typing error": _MISTYPED,
            "a token": _TOKEN,
            "the master key": _MASTER,
            "the password of the database": DATABASE_PASSWORD,
            "a name": _NAME,
            "a subject id": _SUBJECT,
            "metadata": _NOTE,
        }
    )
    with ServiceProcess(folder, environment=environment) as service:
        _work(service, done)
        role = url.partition("//")[2].partition(":")[0]
        run_sql(
            postgres.url,
            f"ALTER ROLE {role} NOLOGIN",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'",  # noqa: S608 - our own role
        )
        with httpx.Client(base_url=service.url, timeout=60) as http:
            for _ in range(2):
                answer = http.get("/subjects", headers={"Authorization": f"Bearer {_BOOTSTRAP}"})
                assert done.note(answer).status_code == 503
        for child in (service.pid, *_children(service.pid)):
            done.places[f"command line of {child}"] = Path(f"/proc/{child}/cmdline").read_text()
    done.places["the log"] = service.log_path.read_text()
    assert "job accepted" in done.places["the log"], "this is not debug level"
    return done


def _work(service: ServiceProcess, day: Day) -> None:
    """Calls that succeed, fail and are refused."""
    shown = {"Authorization": f"Bearer {_BOOTSTRAP}"}
    with httpx.Client(base_url=service.url, headers=shown, timeout=60) as http:
        fields = {"subject": _SUBJECT, "name": _NAME, "metadata": json.dumps({"note": _NOTE})}
        assert http.post(
            "/enroll", data=fields, files={"walk": (f"{_NAME}.zip", walk_zip(1))}
        ).is_success
        assert http.post("/identify", files={"walk": walk_zip(1, walk=2)}).is_success
        day.note(http.post("/identify", files={"walk": b"nonsense"}))
        made = http.post("/keys", json={"label": "door", "scopes": ["identify"]}).json()
        day.secrets["a key that was made"] = made["key"].split("_", 2)[2]
        with httpx.Client(base_url=service.url, headers={"Origin": service.url}) as browser:
            assert browser.post("/session", json={"key": made["key"]}).is_success
            day.secrets["a session"] = browser.cookies[SESSION_COOKIE]
            day.note(browser.get("/session"))
            day.note(browser.post("/session", json={"key": _MISTYPED}))
            day.note(browser.post("/session", json={"key": 7, "secret": _MISTYPED}))
        for wrong in (_MISTYPED, _TOKEN, _BOOTSTRAP[1:]):
            day.note(http.get("/subjects", headers={"Authorization": f"Bearer {wrong}"}))
        day.note(http.get("/keys"))
        day.note(http.get("/audit"))
        day.note(http.delete(f"/keys/{made['id']}"))
        day.note(http.post("/keys", json={"label": _BOOTSTRAP, "scopes": [_BOOTSTRAP]}))
        day.note(http.post("/keys", content=f'{{"label": "{_MISTYPED}"'))
        day.note(http.get("/metrics"))
        day.note(http.get("/openapi.json"))
        day.note(http.get("/readyz"))
        assert http.delete(f"/subjects/{_SUBJECT}").is_success


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


@pytest.mark.parametrize(
    "name",
    [
        "the bootstrap key",
        "a key with a typing error",
        "a key that was made",
        "a session",
        "a token",
        "the master key",
        "the password of the database",
    ],
)
def test_no_secret_is_in_a_log_an_answer_or_a_command_line(day: Day, name: str) -> None:
    assert day.found(name) == []


@pytest.mark.parametrize("name", ["a name", "a subject id", "metadata"])
def test_no_log_problem_or_figure_leads_to_a_person(day: Day, name: str) -> None:
    assert day.found(name) == []


def test_settings_show_no_secret_when_they_are_printed_or_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A start that fails prints what is wrong, into a log that others read."""
    monkeypatch.setenv("WALKPRINT_DATABASE_URL", f"postgresql://u:{DATABASE_PASSWORD}@db/w")
    monkeypatch.setenv("WALKPRINT_BOOTSTRAP_KEY", _BOOTSTRAP)
    monkeypatch.setenv("WALKPRINT_MASTER_KEY", _MASTER)
    shown = [repr(Settings()), str(Settings())]
    monkeypatch.setenv("WALKPRINT_OIDC_ISSUER", "https://issuer.example")
    with pytest.raises(ValidationError) as refused:
        Settings()
    shown += [str(refused.value), repr(refused.value)]
    for text in shown:
        for secret in (DATABASE_PASSWORD, _BOOTSTRAP.split("_", 2)[2], _MASTER):
            assert secret not in text
            assert secret[:8] not in text
