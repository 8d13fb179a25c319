"""Prometheus reads the rules, what alerts and panels ask for is there, each alert is explained."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from app.telemetry import Metrics
from tests.programs import path_of

_ROOT = Path(__file__).parents[2]
_MONITORING = _ROOT / "docker" / "monitoring"
_ALERTS = _MONITORING / "prometheus" / "alerts.yml"


def rules() -> list[dict[str, str]]:
    """The alerts, as Prometheus reads them."""
    found: list[dict[str, str]] = yaml.safe_load(_ALERTS.read_text())["groups"][0]["rules"]
    return found


def panels() -> list[str]:
    """What the panels of the dashboard ask for."""
    board = json.loads((_MONITORING / "grafana" / "dashboards" / "walkprint.json").read_text())
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


@pytest.mark.needs("promtool")
@pytest.mark.parametrize(
    "words",
    [
        ("check", "config", "--syntax-only", "prometheus/prometheus.yml"),
        ("check", "rules", "prometheus/alerts.yml"),
        ("test", "rules", "prometheus/alerts_test.yml"),
    ],
    ids=["configuration", "rules", "alerts fire when they should"],
)
def test_prometheus_accepts_its_files(words: tuple[str, ...]) -> None:
    program = path_of("promtool")
    assert program is not None
    done = subprocess.run(  # noqa: S603 - our own words
        [program, *words], cwd=_MONITORING, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("expression", [*(rule["expr"] for rule in rules()), *panels()])
def test_alerts_and_panels_ask_for_metrics_that_are_there(expression: str) -> None:
    known = set()
    for family in Metrics().collection.collect():
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
        known |= {family.name + end for end in ends.get(family.type, ("",))}
    asked = set(re.findall(r"\bwalkprint_\w+", expression))
    assert asked <= known
    assert asked or "up{" in expression


def test_every_alert_is_explained() -> None:
    page = (_ROOT / "docs" / "operations.md").read_text()
    sections = re.findall(r"^### (\w+)$", page, flags=re.MULTILINE)
    assert sections == [rule["alert"] for rule in rules()]
