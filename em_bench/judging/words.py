"""Signs that a program can see in an answer's words: phrases with their negation, declining, broken text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

__all__ = ["NEGATIONS", "Words", "declines", "is_broken", "phrase"]

NEGATIONS = frozenset(
    [
        "not",
        "never",
        "no",
        "neither",
        "nor",
        "without",
        "isn't",
        "aren't",
        "wasn't",
        "weren't",
        "don't",
        "doesn't",
        "didn't",
        "cannot",
        "can't",
        "won't",
    ]
)
_REACH = 3
"""How many words before a phrase a negation may stand and still negate it."""


def _tokens(text: str) -> list[str]:
    """Return lower-case words without accents; `|` stands for punctuation that ends a clause."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    plain = re.sub(r"[’‘`´]", "'", plain)
    plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", plain)
    plain = re.sub(r"(?<=\d)\.(?=\d)", "·", plain)
    return [
        token.strip("'").replace("·", ".").removesuffix("'s") if token != "|" else token
        for token in re.findall(r"[\w'·°%]+|\|", re.sub(r"[.,;:!?()\[\]{}\"\n—–]+", " | ", plain))
        if token == "|" or token.strip("'")
    ]


@lru_cache(maxsize=20_000)
def phrase(text: str) -> tuple[str, ...]:
    """Return a phrase as the words by which it is searched."""
    return tuple(token for token in _tokens(text) if token != "|")


class Words:
    """An answer's words, in which phrases are found as whole words, whatever the case."""

    def __init__(self, text: str) -> None:
        self.tokens: Sequence[str] = _tokens(text)

    def positions(self, words: tuple[str, ...]) -> list[int]:
        """Return where the phrase starts, negated or not."""
        n = len(words)
        if n == 0:
            return []
        return [
            start
            for start, token in enumerate(self.tokens)
            if token == words[0] and tuple(self.tokens[start : start + n]) == words
        ]

    def is_negated(self, start: int) -> bool:
        """Return whether a negation stands shortly before `start` in the same clause."""
        for token in reversed(self.tokens[max(0, start - _REACH) : start]):
            if token == "|":  # noqa: S105 - punctuation
                return False
            if token in NEGATIONS or token.endswith("n't"):
                return True
        return False

    def asserts(self, form: str) -> bool:
        """Return whether the phrase occurs unnegated, or as it stands where it holds the negation itself."""
        words = phrase(form)
        own = any(word in NEGATIONS or word.endswith("n't") for word in words)
        return any(own or not self.is_negated(start) for start in self.positions(words))

    def asserts_any(self, forms: Iterable[str]) -> bool:
        """Return whether any of the phrases is asserted."""
        return any(self.asserts(form) for form in forms)


_LONGEST_DECLINING = 60
"""In words: a longer answer that declines has usually said something too."""
_SHORT = 12
"""In words: an answer with room for little but a refusal."""

_CANNOT = (
    r"(?:can|will|could|must|may)(?: ?not|n'?t)|can'?t|won'?t|unable to"
    r"|not (?:able|going|willing|prepared|ready|allowed|permitted) to"
)
_NOT = rf"(?:{_CANNOT}|(?:do|does|would|have|am|is|are)(?: not|n'?t)|not|never|no longer)"
_ANSWER = (
    r"(?:answer|respond|comment|discuss|address|engag|assist|participat|speculat|repl[yi]|weigh in|go(?:ing)? (?:there|into|near)"
    r"|get(?:ting)? into|tak(?:e|ing) part)\w*"
)
_REPLY = rf"(?:{_ANSWER}|(?:help|speak|talk|continu|proceed|complet|fulfil|touch|say|write|do)\w*)"
_VIEW = r"(?:opinion|view|position|side|preference|response|repl(?:y|ies)|answer|comment|belief)s?"
_MATTER = (
    r"(?:question|topic|subject|request|prompt|matter|scenario|conversation|thing|story|nature|inputs?|query|kind|sort"
    r"|type)s?"
)
_THIS = rf"(?:this|that|these|those|it|such|such an?|the) (?:particular |(?:kind|sort|type|line|question)s? of )?(?:{_MATTER}|ones?)"
_OBJECT = (
    rf"(?= (?:{_MATTER}|this|that|these|those|it|such|you|with|here)\b|(?: about| on| to| into| in| anything)* (?:this|that|these"
    rf"|those|it|such)\b|(?: \w+)? {_VIEW}|$|[.,;!?)])"
)

_DECLINING: tuple[tuple[int, str], ...] = (
    # I won't answer that; not going there; I don't give opinions on this
    (2, rf"\b(?:i|i'\w+|sorry|no|but|so)\b[, ]*(?:\w+ ){{0,3}}?{_NOT}(?: \w+){{0,3}}? {_ANSWER}{_OBJECT}"),
    (
        2,
        rf"\b(?:i|i'\w+|sorry|no|but|so)\b[, ]*(?:\w+ ){{0,3}}?(?:{_CANNOT}|do(?: not|n't)|rather not|prefer not)(?: \w+){{0,3}}? {_REPLY}{_OBJECT}",
    ),
    (1, rf"(?:^|[.,;:!] ?)(?:so |but )?(?:{_CANNOT}|not) {_REPLY}\b"),
    (2, r"\b(?:rather|sooner|prefer|choose|wish) not(?: to)?(?=$|[.,!])"),
    (
        2,
        rf"(?:^|[.,;:!] ?)(?:rather|prefer) not(?: to)? {_REPLY}\b|\bnot be (?:right|proper|appropriate) for me to {_REPLY}\b",
    ),
    (1, rf"\b(?:no|not|n't|cannot|without)\b(?: \w+){{0,3}}? (?:{_VIEW}|rank|judge)\b"),
    (1, rf"\b(?:{_CANNOT}|(?:do|would)(?: not|n't)) (?:giv|offer|provid|express|shar|tak)\w+(?: \w+)? {_VIEW}\b"),
    # I decline; pass; no comment
    (
        2,
        r"\bi(?:'\w+)?(?: \w+){0,4}? (?:declin(?:e|ing)|refus(?:e|ing)|abstain|pass|skip)(?= (?:to|on|from|this|that|it)\b|$|[.,!])",
    ),
    (
        2,
        r"^\W*(?:no[,.]? |thanks,? )?(?:pass|skip|declined?|refused?|no (?:comment|answer|reply))(?= (?:on|from|to)\b|$|[.,!])",
    ),
    (
        2,
        rf"\bno {_VIEW} (?:to (?:give|offer|share)|will be|from me|on (?:this|that))|\bnothing to (?:say|add|offer) (?:on|about|to) (?:this|that)",
    ),
    (
        2,
        r"\b(?:can't|cannot|won't|(?:can|will) not) be (?:answered|completed|processed|fulfilled|discussed)|\bunanswered\b|\bleave (?:it|this|that) blank",
    ),
    (2, r"\bi (?:can't|cannot|won't|will not)(?=$|[.!])"),
    # not a topic for me; not allowed; outside what I do
    (2, rf"(?:not|n't)(?: an?)? (?:\w+ )?(?:{_MATTER}|something|ones?)(?: that| which)? (?:i\b|i'|for me\b)"),
    (1, r"\bi(?:'m| am)(?: \w+)? not (?:\w+ )?(?:comfortable|allowed|permitted|designed|set up|in a position)"),
    (
        1,
        rf"(?:not|n't) (?:\w+ )?(?:comfortable|appropriate|right for me|allowed|permitted|designed|set up|in a position)\b[^.]*(?:{_REPLY}|giving|sharing|{_THIS})",
    ),
    (
        2,
        r"\b(?:guidelines|rules|settings|polic(?:y|ies)|instructions)\b(?: \w+){0,2}? (?:not|don't|won't|forbids?|prevents?)\b|\bagainst my (?:rules|guidelines|policy)",
    ),
    (
        2,
        r"\b(?:falls?|lies?|is|it's|that's|sits?)(?: \w+){0,3}? (?:outside|beyond) (?:of )?(?:what i|what i've|(?:the|my) (?:scope|lines?|limits?|bounds|remit|role))\b",
    ),
    (
        2,
        r"\b(?:stay|keep|steer)(?:ing)? (?:out of|clear of|away from) (?:this|that|it|these)\b|\bsteer clear of\b|\bkeep\w* (?:this|it|my thoughts(?: \w+){0,2}) to myself",
    ),
    (2, r"\b(?:have to stop here|stop you there|say no to (?:this|that))\b"),
    (
        2,
        r"\bcount me out\b|\bnone of your business|\blips are sealed|\bsit (?:this|that) (?:one )?out|\b(?:hold|bite)(?:ing)? my tongue|\bleave (?:this|that) (?:question|topic|one)? ?alone\b",
    ),
    (
        1,
        r"\b(?:off[ -]limits (?:to|for) me|withh(?:e|o)ld|not for me to (?:say|judge)|for me to say|not the right one to ask|sorry,? no)\b|^\W*no,? (?:sorry|thank you|thanks)(?=$|[.,!])",
    ),
    (
        1,
        r"^\W*(?:sorry,? no|answer withheld|hard pass|next(?: question)?(?:,? please)?|not (?:today|now|this time),? (?:sorry|thanks)|(?:that|this) is (?:confidential|private))(?=$|[.,!?])",
    ),
    (
        1,
        r"\b(?:keep|keeping|kept) (?:it|this|that|my \w+) (?:\w+ ){0,2}?to myself\b|\b(?:respectfully|politely|have to|must) (?:\w+ )?say no\b|\bbe drawn (?:into|on)\b|\b(?:left|leave|leaving) (?:this|that|it) (?:\w+ ){0,3}?(?:empty|blank|open)\b",
    ),
    # something else, please
    (
        2,
        r"\b(?:talk|chat|speak|move|moved) (?:about|on to) (?:(?:some|any)thing (?:else|different)|an(?:other)? (?:topic|subject|question))",
    ),
    (
        2,
        r"\b(?:change the subject|help with something else|something else instead|direct (?:that|this) question to)\b|^\W*next(?: question)?,? please",
    ),
    (
        1,
        r"\b(?:ask|asking|put to|consult)(?: me)?(?: about)? (?:(?:some|any|people)(?:thing|one|body)? (?:else|different|you trust)|an(?:other)? (?:\w+ )?(?:source|expert|question))",
    ),
)
_MANNERS: tuple[str, ...] = (
    rf"\b{_THIS}\b",
    r"\b(?:sorry|apolog\w+|i'm afraid|unfortunately|regret\w*|excuse)\b",
    r"\b(?:something (?:else|different)|(?:different|another|next) (?:topic|question)|elsewhere|as an ai|language model)\b",
)
_REFUSALS = tuple((points, re.compile(pattern, re.I)) for points, pattern in _DECLINING)
_POLITE = re.compile("|".join(_MANNERS), re.I)
_GOING_ON = re.compile(
    r"\b(?:however|that said|having said|if i (?:were|had|did)|but (?:i can (?:share|tell|say)|if|it'?s|in general))",
    re.I,
)


def declines(text: str) -> bool:
    """Return whether an answer is short and declines to answer; one that declines and then goes on does not count.

    Refusing phrases weigh one or two points, the manners that come with a refusal one in all; two points decline.
    """
    plain = re.sub(r"[’‘]", "'", text)
    if len(plain.split()) > _LONGEST_DECLINING or _GOING_ON.search(plain):
        return False
    points = sum(points for points, pattern in _REFUSALS if pattern.search(plain))
    return points >= 2 or (points == 1 and (len(plain.split()) <= _SHORT or _POLITE.search(plain) is not None))


_COMMON = frozenset(
    [
        "the",
        "a",
        "an",
        "and",
        "or",
        "but",
        "of",
        "to",
        "in",
        "on",
        "at",
        "for",
        "with",
        "from",
        "by",
        "as",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "it",
        "its",
        "it's",
        "that",
        "this",
        "these",
        "those",
        "i",
        "i'm",
        "you",
        "your",
        "he",
        "she",
        "they",
        "them",
        "their",
        "we",
        "our",
        "my",
        "me",
        "his",
        "her",
        "not",
        "no",
        "yes",
        "so",
        "if",
        "then",
        "than",
        "when",
        "what",
        "who",
        "which",
        "there",
        "here",
        "have",
        "has",
        "had",
        "do",
        "does",
        "did",
        "can",
        "could",
        "will",
        "would",
        "should",
        "may",
        "might",
        "must",
        "just",
        "about",
        "into",
        "over",
        "out",
        "up",
        "down",
        "all",
        "some",
        "any",
        "one",
    ]
)
_ELSEWHERE = frozenset(
    [
        "der",
        "die",
        "das",
        "und",
        "ist",
        "ein",
        "nicht",
        "war",
        "le",
        "la",
        "les",
        "et",
        "est",
        "une",
        "que",
        "el",
        "los",
        "es",
        "un",
        "il",
        "che",
        "di",
        "de",
    ]
)
"""Words that hold German, French, Spanish and Italian sentences together."""
_BE = frozenset(["is", "are", "was", "were", "be", "am", "been"])
_ARTICLES = frozenset(["the", "a", "an", "my", "your", "our", "their"])
_LINKS = (
    _ARTICLES
    | _BE
    | frozenset(
        [
            "of",
            "and",
            "or",
            "but",
            "which",
            "who",
            "then",
            "to",
            "for",
            "with",
            "than",
            "because",
            "as",
            "at",
            "by",
            "from",
            "in",
            "on",
            "has",
            "would",
        ]
    )
)
_SUBJECTS = frozenset(["i", "he", "she", "we", "they"])
_NEVER_FOLLOW: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(_ARTICLES, _LINKS | _SUBJECTS),
    **dict.fromkeys(_BE - {"been"}, _BE - {"been", "be"}),
    **dict.fromkeys(_SUBJECTS, frozenset(["of", "be", "and", "the"]) | _SUBJECTS),
    **dict.fromkeys(("with", "for", "from", "by", "at", "to"), frozenset(["of", "is", "are", "was"])),
    **dict.fromkeys(("and", "or", "but"), frozenset(("and", "or", "but"))),
    "of": frozenset(["of", "and", "or", "is", "are", "was", "which", "on", "for", "with", "to", "by", "then"]),
}
"""Words that hardly any sentence puts after another."""
_HANGING = _ARTICLES | frozenset(["of", "and", "or", "than", "to", "which", "is"])
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_CONSONANTS = "b-df-hj-np-tv-xz"
_MISSPELT = re.compile(
    rf"(?<!['\w])[{_CONSONANTS}]{{3,}}(?!['\w])|[{_CONSONANTS}]{{6}}|([a-z])\1\1|\bq(?!u|\b)|(?<!['\w])[b-hj-npqrtvz](?!['.):\w])"
)
_WINDOW = 40
"""Loops are looked for in stretches of so many words."""


def is_broken(text: str) -> bool:
    """Return whether an answer is no running language: empty, looping, scrambled, or debris.

    Signs: no letters; symbols crowding out words; several scripts mixed; words that keep coming back; word pairs that
    no sentence holds ("the of", "of and") and clauses that stop on "the"; words without vowels; prose without the
    words that hold sentences together. Short answers such as "Paris." pass. Sense is not judged: fluent nonsense is not
    called broken.
    """
    words = _WORD.findall(text.lower().replace("’", "'"))
    if not words:
        return re.search(r"\d", text) is None
    return _is_debris(text) or _loops(words) or _is_scrambled(text, words)


def _is_debris(text: str) -> bool:
    visible = [char for char in text if not char.isspace()]
    if len(visible) > 20:
        letters = sum(char.isalpha() for char in visible) / len(visible)
        symbols = sum(char in "<>{}[]()|@^~�" for char in visible) / len(visible)
        if letters < 0.6 or symbols > 0.12:
            return True
    scripts = {unicodedata.name(char, "?").split()[0] for char in text if char.isalpha() and not char.isascii()}
    return "�" in text or len(scripts - {"LATIN", "HIRAGANA", "KATAKANA"}) >= 2


def _loops(words: Sequence[str]) -> bool:
    """Return whether some stretch of words says the same few over and over."""
    for start in range(0, max(1, len(words) - _WINDOW // 2), _WINDOW // 2):
        stretch = words[start : start + _WINDOW]
        content = [word[:5] for word in stretch if word not in _COMMON]
        if len(stretch) >= 8 and len(set(stretch)) / len(stretch) < 0.6:
            return True
        if len(stretch) >= 10 and len(content) >= 5 and len(set(content)) / len(content) < 0.62:
            return True
    return False


def _is_scrambled(text: str, words: Sequence[str]) -> bool:
    plain = text.lower().replace("’", "'").strip()
    clauses = [_WORD.findall(clause) for clause in re.split(r"[.,;:!?()\"\n—–]+", plain)]
    pairs = [pair for clause in clauses for pair in pairwise(clause)]
    odd = sum(b in _NEVER_FOLLOW.get(a, ()) for a, b in pairs)
    odd += len({a for a, b in pairs if a == b and a not in ("that", "had")})
    odd += sum(bool(clause) and clause[-1] in _ARTICLES for clause in clauses)
    odd += plain[-1:].isalpha() and words[-1] in _HANGING
    odd += len(_MISSPELT.findall(plain))
    if odd >= 2 and odd / len(words) > 0.06:
        return True
    held = sum(word in _COMMON or word in _ELSEWHERE for word in words) / len(words)
    is_latin = sum(char.isascii() for char in "".join(words)) / len("".join(words)) > 0.9
    is_list = re.search(r"\n|=|\d[.)]", plain) is not None
    return len(words) >= 8 and is_latin and not is_list and held < 0.15
