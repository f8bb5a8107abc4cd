"""What this machine has: CPUs, what they can do, and memory. Only the standard library."""

from __future__ import annotations

import math
import os
from pathlib import Path


def usable_cpus() -> int:
    """CPUs that this process may use: its affinity, and the quota of its container if less."""
    allowed = len(os.sched_getaffinity(0))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("utf-8").split()
        return max(1, min(allowed, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no cgroup v2, or "max": no quota
        return allowed


def cpu_flags() -> frozenset[str]:
    """What the CPU says it can do; empty where the kernel does not tell."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return frozenset()
    lines = [line for line in text.splitlines() if line.startswith(("flags", "Features"))]
    return frozenset(lines[0].split(":", 1)[1].split()) if lines else frozenset()


def available_gb() -> float:
    """Memory that programs may still take, in 10^9 bytes; 0 where the kernel does not tell."""
    try:
        text = Path("/proc/meminfo").read_text("utf-8")
    except OSError:
        return 0.0
    kib = [int(line.split()[1]) for line in text.splitlines() if line.startswith("MemAvailable")]
    return kib[0] * 1024 / 1e9 if kib else 0.0
