"""A module that cannot be imported, as a function whose deployment misses a package."""

raise ImportError("as asked")
