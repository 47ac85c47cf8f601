"""Change texts of the repository where landmarks say so. No I/O."""

from __future__ import annotations

import re


class Refused(Exception):
    """What was asked of a tool cannot be done; the text says why."""


def before(text: str, landmark: str, addition: str) -> str:
    """The text with an addition before the only line that begins so. Raises Refused."""
    if len(re.findall(f"^{re.escape(landmark)}", text, re.MULTILINE)) != 1:
        raise Refused(f"there is not one line that begins {landmark!r}")
    place = f"\n{text}".index(f"\n{landmark}")
    return text[:place] + addition + text[place:]
