"""`/galleries/{gallery}/protection`, the client's calls and the commands for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.client import Client
from app.settings import Settings
from tests.app.command import runner
from tests.enrolling import CHECKPOINT, enroll, unit_vector
from tests.live_service import LiveService, live_service
from tests.sealing import KEY


def test_without_a_master_key_protection_is_refused_with_the_way_out(
    service: LiveService, gallery: str
) -> None:
    service.http.post("/galleries", json={"name": gallery})
    answer = service.http.put(f"/galleries/{gallery}/protection")
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"].endswith("/protection-needs-master-key")
    assert "docs/encryption.md" in problem["advice"]
    renewed = service.http.post(f"/galleries/{gallery}/protection/renewal")
    assert renewed.json()["type"].endswith("/gallery-not-protected")
    assert service.http.get(f"/galleries/{gallery}").json()["protected"] is False
    assert service.http.put("/galleries/not-there/protection").status_code == 404


def test_a_gallery_is_protected_renewed_and_unprotected_from_outside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the client and by the command; both say what the gallery is now."""
    run = runner(capsys)
    with live_service(Settings(data=tmp_path, device="cpu", master_key=KEY)) as service:
        enroll(service.registry, "anna", [unit_vector(1)], gallery="office")
        with Client(service.url) as client:
            protected = client.protect_gallery("office")
            renewed = client.renew_gallery_protection("office")
            assert (protected.protected, renewed.protected) == (True, True)
            assert renewed.json["revision"] == protected.json["revision"] + 1
            assert not client.unprotect_gallery("office").protected
        capsys.readouterr()  # what the service of this process has logged
        said = run("galleries", "protect", "office", "--url", service.url, "--json")
        assert json.loads(said.out)["protected"] is True
        assert "Renewed" in run("galleries", "renew", "office", "--url", service.url).err
        stored = service.registry.templates.of_subject("anna", "office", CHECKPOINT)
        assert float(stored.vectors_nd[0] @ unit_vector(1)) < 0.9
        assert "No longer" in run("galleries", "unprotect", "office", "--url", service.url).err
        assert run("galleries", "renew", "office", "--url", service.url).code == 1
