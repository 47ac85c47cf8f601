"""Take a multipart body apart into the texts of a form; its files are passed over unread. Linear in its bytes. No I/O.

https://www.rfc-editor.org/rfc/rfc7578
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from bridge.errors import MalformedBody

MAX_HEAD_BYTES = 8 * 1024
"""Of the lines before a part's content."""
MAX_BOUNDARY_BYTES = 200
"""The standard allows 70."""
PARAMETER = re.compile(rb';[ \t]*([^\s;="]+)=("(?:[^"\\]|\\.)*"|[^\s;"]*)')
HEADER = re.compile(rb"^([A-Za-z-]+):[ \t]*([^\r\n]*)", re.MULTILINE)


def text_parts(content_type: str, body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each part that is no file, in their order. Raises MalformedBody."""
    delimiter = b"\r\n--" + boundary(content_type)
    at = 0 if body.startswith(delimiter[2:]) else following(body, delimiter, 0)
    place = at + len(delimiter) - (0 if at else 2)
    while body[place : place + 2] != b"--":
        head_ends = body.find(b"\r\n\r\n", place, place + MAX_HEAD_BYTES)
        if head_ends < 0:
            raise MalformedBody("body is not multipart")
        ends = following(body, delimiter, head_ends + 4)
        name, encoding = described(body[place:head_ends])
        if name is not None:
            yield name, decoded(body[head_ends + 4 : ends], encoding)
        place = ends + len(delimiter)


def boundary(content_type: str) -> bytes:
    """Return what parts the parts. Raises MalformedBody."""
    stated = parameters(content_type.encode("latin-1", "replace")).get(b"boundary", b"")
    if not 0 < len(stated) <= MAX_BOUNDARY_BYTES:
        raise MalformedBody("multipart without a boundary")
    return stated


def following(body: bytes, delimiter: bytes, start: int) -> int:
    """Return where the next delimiter begins: behind it the line ends, or the body. Raises MalformedBody."""
    while (at := body.find(delimiter, start)) >= 0:
        start = at + len(delimiter)
        if body[start : start + 2] in (b"--", b"\r\n"):
            return at
    raise MalformedBody("multipart body has no end")


def described(head: bytes) -> tuple[bytes | None, bytes]:
    """Return the part's name, None for a file, and how it is written. Raises MalformedBody for a part without a
    name."""
    headers = {name.lower(): value for name, value in HEADER.findall(head)}
    stated = parameters(headers.get(b"content-disposition", b""))
    if b"filename" in stated or b"filename*" in stated:
        return None, b""
    if b"name" not in stated:
        raise MalformedBody("a part of the body has no name")
    return stated[b"name"], headers.get(b"content-transfer-encoding", b"").strip().lower()


def parameters(header: bytes) -> dict[bytes, bytes]:
    """Return the parameters behind a header's value: `form-data; name="a"`."""
    return {name.lower(): unquoted(value) for name, value in PARAMETER.findall(header)}


def unquoted(value: bytes) -> bytes:
    if not value.startswith(b'"'):
        return value
    return value[1:-1].replace(b'\\"', b'"').replace(b"\\\\", b"\\")


def decoded(content: bytes, encoding: bytes) -> bytes:
    """Return the content of a part, which few senders write in another way than as it is. Raises MalformedBody."""
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(content)
    if encoding != b"base64":
        return content
    try:
        return binascii.a2b_base64(content)
    except binascii.Error as error:
        raise MalformedBody("a part of the body is not base64") from error
