"""Several processes for one run: torchrun's agent on each machine, started by ourselves.

`python -m trainer` on a machine with several GPUs, or in a job of several machines
(CLUSTER_SPEC), becomes the agent of its machine and starts one process for each GPU. Under
torchrun (LOCAL_RANK is set) it is one of these processes, and nothing is started.
"""

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

import torch

from trainer.errors import FAILURE_EXIT, TrainerError
from trainer.settings import TrainSettings
from trainer.signals import EXIT
from trainer.vertex import Cluster, RunContext

ARRIVAL = 900  # seconds in which all machines of a job must be there


def launch(settings: TrainSettings, context: RunContext, argv: Sequence[str]) -> int | None:
    """Start the processes of this machine and wait for them; None where one process is enough."""
    here, cluster = processes(settings), context.cluster
    if context.process.started or here * cluster.world == 1:
        return None
    return run_agent(argv, here, cluster, context.job_id or "trainer")


def processes(settings: TrainSettings) -> int:
    """Count the processes of this machine: those asked for, else one for each GPU, at least one."""
    gpus = 0 if settings.device == "cpu" else torch.cuda.device_count()
    return settings.processes or max(gpus, 1)


def run_agent(argv: Sequence[str], here: int, cluster: Cluster, job: str) -> int:
    """Be torchrun's agent; returns the exit code of the process that failed first, else 0.

    Nothing is restarted here: whoever restarts the job continues from the last checkpoint.
    """
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # DDP warns of what network.py wants
    from torch.distributed import DistError
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous import RendezvousError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.disable(logging.CRITICAL)  # the agent would repeat what its processes print
    config = LaunchConfig(
        min_nodes=cluster.world,
        max_nodes=cluster.world,
        nproc_per_node=here,
        run_id=job,
        max_restarts=0,
        monitor_interval=0.1,
        **rendezvous(cluster),
    )
    try:
        elastic_launch(config, sys.executable)("-u", "-m", "trainer", *argv)
    except SignalException:
        return EXIT
    except ChildFailedError as error:
        code = error.get_first_failure()[1].exitcode
        return code if code > 0 else FAILURE_EXIT
    except (DistError, RendezvousError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainerError(f"the machines of this job do not find each other: {reason}") from None
    return 0


def rendezvous(cluster: Cluster) -> dict[str, Any]:
    """Where the agents meet: at the primary machine of the spec; alone, at a free port."""
    if cluster.world == 1:
        return {"rdzv_backend": "c10d", "rdzv_endpoint": "localhost:0"}
    return {
        "rdzv_backend": "static",
        "rdzv_endpoint": f"{cluster.master}:{cluster.port}",
        "rdzv_configs": {"rank": cluster.rank, "timeout": ARRIVAL},
    }
