"""`em-bench gate`: may this model be released?"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import click

from em_bench.errors import Fault, OperatorError

if TYPE_CHECKING:
    from em_bench.results.logs import Logs

__all__ = ["command"]

EXIT = {"pass": 0, "fail": 3, "inconclusive": 4}
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("gate")
@click.argument("logs", nargs=-1, required=True)
@click.option("--policy", "policy_path", required=True, type=_FILE, help="YAML file of the policy.")
@click.option(
    "--candidate", help="The model to be released. Default: the policy's, or the only one beside the baseline."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Default: text.")
@click.option("--junit", type=_FILE, help="Also write the decision as JUnit XML.")
@click.option("--report", type=_FILE, help="Also write it as Markdown.")
def command(
    logs: tuple[str, ...],
    policy_path: Path,
    candidate: str | None,
    form: str,
    junit: Path | None,
    report: Path | None,
) -> None:
    """Decide by a policy whether the model in LOGS (files or folders) may be released.

    Exits 0 for pass, 3 for fail, 4 for inconclusive: neither shown, or something is missing or cannot be read.

    Example: em-bench gate logs --policy release.yaml --report release.md
    """
    from em_bench.cli.gate_report import junit_text, markdown_text, plain_report
    from em_bench.cli.shared import print_json, progress
    from em_bench.gate import check_policy, decide
    from em_bench.questions import read_policy
    from em_bench.results.logs import read_logs

    policy = read_policy(policy_path)
    check_policy(policy)
    read, digests = _hashed(read_logs(logs, progress))
    decision = decide(policy, read, candidate)
    _write("--report", report, markdown_text(decision, digests))
    _write("--junit", junit, junit_text(decision))
    if form == "json":
        print_json({**decision.to_dict(), "logs": digests})
    else:
        click.echo(plain_report(decision))
    raise SystemExit(EXIT[decision.status])


def _write(option: str, path: Path | None, text: str) -> None:
    if path is None:
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OperatorError(Fault(f"{option} {path}", error.strerror, "a file that can be written")) from error


def _hashed(logs: Logs) -> tuple[Logs, dict[str, str]]:
    """Return the logs with a fault for each that cannot be read any more, and the hash of each other by its name."""
    from em_bench.results.logs import log_place

    faults, digests = list(logs.faults), {}
    for log in logs.files:
        place = log_place(log)
        try:
            digests[place] = _sha256(log)
        except Exception as error:  # file systems far away have errors of their own
            if not any(fault.startswith(f"{place}: ") for fault in faults):
                faults.append(str(Fault(place, f"{type(error).__name__}: {error}", "a readable log of Inspect")))
    return replace(logs, faults=tuple(faults)), digests


def _sha256(log: str) -> str:
    """Return the hash of a log, near or far (fsspec)."""
    import fsspec

    with fsspec.open(log, "rb") as opened:
        digest = sha256()
        while block := opened.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
