"""Write the moment of a deployment into the built template: `python -m tools.release .aws-sam/build/template.yaml`.

SAM publishes a function anew when its text in the template changes; the value of a parameter is no text of it. So a
deployment that changes a parameter alone would leave the published versions as they are.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

RELEASE = re.compile(r"^( +release:) .*$", re.MULTILINE)


def stamped(template: str, moment: str) -> str:
    """Return the template with the moment as the release of all functions. Raises ValueError where it has no tag."""
    text, places = RELEASE.subn(rf"\g<1> '{moment}'", template)
    if places != 1:
        raise ValueError("the template has not one tag `release`")
    return text


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(stamped(path.read_text(encoding="utf-8"), f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"))
