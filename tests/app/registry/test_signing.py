"""The service's own key, and what it signs."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.registry.signing import KeyFileUnusable, open_signer, read_public_key


def test_the_key_is_made_at_first_need_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "data" / "signing.key"

    first, second = open_signer(file), open_signer(file)

    assert first.public == second.public
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["signing.key"]


def test_processes_that_need_it_at_once_get_the_same_key(tmp_path: Path) -> None:
    file = tmp_path / "signing.key"
    script = (
        "import sys; from pathlib import Path; from app.registry.signing import open_signer;"
        "sys.stdin.readline(); print(open_signer(Path(sys.argv[1])).public.fingerprint)"
    )
    processes = [
        subprocess.Popen(  # noqa: S603 (this interpreter, our script)
            [sys.executable, "-c", script, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("now\n")
        process.stdin.flush()
    with ThreadPoolExecutor(8) as threads:
        here = set(
            threads.map(lambda _: open_signer(tmp_path / "other.key").public.fingerprint, range(8))
        )
    there = {process.communicate()[0].strip() for process in processes}

    assert len(there) == 1
    assert len(here) == 1
    assert there == {open_signer(file).public.fingerprint}


def test_a_signature_holds_for_its_message_purpose_and_key_alone(tmp_path: Path) -> None:
    signer, other = open_signer(tmp_path / "one.key"), open_signer(tmp_path / "other.key")
    signature = signer.sign("audit-head", b"message")

    assert signer.public.verifies("audit-head", b"message", signature)
    assert not signer.public.verifies("audit-head", b"massage", signature)
    assert not signer.public.verifies("erasure-receipt", b"message", signature)
    assert not other.public.verifies("audit-head", b"message", signature)
    assert not signer.public.verifies("audit-head", b"message", signature[:-1])


def test_the_public_key_can_be_read_from_either_file(tmp_path: Path) -> None:
    signer = open_signer(tmp_path / "signing.key")
    (tmp_path / "public.pem").write_text(signer.public.pem)

    assert read_public_key(tmp_path / "public.pem") == signer.public
    assert read_public_key(tmp_path / "signing.key") == signer.public


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_no_key_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "signing.key"
    file.write_bytes(content)

    with pytest.raises(KeyFileUnusable, match=r"signing\.key"):
        open_signer(file)
    with pytest.raises(KeyFileUnusable, match=r"signing\.key"):
        read_public_key(file)

    assert file.read_bytes() == content


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "signing.key"
    rsa = generate_private_key(public_exponent=65537, key_size=2048)
    file.write_bytes(rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    with pytest.raises(KeyFileUnusable, match="Ed25519"):
        open_signer(file)
