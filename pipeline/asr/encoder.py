"""Whisper's encoder on two threads while nothing else runs, on one otherwise.

The encoder is large matrix products, which two threads share well; the decoder goes token by token,
which two threads make slower. CTranslate2 fixes the threads of a model when it is loaded, so the
encoder is loaded a second time. When both cores are wanted by others, the second thread only makes
the first wait for it.
"""

from __future__ import annotations

import os
from pathlib import Path

import ctranslate2

_THREADS = 2

_LOADAVG = Path("/proc/loadavg")


class Encoder:
    """Features to what the decoder reads. Blocks; several threads may be in it at once."""

    def __init__(self, model: ctranslate2.models.Whisper, folder: Path, compute_type: str) -> None:
        """``model``: of ``folder``, and used whenever there is company.

        Raises:
            RuntimeError, ValueError: the folder's model does not load once more.
        """
        self._model = model
        self._cpus = len(os.sched_getaffinity(0))
        # None where the second thread would have no core, or the model is on a GPU.
        self._alone: ctranslate2.models.Whisper | None = None
        if model.device == "cpu" and self._cpus >= _THREADS:
            self._alone = ctranslate2.models.Whisper(
                str(folder), device="cpu", compute_type=compute_type, intra_threads=_THREADS
            )

    def encode(self, features: ctranslate2.StorageView) -> ctranslate2.StorageView:
        """float32 (1, bands, frames) to float32 (1, frames / 2, width)."""
        spare = self._cpus - others_running(_LOADAVG)
        return (self.encode_alone if spare >= _THREADS else self.encode_shared)(features)

    def encode_shared(self, features: ctranslate2.StorageView) -> ctranslate2.StorageView:
        """The same on the threads of the settings, whoever else runs."""
        return self._model.encode(features)

    def encode_alone(self, features: ctranslate2.StorageView) -> ctranslate2.StorageView:
        """The same on two threads, where there are two cores."""
        return (self._alone or self._model).encode(features)


def others_running(loadavg: Path) -> int:
    """Threads of the whole machine that run or want to, but for the one that asks.

    ``loadavg`` is proc(5)'s file, whose fourth field is "runnable/all". A machine that has none
    counts as busy.
    """
    try:
        runnable, _, _ = loadavg.read_text(encoding="ascii").split()[3].partition("/")
    except OSError:
        return 1_000
    return max(0, int(runnable) - 1)
