"""Show what came from outside so that a terminal obeys none of it: one function, where output is written."""

from __future__ import annotations

import re

UNPRINTABLE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters: ESC and CSI begin sequences that a terminal obeys
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that change the direction of what follows
    "\u2028\u2029"  # ends of lines and paragraphs
    "\ud800-\udfff"  # halves of characters, which no terminal can be sent
    "]"
)


def printable(text: str, keeps: str = "") -> str:
    r"""Return the text with what a terminal obeys shown as Python writes it: `\x1b`, `\u202e`.

    `keeps` are characters that stay, such as the ends of lines of a text of several.
    """
    return UNPRINTABLE.sub(lambda match: match[0] if match[0] in keeps else escape(match[0]), text)


def escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"
