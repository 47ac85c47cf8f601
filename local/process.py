"""One process of a function: start it, watch it, count its processor time, end it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
CLOCK_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
USER_TICKS, SYSTEM_TICKS = 11, 12
"""Where they stand in /proc/PID/stat, counted after the name, which may hold spaces."""


def runtime_module() -> str:
    """Return AWS's own client of the Runtime API, which exists for Linux; elsewhere ours."""
    return "awslambdaric" if sys.platform == "linux" else "local.runtime_client"


class FunctionProcess:
    """A running process; its output goes to the end of a log file."""

    def __init__(self, variables: Mapping[str, str], log: Path) -> None:
        module = variables.get("LOCAL_RUNTIME") or runtime_module()
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, variables["_HANDLER"]],
                env=dict(variables),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the stack, which then ends its functions
            )
        self.end: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        threading.Thread(target=self.wait, args=(self.end.get_loop(),), daemon=True).start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait in a thread: only `wait4` says how much processor time an ended process took."""
        _, status, usage = os.wait4(self.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(self.tell, usage.ru_utime + usage.ru_stime)

    def tell(self, cpu_seconds: float) -> None:
        if not self.end.done():
            self.end.set_result(cpu_seconds)

    async def ended(self) -> float:
        """Wait for the end; returns the seconds of processor time that the process took."""
        return await self.end

    def cpu_seconds(self) -> float:
        """Return the processor time so far; 0 where there is no /proc."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return 0.0
        fields = stat.rpartition(")")[2].split()
        return (int(fields[USER_TICKS]) + int(fields[SYSTEM_TICKS])) / CLOCK_TICKS_PER_SECOND

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
