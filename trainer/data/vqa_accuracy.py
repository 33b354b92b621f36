"""VQA accuracy as published: normalised answers, compared with what ten people said.

Source: Antol et al., "VQA: Visual Question Answering" (ICCV 2015), and the evaluation that its
authors published with the data sets (github.com/GT-Vision-Lab/VQA), whose oddities are kept:
figures would not be comparable without them.
"""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from trainer.data.exchange import QuestionRecord

NONE = -2  # no answer; -1 is already an answer that the vocabulary lacks
ENOUGH = 3  # people who have to agree for full marks
ARTICLES = frozenset({"a", "an", "the"})
NUMBERS = {
    "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
}  # fmt: skip
PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
FORMS = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't
haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've
might've mustn't must've needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've
shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll
someone's something'd something'd've something'll that's there'd there'd've there're there's
they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's
what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's
won't would've wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""
_COMMA_IN_NUMBER = re.compile(r"\d,\d")
_PERIOD = re.compile(r"\.(?!\d)")


def _without_one_apostrophe() -> dict[str, str]:
    """Every form with one apostrophe missing, and the one entry of the published table turned round."""
    found = {}
    for form in FORMS.split():
        for place, letter in enumerate(form):
            if letter == "'":
                found[form[:place] + form[place + 1 :]] = form
    return found | {"somebody'd": "somebodyd"}


CONTRACTIONS = _without_one_apostrophe()


def normalise(answer: str) -> str:
    """Answer in the form in which answers are compared: lower case, digits, no articles."""
    return _words(_punctuation(_clean(answer)))


def _clean(answer: str) -> str:
    return answer.replace("\n", " ").replace("\t", " ").strip()


def _punctuation(text: str) -> str:
    """Drop marks beside a space, turn others into one; in a text with 1,000 drop them all.

    Periods that no digit follows go, all others stay.
    """
    number = _COMMA_IN_NUMBER.search(text) is not None
    out = text
    for mark in PUNCTUATION:
        dropped = number or f"{mark} " in text or f" {mark}" in text
        out = out.replace(mark, "" if dropped else " ")
    return _PERIOD.sub("", out)


def _words(text: str) -> str:
    """Write number words as digits, drop articles, put apostrophes where they belong."""
    digits = (NUMBERS.get(word, word) for word in text.lower().split())
    return " ".join(CONTRACTIONS.get(word, word) for word in digits if word not in ARTICLES)


def accuracy(answer: str, human: Sequence[str]) -> float:
    """VQA accuracy of one answer, in [0, 1].

    The mean, over the subsets that leave out one of the answers people gave (ten of nine), of
    min(number of equal answers / 3, 1). As published, answers are normalised only where people
    disagree. Raises ValueError without any human answer.
    """
    if not human:
        raise ValueError("an answer cannot be judged without human answers")
    given, said = _clean(answer), [_clean(each) for each in human]
    if len(set(said)) > 1:
        given, said = normalise(given), [normalise(each) for each in said]
    agree = [each == given for each in said]
    total = sum(agree)
    return sum(min((total - one) / ENOUGH, 1.0) for one in agree) / len(agree)


def human_tensors(
    asked: Sequence[QuestionRecord], names: Sequence[str], shape: tuple[int, int]
) -> dict[str, Tensor]:
    """Which answers of the vocabulary earn something, and how much: i32 and f32 [n, q, h].

    `human` holds their numbers, NONE where a question has no more; `human_accuracy` the VQA
    accuracy of each. Where nobody was asked, both are left out.
    """
    if not any(question.answers for question in asked):
        return {}
    alike: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        alike.setdefault(normalise(name), []).append(number)
    rows = [_earning(question.answers, names, alike) for question in asked]
    most = max(1, *map(len, rows))
    numbers = [[*row, *[NONE] * (most - len(row))] for row in rows]
    values = [[*row.values(), *[0.0] * (most - len(row))] for row in rows]
    return {
        "human": torch.tensor(numbers, dtype=torch.int32).view(*shape, most),
        "human_accuracy": torch.tensor(values).view(*shape, most),
    }


def _earning(
    said: Sequence[str], names: Sequence[str], alike: dict[str, list[int]]
) -> dict[int, float]:
    """Return `{number of an answer: its VQA accuracy}` of one question."""
    numbers = {number for each in said for number in alike.get(normalise(each), ())}
    return {number: accuracy(names[number], said) for number in sorted(numbers)}


def vqa_accuracy(guess: Tensor, human: Tensor, earned: Tensor) -> Tensor:
    """VQA accuracy [B, Q] of guesses [B, Q], given what earns how much [B, Q, h]."""
    return (earned * (human == guess[..., None])).sum(-1)
