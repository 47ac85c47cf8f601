"""What a test of retrying asks for."""

from tests.world import aws, world

__all__ = ["aws", "world"]
