"""The manifests are what Kubernetes takes, run as nobody in particular, and scale what exists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

_FOLDER = Path(__file__).parents[2] / "docker" / "kubernetes"


def _documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((_FOLDER / name).read_text(encoding="utf-8")))


_OBJECTS = _documents("walkprint.yaml")
_DEPLOYMENTS = {each["metadata"]["name"]: each for each in _OBJECTS if each["kind"] == "Deployment"}


@pytest.mark.parametrize(
    "document", _OBJECTS, ids=lambda it: f"{it['kind']}-{it['metadata']['name']}"
)
def test_every_manifest_follows_the_schema_of_kubernetes(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_the_check_notices_a_misspelt_field() -> None:
    broken = {**_DEPLOYMENTS["walkprint-api"], "sepc": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("name", ["walkprint-api", "walkprint-worker"])
def test_nothing_runs_as_root_or_writes_its_root_file_system(name: str) -> None:
    pod = _DEPLOYMENTS[name]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not context["allowPrivilegeEscalation"]


def test_workers_are_scaled_by_the_queues_that_jobs_wait_in() -> None:
    scaled = next(each for each in _documents("keda.yaml") if each["kind"] == "ScaledObject")
    assert scaled["spec"]["scaleTargetRef"]["name"] in _DEPLOYMENTS
    queues = {trigger["metadata"]["queueName"] for trigger in scaled["spec"]["triggers"]}
    assert queues == {"walkprint.jobs.interactive", "walkprint.jobs.bulk"}
