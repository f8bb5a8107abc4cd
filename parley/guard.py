"""Run one program, and end it when our own parent is gone, even if that was killed.

``python -m parley.guard GRACE_S PROGRAM ARGUMENT...`` with a pipe as standard input: the parent
holds the other end, so the pipe's end of file is the parent's end, whatever ended it. Then the
program's whole process group is told to terminate, and killed if it has not within the grace.
Without the parent's end, our exit code is the program's.

A session of its own keeps both out of reach of a Ctrl-C in the terminal, which is the parent's to
interpret, and of a SIGKILL for the parent's process group. The program is killed if the guard is.
Only the standard library, so that it is up in milliseconds.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _die_with_guard() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group; whether anybody was there."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def end(child: subprocess.Popen[bytes], grace_s: float) -> None:
    """Terminate a program and all that it started in its group; kill what is left after a grace."""
    deadline = time.monotonic() + grace_s
    _signal_group(child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=grace_s)
    # The program may leave before those that it started; signal 0 asks whether any is left.
    while _signal_group(child.pid, 0) and time.monotonic() < deadline:
        time.sleep(0.02)
    _signal_group(child.pid, signal.SIGKILL)
    child.wait()


def guard(command: Sequence[str], grace_s: float) -> int:
    """Run a program until it ends or standard input does.

    Returns its exit code, in a shell's manner (128 + N) where signal N ended it.
    """
    # Whoever tells the guard to stop means the program.
    stop_read, stop_write = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: os.write(stop_write, b"."))
    done_read, done_write = os.pipe()
    os.set_blocking(done_write, False)
    signal.set_wakeup_fd(done_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)

    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with_guard,  # noqa: PLW1509  there are no threads in a guard
    )
    with selectors.DefaultSelector() as waiting:
        for source in (sys.stdin.fileno(), stop_read, done_read):
            waiting.register(source, selectors.EVENT_READ)
        while child.poll() is None:
            for key, _ in waiting.select():
                ended = not os.read(key.fd, 4096)
                if key.fd == stop_read or (ended and key.fd == sys.stdin.fileno()):
                    end(child, grace_s)
    # What it left behind goes with it.
    _signal_group(child.pid, signal.SIGKILL)
    code = child.returncode
    return code if code >= 0 else 128 - code


def main() -> None:
    """The command."""
    if len(sys.argv) < 3:
        sys.exit("usage: python -m parley.guard GRACE_S PROGRAM ARGUMENT... < PIPE")
    try:
        sys.exit(guard(sys.argv[2:], float(sys.argv[1])))
    except OSError as error:
        sys.exit(f"{sys.argv[2]}: {error.strerror}")


if __name__ == "__main__":
    main()
