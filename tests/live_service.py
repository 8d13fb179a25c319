"""The whole service in this process, behind a real socket: what tests of HTTP talk to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI

from app.client import Client
from app.demo.service_process import free_port
from app.http.services import Services
from app.main import create_app, server_config
from app.registry import Registry
from app.registry.signing import Signer
from app.settings import Settings


@dataclass(frozen=True)
class LiveService:
    """A running service.

    Attributes:
        url: where it listens.
        settings: it was started with.
        app: its application.
        http: a plain client with that base address.
    """

    url: str
    settings: Settings
    app: FastAPI
    http: httpx.Client

    @property
    def registry(self) -> Registry:
        """The registry behind it, to look at what was stored."""
        services: Services = self.app.state.services
        return services.registry

    @property
    def signer(self) -> Signer:
        """What it signs receipts with."""
        services: Services = self.app.state.services
        return services.signer

    @property
    def stored_uploads(self) -> list[Path]:
        """Upload files on disk at this moment."""
        return [path for path in self.settings.uploads_folder.rglob("*") if path.is_file()]


@contextmanager
def live_service(settings: Settings, *, becomes_ready: bool = True) -> Iterator[LiveService]:
    """Starts the service on a free port, waits until it is ready, and stops it at the end.

    One that cannot become ready is waited for until it listens.
    """
    app = create_app(settings)
    port = free_port()
    server = uvicorn.Server(server_config(app, settings.model_copy(update={"port": port})))
    thread = threading.Thread(target=server.run, name="live-service", daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{port}"
    try:
        if becomes_ready:
            with Client(url) as client:
                client.wait_until_ready()
        while not server.started:
            time.sleep(0.01)
        with httpx.Client(base_url=url, timeout=60.0) as http:
            yield LiveService(url, settings, app, http)
    finally:
        server.should_exit = True
        thread.join()
