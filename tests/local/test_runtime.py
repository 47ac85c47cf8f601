"""Functions run, fail, time out and die as in Lambda, under AWS's runtime client and under ours."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from local.environment import function_variables
from local.reload import reload_on_change
from local.runtime import Environment, Function, FunctionFailed, RuntimeApi
from local.serving import served
from local.template import FunctionSettings

OURS = "local.runtime_client"
CLIENTS = [OURS, *(["awslambdaric"] if sys.platform == "linux" else [])]
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:test"

Body = Callable[[Function], Awaitable[None]]


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def running(
    folder: Path,
    client: str,
    handler: str = "tests.local.handlers.handler",
    seconds: int = 5,
    processes: int = 1,
) -> AsyncIterator[Function]:
    settings = FunctionSettings(
        "Test", ARN, handler, seconds, 128, {"VARIABLE": "value", "LOCAL_RUNTIME": client}
    )
    api, function = RuntimeApi(), Function(settings)
    variables = function_variables(settings, "http://127.0.0.1:9", "eu-west-1")
    for _ in range(processes):
        api.add(Environment(function, variables, folder / "test.log"))
    async with served(api.app, api.sockets):
        lives = [asyncio.create_task(environment.live()) for environment in function.environments]
        try:
            yield function
        finally:
            for life in lives:
                life.cancel()
            await asyncio.gather(*lives, return_exceptions=True)


def run(body: Body, folder: Path, client: str, **choices: Any) -> None:
    async def whole() -> None:
        async with running(folder, client, **choices) as function:
            await asyncio.wait_for(body(function), 30)

    asyncio.run(whole())


async def ask(function: Function, **event: Any) -> Any:
    return json.loads(await function.invoke(json.dumps(event).encode()))


async def failure(function: Function, **event: Any) -> str:
    with pytest.raises(FunctionFailed) as failed:
        await ask(function, **event)
    return failed.value.error_type


def test_a_function_answers_from_a_process_with_the_variables_of_the_template(
    tmp_path: Path, client: str
) -> None:
    async def body(function: Function) -> None:
        first, second = await ask(function, name="Zoë"), await ask(function)
        assert first["echo"] == {"name": "Zoë"}
        assert first["variable"] == "value"
        assert first["pid"] == second["pid"] == function.pids[0] != os.getpid()
        assert (function.invocations, function.restarts) == (2, 0)

    run(body, tmp_path, client)


def test_a_handler_is_told_of_its_invocation(tmp_path: Path, client: str) -> None:
    async def body(function: Function) -> None:
        context = await ask(function, do="context")
        assert (context["function"], context["arn"]) == ("test", ARN)
        assert 0 < context["left"] <= 5000
        assert context["id"] != (await ask(function, do="context"))["id"]

    run(body, tmp_path, client)


def test_an_error_of_a_handler_fails_its_invocation_alone(tmp_path: Path, client: str) -> None:
    async def body(function: Function) -> None:
        assert await failure(function, do="raise") == "ValueError"
        assert (await ask(function, n=1))["echo"] == {"n": 1}
        assert function.restarts == 0

    run(body, tmp_path, client)
    assert "as asked" in (tmp_path / "test.log").read_text()


def test_a_process_that_ends_fails_what_it_had_in_hand_and_another_starts(
    tmp_path: Path, client: str
) -> None:
    async def body(function: Function) -> None:
        assert await failure(function, do="exit") == "Runtime.ExitError"
        assert (await ask(function, n=1))["echo"] == {"n": 1}
        assert function.restarts == 1

    run(body, tmp_path, client)


def test_a_kill_in_mid_call_fails_the_call_and_spares_the_one_that_waits(tmp_path: Path, client: str) -> None:
    async def body(function: Function) -> None:
        in_flight = asyncio.create_task(failure(function, do="sleep", seconds=20))
        waiting = asyncio.create_task(ask(function, n=1))
        await function.environments[0].came_up.wait()
        assert function.environments[0].current is not None
        os.kill(function.pids[0], signal.SIGKILL)
        assert await in_flight == "Runtime.ExitError"
        assert (await waiting)["echo"] == {"n": 1}

    run(body, tmp_path, client)


def test_a_function_that_takes_longer_than_its_timeout_is_killed(tmp_path: Path, client: str) -> None:
    async def body(function: Function) -> None:
        first = (await ask(function))["pid"]
        assert await failure(function, do="sleep", seconds=20) == "Sandbox.Timedout"
        assert (await ask(function))["pid"] != first

    run(body, tmp_path, client, seconds=1)


def test_a_function_that_does_not_start_fails_what_waits_for_it(
    tmp_path: Path, client: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async def body(function: Function) -> None:
        assert await failure(function) in ("ImportError", "Runtime.ImportModuleError", "Runtime.InitError")

    run(body, tmp_path, client, handler="tests.local.broken.handler")
    assert "as asked" in (tmp_path / "test.log").read_text()


def test_several_processes_work_at_the_same_time(tmp_path: Path) -> None:
    async def body(function: Function) -> None:
        answers = await asyncio.gather(*(ask(function, do="sleep", seconds=0.5) for _ in range(2)))
        assert {answer["pid"] for answer in answers} == set(function.pids)

    run(body, tmp_path, OURS, processes=2)


@pytest.mark.skipif(
    not Path("/proc").is_dir(), reason="no /proc: processor time is known of ended processes alone"
)
def test_processor_time_is_counted_also_of_processes_that_ended(tmp_path: Path) -> None:
    async def body(function: Function) -> None:
        await ask(function, do="burn", seconds=0.3)
        alive = function.cpu_seconds
        assert alive >= 0.3
        await failure(function, do="exit")
        await ask(function)
        assert function.cpu_seconds >= alive

    run(body, tmp_path, OURS)


def test_a_function_is_busy_while_it_has_an_invocation_and_no_longer(tmp_path: Path) -> None:
    async def body(function: Function) -> None:
        await ask(function, do="sleep", seconds=0.3)
        busy = function.busy_seconds
        assert 0.3 <= busy < 2
        await asyncio.sleep(0.3)
        assert function.busy_seconds == busy
        await failure(function, do="exit")
        assert function.busy_seconds > busy

    run(body, tmp_path, OURS)


def test_payloads_over_six_megabytes_are_refused_both_ways(tmp_path: Path) -> None:
    async def body(function: Function) -> None:
        assert await failure(function, text="x" * 7_000_000) == "RequestTooLarge"
        assert await failure(function, do="large") == "Function.ResponseSizeTooLarge"
        assert (await ask(function, n=1))["echo"] == {"n": 1}

    run(body, tmp_path, OURS)


def test_a_process_ends_by_itself_when_the_stack_is_gone(tmp_path: Path, client: str) -> None:
    async def whole() -> int:
        async with running(tmp_path, client) as function:
            await ask(function)
            [environment] = function.environments
            pid = function.pids[0]
            environment.process = None  # a stack that is killed kills nobody
        return pid

    pid = asyncio.run(whole())
    give_up_at = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < give_up_at, "the process goes on"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_code_that_changes_is_used_by_the_next_invocation(tmp_path: Path, client: str) -> None:
    (tmp_path / "code.py").write_text("VERSION = 1\n")

    async def body(function: Function) -> None:
        before = (await ask(function))["pid"]
        watch = asyncio.create_task(reload_on_change(function.environments, [tmp_path]))
        await asyncio.sleep(0.1)
        slow = asyncio.create_task(ask(function, do="sleep", seconds=1.5))
        await asyncio.sleep(0.1)
        os.utime(tmp_path / "code.py", (1, 1))
        assert (await slow)["pid"] == before
        assert (await ask(function))["pid"] != before
        watch.cancel()

    run(body, tmp_path, client)
