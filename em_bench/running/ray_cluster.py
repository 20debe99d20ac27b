"""A Ray cluster that a run has joined: its nodes checked, a desk to meet pieces at, and what is asked of Ray."""

from __future__ import annotations

import importlib
import logging
import os
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs

import em_bench
from em_bench.errors import Fault, OperatorError
from em_bench.models.providers import is_local
from em_bench.running.folder import unwritable
from em_bench.running.ray_piece import TOKEN, Desk, Order, Piece, introduce, run_piece
from em_bench.running.schedule import Start
from em_bench.running.survey import survey_share

__all__ = ["RayCluster", "absolute", "open_cluster"]

_TICK_S = 0.5
_PROBE_S = 300
"""A node may load this package from a slow shared disk first."""
_PATIENCE_S = 30.0
"""How long to wait for another driver to be gone: Ray ends what a killed one left behind, but not at once."""
_NAMESPACE = "em-bench"
_PASSED_ON = re.compile(r"(EM_BENCH|INSPECT|HF)_\w+|\w+_(API_KEY|BASE_URL)")
"""Variables that a node is given where it has none of that name."""


def absolute(log_dir: str) -> str:
    """Return a log folder by the name that other processes may use."""
    return log_dir if "://" in log_dir else str(Path(log_dir).absolute())


@contextmanager
def open_cluster(address: str, log_dir: str, gpus_per_model: float, graders: Sequence[str]) -> Iterator[RayCluster]:
    """Join a Ray cluster as the driver of a run, having checked that its nodes can take part.

    Args:
        address: As `ray.init` takes it; `auto` is the cluster of this machine or of `RAY_ADDRESS`.
        log_dir: The log folder of the run, absolute, made.
        gpus_per_model: For each piece whose model or grader runs on the node.
        graders: The models that grade.

    Raises:
        OperatorError: Ray is not installed, there is no such cluster, a node does not see the log folder or has
            another version of this package, or another driver runs the same there.
    """
    try:
        ray: Any = importlib.import_module("ray")
        importlib.import_module("ray.util.scheduling_strategies")
    except ImportError as error:
        raise OperatorError(
            Fault("--ray", "no package ray", "the extra ray", "pip install 'em-bench[ray]'.")
        ) from error
    try:
        ray.init(address=address, namespace=_NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        found = " ".join(str(error).split())
        fix = "Start one (ray start --head), or name its address."
        raise OperatorError(Fault(f"--ray {address}", found, "a Ray cluster", fix)) from error
    try:
        desk = _open_desk(ray, log_dir)
        with _token(log_dir) as token:
            _check_nodes(ray, log_dir, token)
            yield RayCluster(ray, desk, log_dir, token, gpus_per_model, any(map(is_local, graders)))
    finally:
        ray.shutdown()


@contextmanager
def _token(log_dir: str) -> Iterator[str]:
    """Keep a file in the log folder while the run lasts, by which nodes know it; what it says is new each time."""
    token = uuid.uuid4().hex
    try:
        files, root = url_to_fs(log_dir)
        files.makedirs(root, exist_ok=True)
        path = f"{root.rstrip('/')}/{TOKEN}"
        with files.open(path, "w", encoding="utf-8") as file:
            file.write(token)
    except (OSError, ImportError, ValueError) as error:
        raise OperatorError(unwritable(log_dir, error)) from error
    try:
        yield token
    finally:
        with suppress(OSError):
            files.rm(path)


def _open_desk(ray: Any, log_dir: str) -> Any:  # noqa: ANN401
    """Return the actor that pieces report to; its name keeps a second driver out, and is free once this one is gone.

    Raises:
        OperatorError: There is another.
    """
    here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
        ray.get_runtime_context().get_node_id(), soft=False
    )
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return ray.remote(Desk).options(name=log_dir, num_cpus=0, scheduling_strategy=here).remote()
        except ValueError as error:  # the name is taken
            if time.monotonic() > until:
                fix = "Wait for it, stop it, or name another folder."
                found, expected = "another run at work on this Ray cluster", "a folder for this run alone"
                raise OperatorError(Fault(f"--log-dir {log_dir}", found, expected, fix)) from error
            time.sleep(0.5)


def _check_nodes(ray: Any, log_dir: str, token: str) -> None:  # noqa: ANN401
    """Check that each node that is there has this package and sees the log folder; later ones are checked as they work.

    Raises:
        OperatorError: One has or does not; all such are named.
    """
    faults = []
    probes = []
    for node in ray.nodes():
        if not node["Alive"]:
            continue
        there = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        options = {"num_cpus": 0, "max_retries": 0, "scheduling_strategy": there}
        asked = ray.remote(introduce).options(**options).remote(log_dir, token)
        probes.append((f"node {node['NodeManagerAddress']} ({node['NodeID'][:8]})", asked))
    until = time.monotonic() + _PROBE_S
    for place, asked in probes:
        try:
            theirs, fault = ray.get(asked, timeout=max(1, until - time.monotonic()))
        except (ray.exceptions.RayError, ImportError) as error:
            found = " ".join(str(getattr(error, "cause", None) or error).split())
            expected = f"em_bench {em_bench.__version__} at work within {_PROBE_S} s"
            faults.append(Fault(place, found, expected, "Install the same there."))
            continue
        if theirs != em_bench.__version__:
            faults.append(Fault(place, f"em_bench {theirs}", em_bench.__version__, "Install the same on all nodes."))
        if fault:
            expected = f"the log folder {log_dir} that this machine sees"
            fix = "Name a shared folder or a URL (s3://…) that every node can read and write."
            faults.append(Fault(place, fault, expected, fix))
    if faults:
        raise OperatorError(faults)


class RayCluster:
    """What is asked of Ray, apart from when."""

    def __init__(
        self,
        ray: Any,  # noqa: ANN401 - of a package that need not be there
        desk: Any,  # noqa: ANN401 - Ray's handle of an actor
        log_dir: str,
        token: str,
        gpus_per_model: float,
        has_local_grader: bool,
    ) -> None:
        self._ray, self._desk, self._log_dir, self._token = ray, desk, log_dir, token
        self._n_gpus, self._has_local_grader = gpus_per_model, has_local_grader
        self._environment = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}

    def gpus_for(self, model: str) -> float:
        """Return how many GPUs a piece of a model asks for."""
        return self._n_gpus if self._has_local_grader or is_local(model) else 0

    def lacks(self, models: Sequence[str]) -> str:
        """Return, in words, what no node that is there has enough of; empty if nothing."""
        needed = max(map(self.gpus_for, models), default=0)
        most = max((node["Resources"].get("GPU", 0) for node in self._ray.nodes() if node["Alive"]), default=0)
        return f"No node has {needed:g} GPUs now, the most is {most:g}: waiting for one." if needed > most else ""

    @property
    def errors(self) -> Any:  # noqa: ANN401
        """Return Ray's exceptions."""
        return self._ray.exceptions

    def submit(self, at: int, attempt: int, start: Start) -> Any:  # noqa: ANN401 - Ray's reference
        """Hand a piece to Ray; return what its result is asked with."""
        words = tuple(start.words)
        piece = Piece(at, attempt, words, self._log_dir, self._token, str(Path.cwd()), self._environment)
        self._ray.get(self._desk.expect.remote(at, attempt))  # before the piece asks whether it may begin
        task = self._ray.remote(run_piece).options(
            name=f"{start.share.model} {','.join(start.sets)}",
            num_cpus=1,
            num_gpus=self.gpus_for(start.share.model),
            max_retries=0,
        )
        return task.remote(piece, self._desk)

    def order(self, order: Order) -> None:
        """Say what all pieces are to do."""
        self._ray.get(self._desk.order.remote(order))

    def cancel(self, ref: Any) -> None:  # noqa: ANN401
        """Take back a piece that has not begun."""
        self._ray.cancel(ref, recursive=False)

    def reports(self) -> list[tuple[int, dict[str, Any]]]:
        """Return what pieces reported since the last time."""
        found: list[tuple[int, dict[str, Any]]] = self._ray.get(self._desk.take.remote())
        return found

    def ready(self, refs: Sequence[Any]) -> list[Any]:
        """Wait a little for pieces that have come to their end."""
        found: list[Any] = self._ray.wait(list(refs), num_returns=len(refs), timeout=_TICK_S)[0]
        return found

    def outcome(self, ref: Any) -> tuple[int, str] | Exception | None:  # noqa: ANN401
        """Return what a piece returned, or what it died of; None for one that was not begun."""
        errors = self._ray.exceptions
        try:
            found: tuple[int, str] | None = self._ray.get(ref)
        except errors.TaskCancelledError:
            return None
        except errors.RayTaskError as error:
            return Exception(str(error.cause)) if isinstance(error.cause, errors.RayError) else (1, f"{error.cause!r}")
        except errors.RayError as error:
            return Exception(str(error))
        return found

    def is_complete(self, start: Start) -> bool:
        """Return whether the logs of a start are whole."""
        states = survey_share(start.share, self._log_dir, with_answers=False)
        return all(states[name].status == "complete" for name in start.sets)
