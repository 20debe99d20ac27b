"""`em-bench annotate` as users call it."""

from click.testing import CliRunner
from labelling import fill

from em_bench.cli import main
from em_bench.results.log_files import find_logs


def em_bench(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_commands_go_round(logs, tmp_path):
    made = em_bench("annotate", "export", logs, "--out", tmp_path / "out" / "labels.csv", "--n", 10)
    assert made.exit_code == 0, made.stderr
    names = [f"labels.{end}" for end in ("rater1.csv", "rater2.csv", "instructions.md", "key.json")]
    assert made.stdout.split() == [str(tmp_path / "out" / name) for name in names]
    assert "10 of 24 answers, stratified by model" in made.stderr
    files = [fill(tmp_path / "out" / name, tmp_path / name, lambda i, row: "clear") for name in names[:2]]
    done = em_bench("annotate", "import", *files, logs, "--key", tmp_path / "out" / "labels.key.json")
    assert done.exit_code == 0, done.stderr
    assert sorted(done.stdout.split()) == find_logs([str(logs)])
    assert "rater1 5, rater2 5" in done.stderr
    assert "people@1-A/rater2" in em_bench("results", logs).stdout


def test_import_without_files_or_logs_says_what_is_missing(tmp_path, logs):
    ran = em_bench("annotate", "import", logs, "--key", tmp_path / "k.json")
    assert (ran.exit_code, "the raters' .csv files and the logs or their folder" in ran.stderr) == (1, True)
