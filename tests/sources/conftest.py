"""What a source test asks for."""

from tests.world import aws, shopify, world

__all__ = ["aws", "shopify", "world"]
