"""Known vulnerabilities of the locked versions: `make audit`.

`pip-audit` says "No known vulnerabilities found" as well when it could ask nobody. Here a run ends
in one of three ways, and says which: none is known (0), there are some (1), nobody could be asked
(0, for a machine without the internet is no vulnerability, but with a warning).
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LOCKED = Path(__file__).parents[2] / "docker" / "constraints.txt"
# Without an answer, each package costs a timeout of its own.
_PATIENCE_SECONDS = 120
_ASKED_IN_VAIN = "could not ask the advisory service"


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found out.

    Attributes:
        vulnerable: one line for each vulnerability.
        asked: how many packages the service knew.
        unknown: names of the packages of which nothing is known.
    """

    vulnerable: tuple[str, ...]
    asked: int
    unknown: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 where a vulnerability is known."""
        return 1 if self.vulnerable else 0

    def sentence(self) -> str:
        """What this means, for people."""
        if self.vulnerable:
            return "\n".join(["VULNERABLE:", *self.vulnerable])
        if not self.asked:
            return (
                f"NOT AUDITED: {_ASKED_IN_VAIN} about any of {len(self.unknown)} packages. Whether"
                " they have known vulnerabilities is not known; run this where the internet is."
            )
        rest = f" NOT AUDITED: {', '.join(self.unknown)}." if self.unknown else ""
        return f"No vulnerability is known of {self.asked} packages.{rest}"


def read(answer: str) -> Audit:
    """What `pip-audit --format=json` printed.

    Raises:
        ValueError: that is not what it printed.
    """
    packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    vulnerable = tuple(
        f"{package['name']} {package['version']}: {each['id']},"
        f" mended in {', '.join(each['fix_versions']) or 'no version yet'}"
        for package in packages
        for each in package.get("vulns", ())
    )
    unknown = tuple(package["name"] for package in packages if "skip_reason" in package)
    return Audit(vulnerable, len(packages) - len(unknown), unknown)


def locked_names() -> tuple[str, ...]:
    """Names of all locked packages."""
    return tuple(line.partition("==")[0] for line in _LOCKED.read_text().splitlines() if line)


def ask() -> Audit:
    """Asks about every locked version; takes nothing from an answer that did not come."""
    command = [str(Path(sys.executable).with_name("pip-audit")), "--requirement", str(_LOCKED)]
    command += ["--no-deps", "--disable-pip", "--format=json", "--progress-spinner=off"]
    try:
        said = subprocess.run(  # noqa: S603 - our own command
            command, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False
        )
        return read(said.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return Audit((), 0, locked_names())


def main() -> None:
    """Prints the sentence."""
    audit = ask()
    sys.stdout.write(audit.sentence() + "\n")
    sys.exit(audit.exit_code)


if __name__ == "__main__":
    main()
