"""Our own vLLM: the same server and the same flags as ``vllm serve``, ready in a third of the time.

Two things take the time of a start on a CPU, and neither is the model: importing torch and vLLM
(about 7 s), once each in three processes. So:

* the worker lives in the engine's process, which vLLM allows where VLLM_ENABLE_V1_MULTIPROCESSING
  is 0 (the API server still runs it as a process of its own) and the executor is ``uni``;
* the engine's process is forked from the one that has imported everything already. That is what
  vLLM does on a GPU; on a CPU it insists on a fresh interpreter, so that each worker can be given
  its OpenMP settings. With one worker they are in the environment from the start.

vLLM is imported only when this runs as the main module, so a fresh interpreter, should vLLM start
one after all, does not import the API server again.
"""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Any

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def fork_the_engine() -> None:
    """Have vLLM fork its engine process, after its CPU platform has decided otherwise."""
    from vllm.platforms import current_platform

    platform = type(current_platform)
    decide = platform.check_and_update_config

    def decide_then_fork(_platform: type, vllm_config: Any) -> None:
        decide(vllm_config)
        os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "fork"

    platform.check_and_update_config = classmethod(decide_then_fork)


def normalise_by_kernel() -> None:
    """Have vLLM take its compiled kernel for root-mean-square norms on a CPU, as it does on a GPU.

    It has one for CPUs and does not choose it: seven torch operations do the work instead, 60 times
    a token. Alone they take 52 us against 6.
    """
    import torch
    from vllm import ir
    from vllm.config.kernel import IrOpPriorityConfig
    from vllm.platforms import current_platform

    current_platform.import_kernels()
    current_platform.import_ir_kernels()
    names = ("rms_norm", "fused_add_rms_norm")
    if not all(hasattr(torch.ops._C, name) for name in names):
        return
    for name in names:
        getattr(ir.ops, name).impls["vllm_c"].supported = True

    def priority(_platform: type, _config: Any) -> Any:
        return IrOpPriorityConfig.with_default(
            ["native"], **{name: ["vllm_c", "native"] for name in names}
        )

    type(current_platform).get_default_ir_op_priority = classmethod(priority)


def die_with_parent() -> None:
    """Let the kernel end this process when its parent is gone, even if that was killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Serve until told to stop. Arguments are those of ``vllm serve``, the model as ``--model``."""
    from vllm.entrypoints.launchers.api_server.entry import main as serve
    from vllm.platforms import current_platform

    if current_platform.is_cpu():
        fork_the_engine()
        normalise_by_kernel()
        os.register_at_fork(after_in_child=die_with_parent)
    serve()


if __name__ == "__main__":
    main()
