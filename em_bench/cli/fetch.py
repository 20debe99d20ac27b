"""`em-bench fetch`: get what is not in the package."""

from __future__ import annotations

import click

from em_bench.errors import OperatorError, unknown_name

__all__ = ["command"]

SMOL = "smol"


@click.command("fetch")
@click.argument("what", nargs=-1)
def command(what: tuple[str, ...]) -> None:
    """Fetch the published files of canonical sets (WHAT, by default all), or prepare 'smol', and print the paths.

    Files are checked against their sha256 and kept in the cache folder (EM_BENCH_CACHE); EM_BENCH_ASSETS names a folder
    that has them already. 'smol' is SmolLM2-135M, a small real model, converted once; the README says what it needs.

    Example: em-bench fetch betley_main
    """
    from em_bench.cli.shared import progress
    from em_bench.questions import asset_path, canonical_names, read_pinned

    legal = [*canonical_names(), SMOL]
    if faults := [unknown_name("fetch", name, legal, "canonical sets") for name in what if name not in legal]:
        raise OperatorError(faults)
    faults = []
    for name in what or canonical_names():
        try:
            if name == SMOL:
                from em_bench.models.smol import convert_smol

                click.echo(str(convert_smol(progress)))
            else:
                click.echo(str(asset_path(read_pinned(name).asset)))
        except OperatorError as error:  # the others may be had all the same
            faults.extend(error.faults)
    if faults:
        raise OperatorError(faults)
