"""What a client on the other end of a real connection sees, with both of uvicorn's HTTP implementations."""

import socket
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec

import httpx
import pytest
import uvicorn

from local.sandbox.app import ProjectKeys, create_app

HEADERS = {"Authorization": "Bearer rest_shop", "X-Batch-Project": "project_shop"}
OPERATIONS = [{"identifiers": {"custom_id": "ada"}, "events": [{"name": "seen"}]}]
IMPLEMENTATIONS = [("h11", "asyncio"), ("httptools", "asyncio")]
if find_spec("uvloop"):  # there is none for Windows
    IMPLEMENTATIONS.append(("httptools", "uvloop"))


@pytest.fixture(params=IMPLEMENTATIONS, ids="-".join)
def client(request) -> Iterator[httpx.Client]:
    """A client of a sandbox that listens on a free port."""
    http, loop = request.param
    app = create_app(projects={"project_shop": ProjectKeys("rest_shop")})
    config = uvicorn.Config(app, http=http, loop=loop, ws="none", log_config=None, log_level="warning")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with httpx.Client(base_url=address, headers=HEADERS, trust_env=False) as made:
            yield made
        server.should_exit = True
        thread.join()


def fault(client: httpx.Client, **asked: object) -> None:
    """Ask for a fault that befalls one call."""
    assert client.post("/sandbox/faults", json={**asked, "count": 1}).status_code == 201


def update(client: httpx.Client) -> httpx.Response:
    """Send one operation."""
    return client.post("/2.11/profiles/update", json=OPERATIONS)


def applied(client: httpx.Client) -> int:
    """Count the events that were applied."""
    return sum(len(profile["events"]) for profile in client.get("/sandbox/profiles").json())


def test_a_dropped_connection_closes_without_a_byte(client, caplog) -> None:
    fault(client, drop_connection=True)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        update(client)
    assert applied(client) == 0
    assert update(client).status_code == 202
    assert caplog.records == []


def test_a_call_is_applied_and_its_connection_dropped(client, caplog) -> None:
    fault(client, apply_then_drop=True)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        update(client)
    assert applied(client) == 1
    assert caplog.records == []


def test_an_answer_breaks_off_in_the_middle(client, caplog) -> None:
    fault(client, reset_mid_body=True)
    with client.stream("POST", "/2.11/profiles/update", json=OPERATIONS) as response:
        assert response.status_code == 202
        with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without sending complete"):
            response.read()
    assert applied(client) == 1
    assert caplog.records == []


def test_a_client_that_does_not_wait_may_still_be_served(client) -> None:
    fault(client, delay_seconds=0.2)
    with pytest.raises(httpx.ReadTimeout):
        client.post("/2.11/profiles/update", json=OPERATIONS, timeout=0.05)
    time.sleep(0.3)
    assert applied(client) == 1


def test_one_delayed_call_holds_nobody_else_up(client) -> None:
    fault(client, delay_seconds=0.5)
    slow = threading.Thread(target=update, args=(client,))
    slow.start()
    time.sleep(0.1)
    started = time.monotonic()
    assert update(client).status_code == 202
    assert time.monotonic() - started < 0.3
    slow.join()
    assert applied(client) == 2


def test_a_client_that_goes_away_while_it_sends_has_called_nothing(client, caplog) -> None:
    with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
        connection.sendall(
            b"POST /2.11/profiles/update HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 9\r\n\r\n["
        )
    assert client.get("/sandbox/calls").json() == []
    assert caplog.records == []
