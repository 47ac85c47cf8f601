"""Put an answer on the wire, whole or broken off.

ASGI has no word for dropping a connection: an application that sends nothing makes the server answer 500.
uvicorn's `send` belongs to an object that holds the transport, in both of its HTTP implementations, so the
transport itself is closed. Where there is none, an exception stands for the broken connection: clients in the
same process raise it.
"""

from collections.abc import Mapping

from starlette.types import Receive, Send


async def send_answer(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    """Send a whole answer."""
    await _start(send, status, body, headers)
    await send({"type": "http.response.body", "body": body})


async def send_half_an_answer(
    send: Send, receive: Receive, status: int, body: bytes, headers: Mapping[str, str]
) -> None:
    """Send the headers of a whole answer and half of its body, then close."""
    await _start(send, status, body, headers)
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    await drop(send, receive)


async def drop(send: Send, receive: Receive) -> None:
    """Close the connection after what was already sent, and wait until the server has noticed."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the sandbox dropped the connection")
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


async def read_body(receive: Receive) -> bytes | None:
    """Read a whole request, or None when its sender goes away first."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _start(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    every = {"content-type": "application/json", "content-length": str(len(body))} | dict(headers)
    raw = [(name.encode(), value.encode()) for name, value in every.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
