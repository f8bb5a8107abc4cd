"""The server under test: one of our own as a child process, or one that runs already.

Its CPU time is read from the operating system, process by process, so that a run tells what a turn
costs and not only how long it takes.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import psutil
from rich.console import Console

from bench.ledger import control_url
from pipeline.config import load_settings
from pipeline.errors import ParleyError, SettingsError

_START_S = 900.0
"""Longest start: the first one on a slow machine compiles the language model."""

_STOP_S = 30.0
"""How long a server of ours may take to stop before it is killed."""


class ServerFailed(ParleyError):
    """The server under test did not come up."""


@dataclass(frozen=True, slots=True)
class ServerUnderTest:
    """Where it is, and which process it is."""

    media: str
    """``ws://`` address of its Twilio socket."""

    control: str
    """``http://`` address of its control plane."""

    process: psutil.Process | None
    """Its process; None where it is not on this machine or not ours to see."""

    def busy(self) -> dict[str, float]:
        """CPU seconds used so far by the server and its children: role to seconds."""
        seconds: dict[str, float] = {}
        for process in self._family():
            try:
                times = process.cpu_times()
                role = _role(process, self.process)
            except psutil.Error:
                continue
            seconds[role] = seconds.get(role, 0.0) + times.user + times.system
        return seconds

    def memory_mib(self) -> float | None:
        """Resident memory of the server process alone; None where it cannot be seen."""
        try:
            return self.process.memory_info().rss / 2**20 if self.process else None
        except psutil.Error:
            return None

    def listening(self, role: str) -> list[int]:
        """TCP ports on which its children of a role listen."""
        ports: set[int] = set()
        for process in self._family():
            try:
                if _role(process, self.process) == role:
                    ports.update(_ports_of(process))
            except psutil.Error:
                continue
        return sorted(ports)

    def _family(self) -> Sequence[psutil.Process]:
        if self.process is None:
            return ()
        try:
            return [self.process, *self.process.children(recursive=True)]
        except psutil.Error:
            return ()


@dataclass(frozen=True, slots=True)
class Load:
    """CPU used between two looks, in cores."""

    seconds: float
    server: dict[str, float]
    """Role (``server``, ``vllm``, ``postgres``, ...) to CPU seconds."""

    callers: float
    """CPU seconds of this process: the callers."""

    others: float
    """CPU seconds of everything else on the machine."""

    def cores(self, cpu_seconds: float) -> float:
        """CPU seconds as an average number of busy cores."""
        return round(cpu_seconds / self.seconds, 3) if self.seconds else 0.0


class LoadMeter:
    """Reads all CPU clocks when made and when :meth:`read`."""

    def __init__(self, server: ServerUnderTest) -> None:
        self._server = server
        self._start = self._look()

    def read(self) -> Load:
        """What was used since this meter was made."""
        began, busy, own, machine = self._start
        now, busy_now, own_now, machine_now = self._look()
        used = {role: round(spent - busy.get(role, 0.0), 3) for role, spent in busy_now.items()}
        callers = own_now - own
        others = machine_now - machine - callers - sum(used.values())
        return Load(now - began, used, round(callers, 3), round(max(0.0, others), 3))

    def _look(self) -> tuple[float, dict[str, float], float, float]:
        own = psutil.Process().cpu_times()
        machine = psutil.cpu_times()
        total = sum(machine) - machine.idle - getattr(machine, "iowait", 0.0)
        # Linux counts a guest's time in user's as well.
        total -= getattr(machine, "guest", 0.0) + getattr(machine, "guest_nice", 0.0)
        return time.monotonic(), self._server.busy(), own.user + own.system, total


@asynccontextmanager
async def own_server(config: Path, log: Path, console: Console) -> AsyncIterator[ServerUnderTest]:
    """Start ``parley serve --config``, wait until it is ready, and stop it at the end.

    If cancelled, the server is stopped.

    Raises:
        SettingsError: the settings are wrong, or their ports are taken.
        ServerFailed: it ended before it was ready; its log says why.
    """
    settings = load_settings(config)
    host = settings.server.host
    media, control = settings.server.media_port, settings.server.control_port
    _check_ports(config, host, (media, control))
    log.parent.mkdir(parents=True, exist_ok=True)
    console.print(f"starting parley serve --config {config} (log: {log})")
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "parley", "serve", "--config", str(config)),
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        server = ServerUnderTest(
            f"ws://{host}:{media}/twilio", f"http://{host}:{control}", psutil.Process(child.pid)
        )
        await _wait_ready(child, server, log, console)
        yield server
    finally:
        await _stop(child)


def running_server(url: str, control: str | None) -> ServerUnderTest:
    """A server that somebody else started; its process is found where it is on this machine."""
    parts = urlsplit(url)
    process = None
    if parts.hostname in ("127.0.0.1", "localhost", "::1"):
        process = _listening(parts.port or (443 if parts.scheme == "wss" else 80))
    return ServerUnderTest(url, control or control_url(url), process)


async def _wait_ready(
    child: asyncio.subprocess.Process, server: ServerUnderTest, log: Path, console: Console
) -> None:
    began = time.monotonic()
    timeout = aiohttp.ClientTimeout(total=2.0)
    with console.status("waiting for the server") as status:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while missing := await _missing(session, server.control):
                waited = time.monotonic() - began
                if child.returncode is not None:
                    raise ServerFailed(
                        f"the server ended with exit code {child.returncode}; its last words: "
                        f"{_last_words(log)}"
                    )
                if waited > _START_S:
                    raise ServerFailed(f"the server is not ready after {waited:.0f} s: {missing}")
                status.update(f"waiting for the server, {waited:.0f} s: {missing}")
                await asyncio.sleep(0.2)
    console.print(f"ready after {time.monotonic() - began:.1f} s")


def _last_words(log: Path) -> str:
    return " | ".join(log.read_text(errors="replace").splitlines()[-5:])


async def _missing(session: aiohttp.ClientSession, control: str) -> str:
    """What the server still waits for, in words; empty when it is ready."""
    try:
        async with session.get(f"{control}/readyz") as response:
            return "" if response.status == 200 else await response.text()
    except (aiohttp.ClientError, TimeoutError):
        return "it does not answer yet"


async def _stop(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


def _check_ports(config: Path, host: str, ports: Sequence[int]) -> None:
    for port in ports:
        if port == 0:
            raise SettingsError(
                "server.media_port, server.control_port",
                f"{config} lets the system pick them, so a bench cannot know them",
                "Name both ports, or start the server yourself and give its --url",
            )
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                raise SettingsError(
                    f"port {port}",
                    "something listens there already",
                    "Stop it, or measure it with --url",
                )


def _ports_of(process: psutil.Process) -> list[int]:
    return [
        found.laddr.port
        for found in process.net_connections("tcp")
        if found.status == psutil.CONN_LISTEN and found.laddr
    ]


def _listening(port: int) -> psutil.Process | None:
    try:
        for found in psutil.net_connections("tcp"):
            local = found.laddr
            if found.status != psutil.CONN_LISTEN or not local or local.port != port:
                continue
            if found.pid is not None:
                return psutil.Process(found.pid)
    except psutil.Error:
        pass
    return None


def _role(process: psutil.Process, server: psutil.Process | None) -> str:
    if process == server:
        return "server"
    words = " ".join((process.name(), *process.cmdline())).lower()
    return next((role for role in ("vllm", "postgres", "ray") if role in words), "other children")
