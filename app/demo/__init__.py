"""The main job, shown: enrol people over HTTP, then ask who is walking."""

from __future__ import annotations

from app.demo.run import run_demo
from app.demo.service_process import ServiceDidNotStart, ServiceProcess

__all__ = ["ServiceDidNotStart", "ServiceProcess", "run_demo"]
