"""The proxy's configuration is one that nginx takes, with TLS and without."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.programs import path_of

_PROXY = Path(__file__).parents[2] / "docker" / "proxy"


def _say(folder: Path, *, tls: bool) -> subprocess.CompletedProcess[str]:
    """`nginx -t` on the files as they lie in the container, below another folder."""
    (folder / "tls").mkdir()
    for name in ("nginx.conf", "walkprint.conf"):
        text = (_PROXY / name).read_text(encoding="utf-8")
        text = text.replace("/tmp/", f"{folder}/").replace("/etc/nginx/", f"{folder}/")  # noqa: S108
        (folder / name).write_text(text, encoding="utf-8")
    if tls:
        subprocess.run(  # noqa: S603 - our own words
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
                *("-subj", "/CN=localhost"),
                *("-keyout", str(folder / "tls_key"), "-out", str(folder / "tls_certificate")),
            ],
            check=True,
            capture_output=True,
        )
        text = (_PROXY / "tls.conf").read_text(encoding="utf-8")
        text = text.replace("/etc/nginx/", f"{folder}/").replace("/run/secrets/", f"{folder}/")
        (folder / "tls" / "walkprint.conf").write_text(text, encoding="utf-8")
    program = path_of("nginx")
    assert program is not None
    return subprocess.run(  # noqa: S603
        [program, "-t", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")],
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.needs("nginx")
def test_nginx_takes_the_configuration(tmp_path: Path) -> None:
    said = _say(tmp_path, tls=False)
    assert said.returncode == 0, said.stderr
    assert "test is successful" in said.stderr


@pytest.mark.needs("nginx")
def test_nginx_takes_the_configuration_with_a_certificate(tmp_path: Path) -> None:
    said = _say(tmp_path, tls=True)
    # `http2 on` is of nginx 1.25.1 and later, which the image has and Debian 12 lacks.
    if 'unknown directive "http2"' in said.stderr:
        text = (tmp_path / "tls" / "walkprint.conf").read_text().replace("http2 on;", "")
        (tmp_path / "tls" / "walkprint.conf").write_text(text)
        said = subprocess.run(  # noqa: S603
            [
                str(path_of("nginx")),
                *("-t", "-e", "stderr", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")),
            ],
            check=False,
            capture_output=True,
            text=True,
        )
    assert said.returncode == 0, said.stderr
