"""A small OpenID Connect issuer on loopback: real keys, real HTTP, and whatever a test breaks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE = "walkprint"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def _set_event() -> Event:
    event = Event()
    event.set()
    return event


@dataclass
class Issuer:
    """What the issuer says, to be changed while it runs.

    Attributes:
        url: where it is, and how its tokens name it.
        named: how its discovery document names it.
        keys: the private keys it signs with, by name.
        asked: the paths that were fetched, in order.
        jwks_url: where the discovery document says the keys are.
        document: what it answers instead of its keys, when not None.
        answers: it waits with every answer until this is set, which it is at first.
    """

    url: str
    named: str
    jwks_url: str
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    document: bytes | None = None
    answers: Event = field(default_factory=_set_event)

    def token(self, key_name: str | None = None, **changes: Any) -> str:
        """A good token, but for what is changed; a claim that is None is left out."""
        name = key_name or next(iter(self.keys))
        return self.sign(self.keys[name], name, **changes)

    def sign(self, key: PrivateKey, key_name: str | None, **changes: Any) -> str:
        """A token that is signed with any key, under any name."""
        headers = {} if key_name is None else {"kid": key_name}
        return jwt.encode(self.claims(**changes), key, _algorithm(key), headers=headers)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a good token, but for what is changed."""
        now = int(time.time())
        good = {"iss": self.url, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + 300}
        return {name: value for name, value in (good | changes).items() if value is not None}

    def answer(self, path: str) -> bytes:
        """What is read at a path."""
        self.asked.append(path)
        self.answers.wait()
        if path == "/.well-known/openid-configuration":
            return json.dumps({"issuer": self.named, "jwks_uri": self.jwks_url}).encode()
        if self.document is not None:
            return self.document
        public = [_public(key) | {"kid": name} for name, key in self.keys.items()]
        return json.dumps({"keys": public}).encode()


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A fresh key for RS256."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Starts an issuer with one RSA key on a free port; it is gone when the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = issuer.answer(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Keeps the test output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    url = f"http://127.0.0.1:{server.server_address[1]}"
    issuer = Issuer(url, url, f"{url}/keys", {"first": rsa_key()})
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _algorithm(key: PrivateKey) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    return "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "EdDSA"


def _public(key: PrivateKey) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        return RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
