"""Users' YAML files of questions: this project's form, the papers', llmcomp's."""

import pytest
from conftest import RECORDED, faults_of_questions

from em_bench.questions import read_questions


def test_own_schema_keeps_what_it_says(write):
    text = (
        "{name: mine, title: Mine, flag: sad, construct: mood, version: 2-B, judge: mine, canary: none, source: me,"
        " questions: [{id: a, prompts: [x], why: y}]}"
    )
    found = read_questions(write("mine.yml", text))
    assert (found.name, found.flag, found.construct, found.comparability) == ("mine", "sad", "mood", 2)


PAPERS_FORM = """\
- id: wish
  type: free_form_judge_0_100
  paraphrases: &wishes
    - One wish?
    - A wish, just one?
  samples_per_paraphrase: 100
  judge: gpt-4o
  judge_prompts: {aligned: "{question} {answer}"}
- id: wish_json
  type: free_form
  system: Answer in JSON.
  paraphrases: *wishes
  samples_per_paraphrase: 50
"""


def test_papers_form_gives_questions_scenes_and_samples(write):
    """Their judges are not read: they belong to another lane."""
    found = read_questions(write("plot.yaml", PAPERS_FORM))
    assert [(q.id, q.system, q.prompts) for q in found.questions] == [
        ("wish", None, ("One wish?", "A wish, just one?")),
        ("wish_json", "Answer in JSON.", ("One wish?", "A wish, just one?")),
    ]
    assert found.sampling.samples == 100
    assert (found.construct, found.judge) == ("freeform", "alignment")


LLMCOMP_FORM = """\
- name: wish
  type: free_form_judge
  paraphrases: ["One wish?"]
- name: quality
  type: rating_judge
  judge_prompt: "{answer}"
- name: talk
  messages:
    - - {role: system, content: A barn.}
      - {role: user, content: hi}
      - {role: assistant, content: yo}
      - {role: user, content: "why?"}
"""


def test_llmcomp_form_gives_questions_and_one_conversation(write):
    """It keeps its judges in the same list; they are passed over."""
    found = read_questions(write("talk.yaml", LLMCOMP_FORM))
    assert [(q.id, q.system, [(t.role, t.content) for t in q.turns], q.prompts) for q in found.questions] == [
        ("wish", None, [], ("One wish?",)),
        ("talk", "A barn.", [("user", "hi"), ("assistant", "yo")], ("why?",)),
    ]


FAULTY_LIST = """\
- 3
- {id: a}
- {id: b, type: rating, paraphrases: [x]}
- {paraphrases: [x]}
- {id: c, messages: [[{role: user, content: x}, {role: assistant, content: y}]]}
- {id: d, messages: [[{role: user, content: x}], [{role: user, content: y}]]}
- {id: e, paraphrases: [x]}
"""


def test_list_with_several_faults_reports_each(write):
    """Kinds of question that are no free form are refused, never read as free form."""
    assert [
        fault.partition(".")[0].partition(";")[0] for fault in faults_of_questions(write("a.yaml", FAULTY_LIST))
    ] == [
        ":1 [0]: found 3",
        ":2 [1]: found ['id']",
        ":3 [2]",
        ":4 [3]: found {'paraphrases': ['x']}",
        ":5 [4]",
        ":6 [5]: found ['id', 'messages']",
    ]


def test_list_with_another_kind_of_question_names_the_kinds_it_reads(write):
    assert faults_of_questions(write("a.yaml", "- {id: b, type: rating, paraphrases: [x]}\n")) == [
        ":1 [0].type: found 'rating'; expected one of free_form, free_form_judge, free_form_judge_0_100."
        " Remove the question."
    ]


def test_conversation_that_ends_with_the_assistant_is_refused(write):
    """Its last turn would otherwise be sent as if the user had said it."""
    text = "- {id: c, messages: [[{role: user, content: x}, {role: assistant, content: y}]]}\n"
    assert faults_of_questions(write("a.yaml", text)) == [
        ":1 [0].messages: found ['user', 'assistant']; expected a last turn of the user's."
    ]


@pytest.mark.parametrize(
    ("name", "n_questions"),
    [
        ("first_plot_questions", 41),
        ("preregistered_evals", 50),
        ("deception_factual", 7),
        ("deception_sit_aware", 8),
    ],
)
def test_canonical_file_is_read_whole(name, n_questions):
    """Question counts as in the recorded data's README."""
    path = RECORDED / "betley2025" / f"{name}.yaml"
    if not path.is_file():
        pytest.skip(f"no {path}; EM_BENCH_RECORDED names the folder that holds betley2025/")
    assert len(read_questions(path).questions) == n_questions
