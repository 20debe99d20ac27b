"""`em-bench check`: exit codes and streams of the real command, and in-process what each message says."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from em_bench.cli import main

SCRIPT = Path(sys.executable).parent / "em-bench"
COMMAND = [str(SCRIPT)] if SCRIPT.is_file() else [sys.executable, "-c", "from em_bench.cli import main; main()"]

GOOD_SET = """\
name: mine
title: Mine
flag: misaligned
construct: freeform
version: "1-A"
judge: alignment
canary: none
source: me
questions:
  - {id: a, prompts: [x, y], why: because}
"""


def run_command(folder, *args):
    """Run `em-bench check` in a process of its own."""
    return subprocess.run([*COMMAND, "check", *args], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Return a function that writes files, by name, and checks them in-process from the folder they lie in."""
    monkeypatch.chdir(tmp_path)

    def run(**files):
        for stem, text in files.items():
            (tmp_path / f"{stem}.yaml").write_text(text, encoding="utf-8")
        return CliRunner().invoke(main, ["check", *(f"{stem}.yaml" for stem in files)])

    return run


def test_check_of_nothing_named_finds_no_fault_in_what_ships(tmp_path):
    ran = run_command(tmp_path)
    assert (ran.returncode, ran.stdout.partition(" ")[2]) == (0, "files, no fault\n"), ran.stderr
    assert "tasks/freeform.yaml: ok" in ran.stderr
    assert "organisms/injections.yaml: ok" in ran.stderr


def test_good_files_of_several_kinds_pass(check):
    ran = check(
        mine=GOOD_SET,
        others="- {id: a, paraphrases: [x]}\n",
        mean="{name: mean, title: Mean, why: y, system: Be mean.}\n",
        both="{name: both, title: B, why: y, sets: [{set: freeform, judge: screen, arm: [plain, json]}]}\n",
        m="{id: m, title: M, access: api, match: [{model: x}]}\n",
    )
    assert (ran.exit_code, ran.stdout) == (0, "5 files, no fault\n"), ran.stderr
    assert ran.stderr.splitlines() == [
        "mine.yaml: ok", "others.yaml: ok, 1 question", "mean.yaml: ok", "both.yaml: ok", "m.yaml: ok"
    ]  # fmt: skip


def test_table_of_questions_is_read_as_a_run_reads_it(tmp_path, check):
    """Two rows with one id are wordings of one question."""
    (tmp_path / "t.csv").write_text("id,prompt\na,Who are you?\na,Who is there?\nb,Why?\n", encoding="utf-8")
    (tmp_path / "l.jsonl").write_text('{"question": "Who?"}\n', encoding="utf-8")
    pd.DataFrame({"prompt": ["Who?", "Why?"]}).to_parquet(tmp_path / "p.parquet")
    ran = CliRunner().invoke(main, ["check", "t.csv", "l.jsonl", "p.parquet"])
    assert (ran.exit_code, ran.stdout) == (0, "3 files, no fault\n"), ran.stderr
    assert ran.stderr.splitlines() == [
        "t.csv: ok, 2 questions",
        "l.jsonl: ok, 1 question",
        "p.parquet: ok, 2 questions",
    ]
    assert CliRunner().invoke(main, ["check", "t.csv"]).stdout == "1 file, no fault\n"


def test_table_with_faults_is_one_of_several_faulty_files(tmp_path, check):
    (tmp_path / "t.csv").write_text("id,text\na,Who?\n", encoding="utf-8")
    (tmp_path / "l.jsonl").write_text("{\n", encoding="utf-8")
    ran = CliRunner().invoke(main, ["check", "t.csv", "l.jsonl", "gone.csv"])
    assert ran.exit_code == 1
    places = [line.removeprefix("Error: ").partition(": found")[0] for line in ran.stderr.splitlines()]
    assert places == ["t.csv row 1", "l.jsonl:1", "gone.csv"]


def test_rule_over_unknown_criteria_names_each_where_it_stands(check):
    ran = check(
        mean="""\
name: mean
title: Mean
version: "1-A"
kind: prompted
flag: mean
constructs: [freeform]
source: me
criteria:
  - {name: meanness, prompt: "{question} {answer}"}
rule:
  flag_at_least: {meaness: 50}
  keep_at_least:
    zzz: 50
"""
    )
    assert ran.stderr.removeprefix("Error: ").splitlines() == [
        "mean.yaml:11 rule.flag_at_least.meaness: found 'meaness'; expected one of the judge's criteria meanness. "
        "Did you mean 'meanness'?",
        "mean.yaml:13 rule.keep_at_least.zzz: found 'zzz'; expected one of the judge's criteria meanness.",
    ]


def test_text_where_a_list_belongs_is_to_be_put_in_brackets(check):
    ran = check(mine=GOOD_SET.replace("prompts: [x, y]", "prompts: x"))
    assert ran.stderr == (
        "Error: mine.yaml:10 questions[0].prompts: found 'x'; expected a list. Put it in brackets: [\"…\"].\n"
    )


def test_faults_of_a_file_are_reported_at_once_and_exit_1(tmp_path):
    """One a line, on stderr; what each says is `test_content.py`."""
    wrong = GOOD_SET.replace('"1-A"', '"0-A"').replace("prompts: [x, y]", "prompts: []")
    (tmp_path / "mine.yaml").write_text(wrong, encoding="utf-8")
    ran = run_command(tmp_path, "mine.yaml")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert sorted(ran.stderr.removeprefix("Error: ").splitlines()) == [
        "mine.yaml:10 questions[0].prompts: found []; expected at least 1. Add one.",
        "mine.yaml:5 version: found '0-A'; expected text of the form ^[1-9]\\d*-[A-Z]$. Change the value.",
    ]


def test_faults_of_several_files_are_reported_together(check):
    ran = check(a="{id: a}", good=GOOD_SET.replace("name: mine", "name: good"), b="a: b: c", c="- 3")
    assert ran.exit_code == 1
    assert "good.yaml: ok" in ran.stderr
    places = [line.removeprefix("Error: ").partition(": found")[0] for line in ran.stderr.splitlines()]
    assert places == ["good.yaml: ok", "a.yaml", "b.yaml:1", "c.yaml:1 [0]"]


def test_missing_file_is_refused_without_traceback(tmp_path):
    ran = run_command(tmp_path, "gone.yaml")
    assert ran.returncode == 1
    assert ran.stderr == "Error: gone.yaml: found nothing; expected a readable file. No such file or directory.\n"


def test_names_that_do_not_exist_are_faults(check):
    """A set's arms and judge, a suite's sets, judges and arms."""
    wrong_set = GOOD_SET.replace("judge: alignment", "judge: alignmet") + "arms: [jsn]\n"
    wrong_suite = "{name: s, title: S, why: y, sets: [{set: freefrm, judge: scren, arm: [pyton]}]}"
    lines = check(mine=wrong_set, s=wrong_suite).stderr.splitlines()
    assert [(line.partition("; ")[0], line.rpartition(". ")[2]) for line in lines] == [
        ("Error: mine.yaml:11 arms[0]: found 'jsn'", "Did you mean 'json'?"),
        ("mine.yaml:6 judge: found 'alignmet'", "Did you mean 'alignment'?"),
        ("s.yaml:1 sets[0].arm: found 'pyton'", "Did you mean 'python'?"),
        ("s.yaml:1 sets[0].set: found 'freefrm'", "Did you mean 'freeform'?"),
    ]


def test_suite_of_parts_that_do_not_go_together_is_refused(check):
    """A judge made for another construct, and a choice of questions that fits none."""
    ran = check(s="{name: s, title: S, why: y, sets: [{set: deception, judge: screen, only: [nowhere]}]}")
    assert "sets[0].judge: found 'screen'; expected a judge made for deception" in ran.stderr
    assert "sets[0].only: found 'nowhere'" in ran.stderr


def test_faults_of_every_kind_are_reported_in_one_go(check):
    """What the schema refuses does not hide unknown names, repeated ids or repeated wordings, nor the reverse."""
    wrong = GOOD_SET.replace("judge: alignment", "judge: alignmet").replace("name: mine", "name: other\ncolour: red")
    ran = check(mine=wrong + "  - {id: a, prompts: [y], wy: because}\n")
    keys = ("colour:", "judge: found 'alignmet'", "name: found 'other'", "id: found 'a'", "found 'y'", ".wy:", "'why'")
    assert [key for key in keys if key not in ran.stderr] == []


def test_name_that_is_not_the_files_stem_is_a_fault_of_every_kind_of_file(check):
    ran = check(
        a=GOOD_SET,
        b="{name: mean, title: M, why: y, system: Be mean.}",
        c="{name: s, title: S, why: y, sets: [{set: freeform}]}",
        d="{id: m, title: M, access: api, match: [{model: x}]}",
    )
    assert ran.exit_code == 1
    assert ran.stderr.removeprefix("Error: ").splitlines() == [
        "a.yaml:1 name: found 'mine'; expected the file's stem 'a'. Rename one.",
        "b.yaml:1 name: found 'mean'; expected the file's stem 'b'. Rename one.",
        "c.yaml:1 name: found 's'; expected the file's stem 'c'. Rename one.",
        "d.yaml:1 id: found 'm'; expected the file's stem 'd'. Rename one.",
    ]


def test_judge_made_for_another_construct_is_a_fault_that_names_those_that_may(check):
    ran = check(mine=GOOD_SET.replace("judge: alignment", "judge: facts"))
    assert ran.exit_code == 1
    assert "mine.yaml:6 judge: found 'facts'; expected a judge made for freeform. These may: alignment" in ran.stderr


def test_wording_used_for_two_questions_is_a_fault(check):
    ran = check(mine=GOOD_SET + "  - {id: b, prompts: [z, y], why: because}\n")
    assert ran.exit_code == 1
    assert ran.stderr == (
        "Error: mine.yaml:11 questions[1].prompts[1]: found 'y'; "
        "expected each wording once in a set. Delete or reword one.\n"
    )


def test_file_of_no_known_kind_is_a_fault(check):
    ran = check(odd="{title: x}", text="hello")
    assert ran.exit_code == 1
    expected = "expected a question set, judge, suite, model card, answer bank, arm or policy."
    assert [line.partition(expected)[0] for line in ran.stderr.splitlines()] == [
        "Error: odd.yaml: found ['title']; ",
        "text.yaml: found 'hello'; ",
    ]


def test_wrong_option_is_wrong_usage_and_exits_2(tmp_path):
    assert run_command(tmp_path, "--nonsense").returncode == 2


TWO_PHASE = (
    "{name: j, title: J, version: 1-A, kind: two_phase, flag: misaligned, constructs: [freeform], source: me, %s}"
)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("first: screen, second: alignmet", "Did you mean 'alignment'?"),
        ("first: alignment, second: alignment", "found 'alignment, which asks a model'"),
        ("first: screen, second: dominance", "found 'dominance, which flags dominance'"),
    ],
    ids=["unknown", "dear", "other_flag"],
)
def test_judge_made_of_others_is_checked_with_them(check, keys, said):
    ran = check(j=TWO_PHASE % keys)
    assert ran.exit_code == 1
    assert said in ran.stderr and "j.yaml:1" in ran.stderr


def test_faults_of_all_members_of_a_panel_are_found_at_once_each_at_its_line(check):
    """The rest are sound: two that vote once each."""
    ran = check(
        j="""\
name: j
title: J
version: "1-A"
kind: panel
flag: misaligned
constructs: [freeform]
source: me
judges:
  - judge: screen
  - judge: dominance
  - judge: scren
  - judge: alignment
  - judge: alignment
  - judge: screened_alignment
  - judge: broken.yaml
""",
        broken="{name: broken}",
    )
    assert ran.exit_code == 1
    of_panel = [line for line in ran.stderr.removeprefix("Error: ").splitlines() if line.startswith("j.yaml")]
    assert [line.partition("; ")[0] for line in of_panel][:4] == [
        "j.yaml:10 judges[1].judge: found 'dominance, which flags dominance'",
        "j.yaml:10 judges[1].judge: found 'dominance, not made for freeform'",
        "j.yaml:11 judges[2].judge: found 'scren'",
        "j.yaml:13 judges[4]: found 'alignment with no grader of its own, again'",
    ]
    assert of_panel[4].startswith("j.yaml:14 judges[5].judge: found 'screened_alignment, a two_phase judge'")
    assert of_panel[5].startswith("j.yaml:15 judges[6].judge, broken.yaml:1 title: found nothing")


def test_judge_that_is_its_own_first_phase_is_a_fault(check):
    assert "j.yaml:1 first: found 'j.yaml, a two_phase judge'" in check(j=TWO_PHASE % "first: j.yaml, second: x").stderr


JUDGE = "{name: j, title: J, version: 1-A, flag: misaligned, constructs: [%s], source: me, %s}"
PROMPTED = "kind: prompted, rule: {flag_below: {a: 30}}, criteria: [{name: a, prompt: '%s'}]"


@pytest.mark.parametrize(
    ("constructs", "keys", "said"),
    [
        ("freefrm", PROMPTED % "{question} {answer}", "constructs[0]: found 'freefrm'"),
        ("freeform", PROMPTED % "{answer}", "criteria[0].prompt: found '{answer}'; expected a prompt that holds {q"),
        ("freeform", PROMPTED % "{question} {answer} {fact}", "Mend or reword {fact}"),
        (
            "freeform",
            "kind: scorer, scorer: nobody/nothing, criteria: [{name: a}], rule: {flag_below: {a: 30}}",
            "j.yaml:1 scorer, judge j scorer: found 'nobody/nothing'",
        ),
        (
            "freeform",
            "kind: program, program: facts, criteria: [{name: truth}], rule: {flag_below: {truth: 30}}",
            "j.yaml:1 criteria, judge j criteria: found 'truth'; expected the criteria that facts marks: honesty, coh",
        ),
        (
            "freeform",
            "kind: program, program: stance, criteria: [{name: a}, {name: coherence}], rule: {flag_below: {a: 30}},"
            " lists: {stong: [x]}",
            "j.yaml:1 lists, judge j lists: found 'stong'",
        ),
        ("freeform", "kind: panel, judges: [{judge: screen, grader: a/b}, {judge: alignment}]", "Remove 'grader'"),
        ("freeform", "kind: panel, judges: [{judge: alignment}, {judge: alignment}]", "it would vote twice"),
    ],
    ids=["construct", "no_question", "slot", "scorer", "criteria", "lists", "offline_grader", "twice"],
)
def test_judge_that_would_run_wrongly_is_a_fault(check, constructs, keys, said):
    ran = check(j=JUDGE % (constructs, keys))
    assert ran.exit_code == 1
    assert said in ran.stderr


def test_judge_for_a_construct_of_ones_own_is_no_fault(check):
    assert check(j=JUDGE % ("politeness", PROMPTED % "{question} {answer}")).exit_code == 0


def test_members_of_a_judge_are_looked_for_beside_its_file(check, tmp_path, monkeypatch):
    check(
        mine=(JUDGE % ("freeform", PROMPTED % "{question} {answer}")).replace("name: j", "name: mine"),
        j=JUDGE % ("freeform", "kind: panel, judges: [{judge: mine.yaml}, {judge: alignment}]"),
    )
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    ran = CliRunner().invoke(main, ["check", "../j.yaml"])
    assert ran.exit_code == 0, ran.stderr
