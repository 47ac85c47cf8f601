"""Ask whether a pinned package has a known vulnerability: `python -m tools.audit`, `make audit`.

Fails for a vulnerability that is found. A service that does not answer is no reason to fail, and is said: nothing
counts as audited that nobody looked at.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DEPLOYED = Path("layers/core/requirements.txt")
"""Audited first: it goes to Lambda, and it is short, so that a service that is unavailable shows soon."""
SERVICES = ("pypi", "osv")
"""PyPI's JSON API; where an index has none, https://osv.dev. Both know the same advisories."""
LIMIT_SECONDS = 120
SERVICE_TIMEOUT_SECONDS = 5

# id of a vulnerability   why it does not reach us
ACCEPTED: Mapping[str, str] = {}

Run = Callable[[Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class Vulnerable:
    """A pinned package with a known vulnerability, and the versions without it."""

    package: str
    version: str
    vulnerability: str
    mended_in: tuple[str, ...]

    def __str__(self) -> str:
        mended = f"mended in {', '.join(self.mended_in)}" if self.mended_in else "not mended yet"
        return f"{self.package} {self.version} has {self.vulnerability}, {mended}"


@dataclass(frozen=True, slots=True)
class Audit:
    """Hold what a service said of one file; `unknown` packages are those that it could not mention."""

    known: int
    unknown: tuple[str, ...]
    vulnerable: tuple[Vulnerable, ...]


def requirements(root: Path) -> list[Path]:
    """Return every file of pinned packages, the deployed one first."""
    return [root / DEPLOYED, *sorted(root.glob("requirements/*.txt"))]


def audited(path: Path, run: Run, services: Iterable[str] = SERVICES) -> tuple[str, Audit] | None:
    """Return what the first service that answers says of a file; None where none does."""
    for service in services:
        found = read(run(command(path, service)))
        if found is not None and found.known:
            return service, found
    return None


def command(path: Path, service: str) -> list[str]:
    arguments = ["--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json"]
    return [
        *(sys.executable, "-m", "pip_audit", *arguments),
        *("--vulnerability-service", service, "--timeout", str(SERVICE_TIMEOUT_SECONDS)),
        *("--requirement", str(path)),
    ]


def read(output: str) -> Audit | None:
    """Return pip-audit's report; None where there is none, as when its service is unavailable."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        return None
    vulnerable = [
        Vulnerable(one["name"], one["version"], flaw["id"], tuple(flaw.get("fix_versions", ())))
        for one in packages
        for flaw in one.get("vulns", ())
        if not {flaw["id"], *flaw.get("aliases", ())} & set(ACCEPTED)
    ]
    unknown = tuple(one["name"] for one in packages if "skip_reason" in one)
    return Audit(len(packages) - len(unknown), unknown, tuple(vulnerable))


def report(paths: Sequence[Path], run: Run, say: Callable[[str], None]) -> int:
    """Audit the files; returns the exit status. After a file that no service answered for, none is asked again."""
    services: Iterable[str] = SERVICES
    status = 0
    for path in paths:
        answer = audited(path, run, services)
        if answer is None:
            say(f"{path}: not audited: the service did not answer")
            services = ()
            continue
        service, found = answer
        services = (service,)
        say(f"{path}: {found.known} packages audited by {service}, {len(found.vulnerable)} vulnerabilities")
        for one in found.vulnerable:
            say(f"  {one}")
        if found.unknown:
            say(f"  not audited, unknown to {service}: {', '.join(found.unknown)}")
        status = 1 if found.vulnerable else status
    return status


def run_pip_audit(arguments: Sequence[str]) -> str:
    """Return what pip-audit prints; empty where it takes too long."""
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are ours
            arguments, capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


if __name__ == "__main__":
    sys.exit(report(requirements(Path()), run_pip_audit, print))
