"""Samples that make sense only after others: `after` in a file names the one that comes before it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cli.errors import CommandFailed
from cli.sample import NotASample, Sample, is_envelope, read
from cli.send import Target
from cli.stack import ROOT


def files_before(path: Path) -> list[Path]:
    """Return the files that have to be sent before this one, the first first. Raises NotASample."""
    found: list[Path] = []
    named = file_before(path)
    while named is not None:
        if named in found:
            raise NotASample(f"{path.name} can never be sent: `after` is circular")
        found.insert(0, named)
        named = file_before(named)
    return found


def file_before(path: Path) -> Path | None:
    """Return the file that `after` names, from the root of the repository or from the sample's own folder."""
    content, _ = read(path)
    named = content.get("after") if is_envelope(content) else None
    if not isinstance(named, str):
        return None
    beside = (path.parent / named).resolve()
    return beside if beside.is_file() else (ROOT / named).resolve()


def send_before(target: Target, path: Path, source: str, *, waits: bool) -> tuple[str, ...]:
    """Send what comes before a sample of a source, each as its own source signs; returns the names of the files.

    With `waits`, each is delivered before the next is sent, so that it is known whose that is; without, a webhook
    that comes too early waits in the stack. Raises CommandFailed, Refused.
    """
    names = []
    for file in files_before(path):
        sample = Sample.load(file)
        own = target if sample.source == source else replace(target, url=None, secret=None)
        sent = own.send(sample, waits=waits)
        name = named(file)
        if not sent.is_success:
            raise CommandFailed(f"{name} must be sent first: {sent.refusal}")
        names.append(name)
    return tuple(names)


def named(file: Path) -> str:
    """Return a path as seen from the repository's root, where it stands there."""
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else file.name
