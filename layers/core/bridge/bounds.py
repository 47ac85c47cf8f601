"""Keep what a source names short enough for a row of DynamoDB, whatever the source sends. Pure.

A key has at most 2,048 bytes and a row 400 kB; what is longer is refused for good, after Batch was called.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

from __future__ import annotations

import hashlib

MAX_KEY_PART_BYTES = 256
"""Of a reference, a fact's name, a path, an event's key: what real tools send has less than a hundred."""
MAX_CUSTOM_ID_BYTES = 3 * 512
"""The 512 characters that Batch takes."""
MAX_NAME_CHARACTERS = 128
"""Of one name on a receipt."""
MAX_REASON_CHARACTERS = 1000
HASHED = "sha256:"
"""Before what stands for something too long. What begins so by itself is hashed too: no two texts get one name."""


def bounded(text: str, limit: int = MAX_KEY_PART_BYTES) -> str:
    """Return the text where it has at most so many bytes of UTF-8, else its digest: the same for the same text."""
    content = text.encode(errors="surrogatepass")
    if len(content) <= limit and not text.startswith(HASHED) and is_unicode(text):
        return text
    return HASHED + hashlib.sha256(content).hexdigest()


def is_unicode(text: str) -> bool:
    """Return whether DynamoDB can store it: JSON also brings halves of characters."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def cut(text: str, limit: int = MAX_NAME_CHARACTERS) -> str:
    """Return the text, or its beginning with an ellipsis: for people, not to compare."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
