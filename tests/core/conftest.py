"""What a test of the core asks for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.world import aws, world

__all__ = ["aws", "world"]


class Loopback:
    """A Batch on this machine that takes everything and counts who comes."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests = 0
        counter = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                counter.connections += 1
                super().setup()

            def do_POST(self) -> None:
                counter.requests += 1
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(202)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/2.11"


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    started = Loopback()
    started.server.daemon_threads = True
    thread = threading.Thread(target=started.server.serve_forever, args=(0.02,))
    thread.start()
    yield started
    started.server.shutdown()
    started.server.server_close()
    thread.join()
