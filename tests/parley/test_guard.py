"""A guarded program ends with its parent, whatever ended that."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Says its number and waits for ever.
WAIT = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAIT
PARENT_OF_WAIT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WAIT!r}])"
LEAVE_ONE_BEHIND = (
    "import subprocess, sys; "
    f"left = subprocess.Popen([sys.executable, '-c', {WAIT!r}], stdout=subprocess.PIPE); "
    "print(left.stdout.readline().decode(), flush=True)"
)


@contextmanager
def guarded(code: str, grace_s: float = 5.0) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "parley.guard", str(grace_s), sys.executable, "-c", code]
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield guard
    finally:
        guard.kill()
        guard.wait()
        for pipe in (guard.stdin, guard.stdout):
            assert pipe is not None
            pipe.close()


def said_number(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def is_gone(pid: int, within_s: float = 5.0) -> bool:
    """Waits for the end of a process that is not our child."""
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watch], [], [], within_s)[0])
    finally:
        os.close(watch)


def hang_up(guard: subprocess.Popen[bytes]) -> None:
    assert guard.stdin is not None
    guard.stdin.close()


def test_the_guards_exit_code_is_the_programs() -> None:
    with guarded("raise SystemExit(7)") as guard:
        assert guard.wait(5) == 7


def test_a_program_ended_by_a_signal_is_told_as_a_shell_tells_it() -> None:
    with guarded("import os, signal; os.kill(os.getpid(), signal.SIGKILL)") as guard:
        assert guard.wait(5) == 128 + signal.SIGKILL


def test_the_parents_end_ends_the_program() -> None:
    with guarded(WAIT) as guard:
        program = said_number(guard)
        hang_up(guard)
        assert guard.wait(5) == 128 + signal.SIGTERM
        assert is_gone(program)


def test_a_program_deaf_to_terminate_is_killed_after_the_grace() -> None:
    with guarded(DEAF, grace_s=0.1) as guard:
        program = said_number(guard)
        hang_up(guard)
        assert guard.wait(5) == 128 + signal.SIGKILL
        assert is_gone(program)


def test_what_the_program_started_ends_with_it() -> None:
    with guarded(PARENT_OF_WAIT) as guard:
        grandchild = said_number(guard)
        hang_up(guard)
        guard.wait(5)
        assert is_gone(grandchild)


def test_what_a_program_left_behind_goes_too() -> None:
    with guarded(LEAVE_ONE_BEHIND) as guard:
        left = said_number(guard)
        assert guard.wait(5) == 0
        assert is_gone(left)


def test_telling_the_guard_to_stop_tells_the_program() -> None:
    with guarded(WAIT) as guard:
        program = said_number(guard)
        guard.terminate()
        assert guard.wait(5) == 128 + signal.SIGTERM
        assert is_gone(program)


def test_a_killed_guard_takes_the_program_along() -> None:
    with guarded(WAIT) as guard:
        program = said_number(guard)
        guard.kill()
        assert is_gone(program)


def test_a_killed_parent_leaves_nothing() -> None:
    parent = (
        "import subprocess, sys\n"
        "guard = [sys.executable, '-m', 'parley.guard', '5']\n"
        f"command = [*guard, sys.executable, '-c', {WAIT!r}]\n"
        "subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True).wait()"
    )
    server = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE)
    program = said_number(server)
    server.kill()
    server.wait(5)
    assert is_gone(program)
    assert server.stdout is not None
    server.stdout.close()


def test_a_program_that_is_not_there_is_named() -> None:
    command = [sys.executable, "-m", "parley.guard", "1", "/no/such/program"]
    done = subprocess.run(command, input=b"", capture_output=True, check=False)
    assert done.returncode == 1
    assert b"/no/such/program: No such file" in done.stderr
