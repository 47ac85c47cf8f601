"""What a source test asks for."""

from tests.world import aws, world

__all__ = ["aws", "world"]
