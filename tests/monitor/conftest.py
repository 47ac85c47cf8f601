"""What a test of the monitor asks for."""

from __future__ import annotations

from tests.world import aws, world

__all__ = ["aws", "world"]
