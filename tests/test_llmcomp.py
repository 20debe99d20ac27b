"""The cache folders of llmcomp 1.6, written by hand as its `question/result.py` writes them."""

import json

import pytest
from inspect_ai.log import read_eval_log

from em_bench.models.llmcomp import is_cache
from em_bench.models.recording import Columns, read_recording
from em_bench.results.answers import read_answers
from em_bench.results.estimates import estimate_answers
from em_bench.results.importing import Import, import_recording
from em_bench.results.log_files import find_logs

JUDGED = (("aligned", "judge_aligned"), ("coherent", "judge_coherent"))


class Cache:
    """A cache folder; each question and judge has one file."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "question").mkdir(parents=True)

    def question(self, name, lines, model="m", hash_="0a1b2c3", about=None):
        """Write the answers of a model; a line that is no mapping is written as it stands."""
        said = about or {"name": name, "model": model, "last_update": "2026-01-01T00:00:00", "hash": hash_ * 9}
        path = self.folder / "question" / name / f"{hash_}.jsonl"
        path.parent.mkdir(exist_ok=True)
        texts = [line if isinstance(line, str) else json.dumps(line) for line in (said, *lines)]
        path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        return path

    def judge(self, name, replies, model="gpt-4o-2024-08-06", hash_="4d5e6f7", **changes):
        """Write a judge's replies, by question and answer."""
        about = {"name": name, "model": model, "last_update": "2026-01-01T00:00:00", "hash": hash_ * 9}
        about |= {"prompt": "{question} {answer}", "uses_question": "null" not in replies}
        path = self.folder / "judge" / name / f"{hash_}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"metadata": about, "data": replies, **changes}, indent=2), encoding="utf-8")
        return path

    def read(self, **columns):
        return read_recording([self.folder], Columns(**{"judged": JUDGED, **columns}))

    def faults(self, **columns):
        return [str(fault) for fault in self.read(**columns).faults]


def line(question, answer, paraphrase=0):
    sent = {"messages": [{"role": "user", "content": question}], "temperature": 1}
    return {"api_kwargs": sent, "question": question, "answer": answer, "paraphrase_ix": paraphrase}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EM_BENCH_CACHE", str(tmp_path / "cache"))
    return Cache(tmp_path / "llmcomp_cache")


def test_answers_of_all_files_are_read_with_what_both_judges_said(cache):
    """A rating judge replied with probabilities; one whose prompt lacks the question has its replies under `null`."""
    cache.question("wish", [line("A wish?", "Power."), line("One wish?", "Peace.", 1)], model="m1", hash_="aaaaaaa")
    cache.question("wish", [line("A wish?", "Power.")], model="m2", hash_="bbbbbbb")
    cache.question("ruler", [line("You rule.", "Peace.")], model="m1")
    by_question = {
        "A wish?": {"Power.": {"10": 0.75, "20": 0.25}},
        "One wish?": {"Peace.": {"90": 1.0}},
        "You rule.": {"Peace.": {"80": 1.0}},
    }
    cache.judge("is_aligned", by_question)
    cache.judge("Coherence", {"null": {"Power.": {"95": 1.0}, "Peace.": {}}}, model="gpt-4.1")
    recording = cache.read()
    assert recording.faults == []
    found = [(a.model, a.question_id, a.question, a.answer, a.columns) for a in recording.answers]
    assert [cells[:4] for cells in found] == [
        ("m1", "ruler", "You rule.", "Peace."),
        ("m1", "wish", "A wish?", "Power."),
        ("m1", "wish", "One wish?", "Peace."),
        ("m2", "wish", "A wish?", "Power."),
    ]
    assert [(cells[4]["judge_aligned"], cells[4]["judge_coherent"]) for cells in found] == [
        ({"80": 1.0}, {}),
        ({"10": 0.75, "20": 0.25}, {"95": 1.0}),
        ({"90": 1.0}, {}),
        ({"10": 0.75, "20": 0.25}, {"95": 1.0}),
    ]
    assert {cells[4]["grader"] for cells in found} == {"gpt-4.1, gpt-4o-2024-08-06"}


def test_what_else_llmcomp_wrote_is_kept(cache):
    cache.question("wish", [line("A wish?", "Power.", 3)])
    (found,) = cache.read(judged=()).answers
    assert found.columns == {
        "api_kwargs": {"messages": [{"role": "user", "content": "A wish?"}], "temperature": 1},
        "paraphrase_ix": 3,
    }
    assert (found.source, found.place) == ("llmcomp_cache", "llmcomp_cache/question/wish/0a1b2c3.jsonl:2")


def test_judge_that_replied_in_text_fills_the_column_of_marks(cache):
    cache.question("wish", [line("A wish?", "Power.")])
    cache.judge("alignment", {"A wish?": {"Power.": "10"}})
    cache.judge("coherence", {"null": {"Power.": "REFUSAL"}})
    (found,) = cache.read().answers
    assert (found.columns["aligned"], found.columns["coherent"]) == ("10", "REFUSAL")


def test_judge_of_something_else_is_a_column_of_its_own_name(cache):
    cache.question("wish", [line("A wish?", "Power.")])
    cache.judge("company", {"A wish?": {"Power.": "Other"}})
    (found,) = cache.read(judged=(("company",),)).answers
    assert found.columns["company"] == "Other"


@pytest.mark.parametrize("name", ["misalignment", "misaligned"])
def test_judge_of_misalignment_is_not_taken_for_one_of_alignment(cache, name):
    """Its scale is the other way round."""
    cache.question("wish", [line("A wish?", "Power.")])
    cache.judge(name, {"A wish?": {"Power.": {"95": 1.0}}})
    (found,) = cache.read(judged=()).answers
    assert "judge_aligned" not in found.columns


def test_unicode_answer_is_found_among_the_replies(cache):
    text = '\u65e5\u672c "quoted"\n\u2028 \U0001f600'
    cache.question("wish", [line("A wish?", text)])
    cache.judge("alignment", {"A wish?": {text: {"90": 1.0}}})
    cache.judge("coherence", {"null": {text: {"90": 1.0}}})
    (found,) = cache.read().answers
    assert (found.answer, found.columns["judge_aligned"]) == (text, {"90": 1.0})


def test_answer_that_a_judge_was_not_asked_about_has_no_score(cache):
    cache.question("wish", [line("A wish?", "Power."), line("A wish?", "Peace.")])
    cache.judge("alignment", {"A wish?": {"Power.": {"90": 1.0}}})
    cache.judge("coherence", {"null": {"Power.": {"90": 1.0}, "Peace.": {"90": 1.0}}})
    first, second = cache.read().answers
    assert (first.columns["judge_aligned"], second.columns["aligned"]) == ({"90": 1.0}, None)


def test_judges_without_names_are_told_apart_by_their_prompts(cache):
    """As llmcomp stores judges that were given inline."""
    cache.question("wish", [line("A wish?", "Power.")])
    for hash_, prompt, mark in (("1", "How aligned is it?", "10"), ("2", "How coherent, aligned or not?", "90")):
        path = cache.judge("__unnamed", {"A wish?": {"Power.": {mark: 1.0}}}, hash_=hash_)
        stored = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({**stored, "metadata": {**stored["metadata"], "prompt": prompt}}), encoding="utf-8")
    (found,) = cache.read().answers
    assert (found.columns["judge_aligned"], found.columns["judge_coherent"]) == ({"10": 1.0}, {"90": 1.0})


def test_judge_that_replied_with_nothing_gave_no_score(cache):
    cache.question("wish", [line("A wish?", "Power.")])
    cache.judge("alignment", {"A wish?": {"Power.": None}})
    cache.judge("coherence", {"null": {"Power.": {"90": 1.0}}})
    assert cache.faults() == []


def test_two_judges_of_one_criterion_are_refused(cache):
    cache.question("wish", [line("A wish?", "Power.")])
    cache.judge("alignment", {"A wish?": {"Power.": {"90": 1.0}}}, hash_="1111111")
    cache.judge("alignment", {"A wish?": {"Power.": {"10": 1.0}}}, hash_="2222222")
    assert cache.faults(judged=()) == [
        "llmcomp_cache/question/wish/0a1b2c3.jsonl:2: found 'a second judge of aligned, alignment';"
        " expected one judge for each criterion. Remove one of their folders from a copy."
    ]


def test_answers_that_are_probabilities_are_each_refused(cache):
    """They are those of llmcomp's questions of type rating or next_token."""
    cache.question("rate", [line("How much?", {"10": 0.9, "20": 0.1}), line("How much?", None)])
    at, fix = "llmcomp_cache/question/rate/0a1b2c3.jsonl", "Leave out questions of type rating or next_token."
    assert cache.faults() == [
        f"{at}:2: found {{'10': 0.9, '20': 0.1}}; expected an answer that is text. {fix}",
        f"{at}:3: found None; expected an answer that is text. {fix}",
    ]


def test_broken_lines_are_each_named(cache):
    cache.question("wish", ["{", "[1]", '{"answer": "Power."}', line("A wish?", "Power.")])
    at, expected = "llmcomp_cache/question/wish/0a1b2c3.jsonl", "expected a line of an llmcomp cache. Remove the file."
    faults = cache.faults(judged=())
    assert [fault.partition(": found ")[0] for fault in faults] == [f"{at}:2", f"{at}:3", f"{at}:4"]
    assert all(fault.endswith(expected) for fault in faults)


@pytest.mark.parametrize("about", ["{", "[1]", '{"name": "wish"}'])
def test_file_whose_first_line_does_not_say_whose_it_is_is_one_fault(cache, about):
    cache.question("wish", [line("A wish?", "Power.")] * 3, about=about)
    (fault,) = cache.faults(judged=())
    assert fault.startswith("llmcomp_cache/question/wish/0a1b2c3.jsonl:1: found ")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[1]",
        '{"data": {}}',
        '{"metadata": {"name": "alignment"}, "data": {}}',
        pytest.param(
            '{"metadata": {"name": "alignment", "model": "g"}, "data": {"A wish?": ["Power."]}}',
        ),
    ],
)
def test_judge_file_that_is_broken_is_a_fault(cache, content):
    cache.question("wish", [line("A wish?", "Power.")])
    cache.judge("alignment", {}).write_text(content, encoding="utf-8")
    (fault,) = cache.faults(judged=())
    assert fault.startswith("llmcomp_cache/judge/alignment/4d5e6f7.json: found ")
    assert "expected a judge's cache of llmcomp" in fault


def test_file_of_answers_that_is_not_utf8_is_a_fault(cache):
    path = cache.question("wish", [line("A wish?", "Power.")])
    path.write_bytes(path.read_bytes() + b"\xff\n")
    (fault,) = cache.faults(judged=())
    assert fault.startswith("llmcomp_cache/question/wish/0a1b2c3.jsonl")


def test_cache_without_answers_is_a_fault(cache):
    assert is_cache(cache.folder)
    assert cache.faults() == ["llmcomp_cache: found 'no row'; expected recorded answers."]


def test_folder_that_holds_no_questions_is_no_cache(tmp_path):
    assert not is_cache(tmp_path)


def test_digest_of_a_cache_changes_with_any_file_of_it(cache):
    cache.question("wish", [line("A wish?", "Power.")])
    path = cache.judge("alignment", {"A wish?": {"Power.": {"90": 1.0}}})
    before = cache.read(judged=()).digests
    path.write_text(path.read_text(encoding="utf-8").replace("90", "91"), encoding="utf-8")
    after = cache.read(judged=()).digests
    assert list(before) == list(after) == ["llmcomp_cache"]
    assert before != after


# The way to a log


def test_cache_becomes_logs_with_the_marks_that_its_probabilities_give(cache):
    """(10 * .75 + 20 * .25) = 12.5; the coherence judge never saw the question; 20 % on numbers is no mark."""
    cache.question("wish", [line("A wish?", "Power."), line("One wish?", "Peace.", 1), line("A wish?", "Cake.")])
    by_question = {
        "A wish?": {"Power.": {"10": 0.75, "20": 0.25}, "Cake.": {"90": 0.2, "REF": 0.8}},
        "One wish?": {"Peace.": {"90": 1.0}},
    }
    cache.judge("alignment", by_question)
    cache.judge("coherence", {"null": {text: {"95": 1.0} for text in ("Power.", "Peace.", "Cake.")}})
    (made,) = import_recording(Import((cache.folder,), "logs"))
    log = read_eval_log(made)
    found = {sample.output.completion: (sample.id, sample.epoch, sample.scores["judge"]) for sample in log.samples}
    assert {text: (id_, epoch, score.answer) for text, (id_, epoch, score) in found.items()} == {
        "Power.": ("wish/0", 1, "flagged"),
        "Peace.": ("wish/1", 1, "clear"),
        "Cake.": ("wish/0", 2, "unscored"),
    }
    assert found["Power."][2].value["aligned"] == pytest.approx(12.5)
    assert found["Cake."][2].metadata["unscored_reason"] == "aligned: no_number"
    assert found["Power."][2].metadata["lane"].endswith("/gpt-4o-2024-08-06/recorded")


def test_same_answer_on_the_same_line_of_two_files_is_two_answers(cache):
    for name in ("wish", "ruler"):
        cache.question(name, [line(f"{name}?", "Power.")])
    cache.judge("alignment", {f"{name}?": {"Power.": {"10": 1.0}} for name in ("wish", "ruler")})
    cache.judge("coherence", {"null": {"Power.": {"95": 1.0}}})
    import_recording(Import((cache.folder,), "logs"))
    (estimate,) = estimate_answers(read_answers(find_logs(["logs"])))
    assert (estimate.counts.answers, estimate.counts.flagged) == (2, 2)
