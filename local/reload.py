"""Start the functions anew when their code changes, so that a fixed mapping is used by the next retry."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from local.process import ROOT
from local.runtime import Environment

CODE = (ROOT / "functions", ROOT / "layers" / "core" / "bridge")
EVERY_SECONDS = 0.5
SUFFIXES = {".py", ".toml"}
"""Of the code, and of the data files that it reads once."""


def newest(folders: Iterable[Path] = CODE) -> float:
    """Return when the code was last changed, as the file system says."""
    files = (path for folder in folders for path in folder.rglob("*") if path.suffix in SUFFIXES)
    times = (path.stat().st_mtime for path in files if path.exists())
    return max(times, default=0.0)


async def reload_on_change(environments: Iterable[Environment], folders: Iterable[Path] = CODE) -> None:
    """Watch the code until cancelled; whoever runs an invocation ends it first."""
    watched, known = tuple(folders), newest(folders)
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        found = await asyncio.to_thread(newest, watched)
        if found != known:
            known = found
            for environment in environments:
                environment.renew()
