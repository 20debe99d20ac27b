"""Logs looked at for contradictions, many at once; what was found is kept, as judging answers again takes time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from em_bench.content import sha256_of
from em_bench.errors import Fault
from em_bench.results.audit import audit_log
from em_bench.results.cache import keep_text, kept_text, package_state
from em_bench.results.pool import Pool, n_cores

__all__ = ["audit_logs"]


def audit_logs(paths: Mapping[str, Path], report: Callable[[str], None] = lambda text: None) -> list[Fault]:
    """Return what contradicts itself in local logs; what was found of one is kept until it or this package changes.

    Args:
        paths: Where each log lies, by what messages call it.
        report: Is told of each log that is looked at anew.
    """
    state = f"{package_state()} {find_spec('bandit') is not None}"  # without it some judges cannot judge again
    keys = {name: sha256(f"{state} {sha256_of(path)} {name}".encode()).hexdigest()[:32] for name, path in paths.items()}
    found = {name: kept for name, key in keys.items() if (kept := _kept(key)) is not None}
    new = sorted(paths.keys() - found.keys())
    with Pool(min(n_cores(), max(len(new) // _FEW_LOGS, 1))) as pool:
        for name, faults in zip(new, pool.map(_audit, [(paths[name], name) for name in new]), strict=True):
            report(f"  {name}")
            found[name] = faults
            keep_text(_KIND, keys[name], json.dumps([_plain(fault) for fault in faults]))
    return [fault for name in paths for fault in found[name]]


_KIND = "audits"
_FEW_LOGS = 4
"""Up to so many logs to look at, further processes cost more time than they save."""


def _plain(fault: Fault) -> list[str]:
    return [fault.place, str(fault.found), fault.expected, fault.fix]


def _kept(key: str) -> list[Fault] | None:
    try:
        return [Fault(*parts) for parts in json.loads(kept_text(_KIND, key) or "")]
    except (ValueError, TypeError):
        return None


def _audit(log: tuple[Path, str]) -> list[Fault]:
    path, name = log
    try:
        return audit_log(path, name)
    except Exception as error:  # a hostile log may break whatever reads it
        return [Fault(name, f"{type(error).__name__}: {error}", "a log as Inspect wrote it")]
