"""Receive a webhook: verify it, read off what routes it, queue it, answer."""
