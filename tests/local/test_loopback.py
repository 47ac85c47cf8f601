"""Every listener of the local stack answers to this machine alone, but for the HTTP API."""

from __future__ import annotations

import ast
import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.aws import SERVICES, LocalAws
from local.loopback import LOOPBACK_NAMES, LoopbackOnly, is_from_this_machine, is_loopback, is_nobodys
from local.process import ROOT
from local.serving import local_socket
from local.stack import LocalStack

FOREIGN_NAMES = [
    "",
    "abc.tunnel.example",
    "127.0.0.1.example.com:8080",
    "localhost.example.com",
    "127.0.0.1:80:80",
]
FOREIGN_ORIGINS = [
    "https://example.com",
    "null",
    "http://localhost:3000",
    "https://127.0.0.1:8080",
    "http://127.0.0.1",
]
LISTENING = "0A"
HOST_IN_HEX = "0100007F"


def comes_in(method: str = "GET", query: bytes = b"", **headers: str) -> bool:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return is_from_this_machine({"type": "http", "method": method, "query_string": query, "headers": named})


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "localhost"])
def test_the_machine_itself_comes_in(host: str) -> None:
    assert comes_in(host=host)
    assert comes_in("POST", host=host, origin=f"http://{host}", sec_fetch_site="same-origin")


@pytest.mark.parametrize("host", FOREIGN_NAMES)
def test_nobody_comes_in_by_another_name(host: str) -> None:
    assert not comes_in(host=host)


@given(
    st.one_of(st.text(), st.lists(st.sampled_from([*LOOPBACK_NAMES, ":", "80", ".", "@", "x"])).map("".join))
)
def test_no_other_name_passes_for_loopback(name: str) -> None:
    expected = re.fullmatch(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", name)
    assert is_loopback(name) == (expected is not None)


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_page_of_another_origin_does_not_come_in(origin: str) -> None:
    assert not comes_in("POST", host="127.0.0.1:8080", origin=origin)


@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_elsewhere_cannot_make_the_browser_ask_without_an_origin(site: str, mode: str) -> None:
    assert not comes_in(
        host="localhost:8080", sec_fetch_site=site, sec_fetch_mode=mode, sec_fetch_dest="image"
    )


def test_a_link_elsewhere_may_open_a_page_and_do_nothing() -> None:
    opens = {"host": "localhost:1", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert comes_in(**opens, sec_fetch_site="cross-site")
    assert comes_in(query=b"limit=20", **opens, sec_fetch_site="same-site")
    assert not comes_in(query=b"Action=DeleteQueue", **opens, sec_fetch_site="cross-site")
    assert not comes_in("POST", **opens, sec_fetch_site="cross-site")
    assert not comes_in(**{**opens, "sec_fetch_dest": "iframe"}, sec_fetch_site="cross-site")


def test_what_is_refused_never_reaches_the_application() -> None:
    async def application(*_: object) -> None:
        pytest.fail("it was asked")

    async def ask() -> list[object]:
        sent: list[object] = []

        async def send(message: object) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "query_string": b"", "headers": [(b"host", b"example.com")]}
        await LoopbackOnly(application, is_nobodys)(scope, application, send)
        return sent

    first = asyncio.run(ask())[0]
    assert isinstance(first, dict)
    assert first["status"] == 403


# ── The listeners that there are ────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as running:
        yield running


def children(pid: int) -> set[int]:
    """A process and all that it started, from /proc."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    family, grows = {pid}, True
    while grows:
        more = {child for child, parent in parents.items() if parent in family} - family
        family, grows = family | more, bool(more)
    return family


def listeners(pid: int) -> list[tuple[str, int]]:
    """Address (in hex) and port of whatever a process and its children listen on."""
    inodes = set()
    for process in children(pid):
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            try:
                inodes |= set(re.findall(r"socket:\[(\d+)\]", str(descriptor.readlink())))
            except OSError:
                continue
    found = []
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = row.split()
            if columns[3] == LISTENING and columns[9] in inodes:
                address, _, port = columns[1].partition(":")
                found.append((address, int(port, 16)))
    return found


@pytest.mark.stack
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_whatever_the_stack_listens_on_is_guarded_and_on_loopback(stack: LocalStack) -> None:
    found = listeners(stack.process.pid)
    assert (
        len(found) > 4
    )  # AWS, the Runtime API of each function, the sandbox, the providers' stand-in, the stack
    assert {address for address, _ in found} == {HOST_IN_HEX}
    for _, port in found:
        for headers in ({"host": "evil.example"}, {"origin": "https://evil.example"}):
            assert httpx.get(f"http://127.0.0.1:{port}/", headers=headers).status_code == 403, (port, headers)


@pytest.mark.stack
def test_a_tunnel_reaches_the_http_api_and_nothing_else(stack: LocalStack) -> None:
    tunnel = {"host": "abc.tunnel.example", "origin": "https://evil.example"}
    assert httpx.post(f"{stack.url}/shopify/main", headers=tunnel).json() == {"error": "invalid_signature"}
    assert httpx.post(f"{stack.url}/_local/forget", headers=tunnel).status_code == 403
    assert httpx.get(f"{stack.batch_url}/sandbox/profiles", headers=tunnel).status_code == 403


@pytest.mark.stack
def test_no_web_page_reads_the_secrets_out_of_the_local_aws(stack: LocalStack) -> None:
    headers = {
        "x-amz-target": "secretsmanager.GetSecretValue",
        "content-type": "application/x-amz-json-1.1",
        "authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/eu-west-1/secretsmanager/aws4_request, "
        "SignedHeaders=host, Signature=a",
    }
    asked = {"SecretId": f"{stack.name}/shopify/main"}
    endpoint = stack.environment["AWS_ENDPOINT_URL"]
    assert "shpss_local" in httpx.post(endpoint, json=asked, headers=headers).text
    for foreign in ({"origin": "https://evil.example"}, {"host": "rebound.evil.example"}):
        answer = httpx.post(endpoint, json=asked, headers={**headers, **foreign})
        assert answer.status_code == 403
        assert "shpss_local" not in answer.text


def test_the_sandbox_alone_is_guarded_too() -> None:
    with local_socket(0) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "local.sandbox", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
                address = f"http://127.0.0.1:{port}/sandbox/profiles"
                assert client.get(address).status_code == 200
                assert client.get(address, headers={"host": "evil.example"}).status_code == 403
        finally:
            process.kill()


def unguarded() -> Iterator[str]:
    """The places of this repository that start a server of anything but the guard."""
    for folder in ("local", "cli", "proof", "bench", "tools"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(call, ast.Call):
                    continue
                name = ast.unparse(call.func)
                starts = name in ("uvicorn.run", "uvicorn.Config", "run_simple") or name.endswith(
                    ("HTTPServer", "start_server", "make_server", "ThreadedMotoServer")
                )
                if starts and not (call.args and ast.unparse(call.args[0]).startswith("LoopbackOnly(")):
                    yield f"{path.relative_to(ROOT)}:{call.lineno}: {name} serves what is not LoopbackOnly(...)"


def test_every_server_in_the_code_is_started_with_the_guard() -> None:
    assert list(unguarded()) == []


# ── The services that moto starts ───────────────────────────────────────────────────────────────────────────


def signed_for(service: str) -> dict[str, str]:
    return {
        "authorization": f"AWS4-HMAC-SHA256 Credential=a/20260101/eu-west-1/{service}/aws4_request, "
        "SignedHeaders=host, Signature=a"
    }


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with LocalAws() as aws:
        yield aws.endpoint


@pytest.mark.parametrize("service", ["ec2", "kms", "sns", "organizations", "rds", "execute-api"])
def test_a_service_that_nothing_uses_is_refused(endpoint: str, service: str) -> None:
    answer = httpx.post(endpoint, headers=signed_for(service), data={"Action": "ListAccounts"})
    assert (answer.status_code, "SERVICES" in answer.text) == (403, True)


@pytest.mark.parametrize(
    "path",
    ["/moto-api/data.json", "/moto-api/reset", "/moto-api", "/latest/meta-data/iam/", "/ec2_eu-west-1/x"],
)
def test_motos_own_back_doors_are_shut(endpoint: str, path: str) -> None:
    assert httpx.get(endpoint + path).status_code == 403


def test_every_service_that_the_code_calls_starts() -> None:
    """A client of a service that is not on the list would be refused by the local stack."""
    called = set()
    for folder in ("layers", "functions", "cli", "local", "proof"):
        for path in (ROOT / folder).rglob("*.py"):
            code = path.read_text(encoding="utf-8")
            called |= set(re.findall(r"(?:client|clients|resource)\(\s*['\"]([a-z0-9-]+)['\"]", code))
    assert called <= set(SERVICES), f"add {called - set(SERVICES)} to SERVICES in local/aws.py"
