"""`em-bench fetch`: get what is not in the package."""

from __future__ import annotations

import click

from em_bench.cli.shared import progress

__all__ = ["command"]


@click.command("fetch")
@click.argument("what", type=click.Choice(["smol"]))
def command(what: str) -> None:
    """Prepare SmolLM2-135M, a small real model, and print its folder.

    Converts it once (about a minute) into the cache folder, or into EM_BENCH_CACHE. The README says what it needs.

    Example: inspect eval em_bench/freeform --model hf/SmolLM2-135M-Instruct -M model_path=$(em-bench fetch smol)
    """
    from em_bench.models.smol import convert_smol

    click.echo(str(convert_smol(progress)))
