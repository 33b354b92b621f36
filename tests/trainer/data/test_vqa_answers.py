"""VQA accuracy as published, against cases worked out by hand."""

import pytest
import torch

from trainer.data.exchange import QuestionRecord
from trainer.data.vqa_accuracy import (
    CONTRACTIONS,
    NONE,
    accuracy,
    human_tensors,
    normalise,
    vqa_accuracy,
)


def people(**said):
    """Ten answers, from how often each was given."""
    answers = [text.replace("_", " ") for text, count in said.items() for _ in range(count)]
    assert len(answers) == 10
    return answers


@pytest.mark.parametrize(
    ("agree", "expected"),
    [
        (0, 0.0),
        (1, 0.3),  # 9 of 10 subsets hold the one person: 9 * 1/3 / 10
        (2, 0.6),  # 8 subsets hold both, 2 hold one: (8 * 2/3 + 2 * 1/3) / 10
        (3, 0.9),  # 7 subsets hold three, 3 hold two: (7 + 3 * 2/3) / 10
        (4, 1.0),  # every subset holds at least three
        (10, 1.0),
    ],
)
def test_the_mean_over_the_ten_subsets(agree, expected):
    assert accuracy("cat", people(cat=agree, dog=10 - agree)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("The Cat", "cat"),
        ("an apple a day", "apple day"),
        ("two dogs", "2 dogs"),
        ("none", "0"),
        ("eleven", "eleven"),
        ("dont know", "don't know"),
        ("it isnt", "it isn't"),
        ("couldnt've", "couldn't've"),
        ("yes!", "yes "),  # the mark is not beside a space, so it becomes one
        ("black-white", "black white"),
        ("black - white", "black white"),
        ("blue, red", "blue red"),
        ("1,000", "1000"),
        ("1,000-ton", "1000ton"),  # a comma inside a number drops every mark
        ("3.5", "3.5"),
        ("p.m.", "pm"),
        ("5 ft.", "5 ft"),
        (" red\n", "red"),
        ("somebody'd", "somebodyd"),  # the published table has this one the wrong way round
        ("", ""),
    ],
)
def test_answers_are_normalised_as_published(raw, expected):
    assert normalise(raw) == expected.strip()


def test_every_contraction_differs_from_its_form_by_one_apostrophe():
    assert len(CONTRACTIONS) == 114
    for wrong, right in CONTRACTIONS.items():
        assert wrong.replace("'", "") == right.replace("'", "")
        assert abs(len(right) - len(wrong)) == 1


def test_where_people_disagree_spellings_that_mean_the_same_agree():
    assert accuracy("The 2 cats", people(two_cats=4, dogs=6)) == 1.0


def test_where_all_people_say_the_same_nothing_is_normalised():
    assert accuracy("2", people(two=10)) == 0.0
    assert accuracy("two", people(two=10)) == 1.0


def test_without_people_there_is_no_accuracy():
    with pytest.raises(ValueError, match="human answers"):
        accuracy("yes", [])


def test_tensors_hold_what_accuracy_says_for_every_answer():
    names = ["0", "2", "two", "yes", "yes!"]
    asked = [
        QuestionRecord(text="?", answer="two", relevance=(), answers=people(two=4, none=6)),
        QuestionRecord(text="?", answer="yes", relevance=(), answers=people(yes=10)),
        QuestionRecord(text="?", answer="maybe", relevance=(), answers=people(maybe=10)),
    ]
    tensors = human_tensors(asked, names, (3, 1))
    for number, name in enumerate(names):
        guess = torch.full((3, 1), number)
        found = vqa_accuracy(guess, tensors["human"], tensors["human_accuracy"]).flatten()
        assert found.tolist() == pytest.approx([accuracy(name, q.answers) for q in asked])
    assert (tensors["human"][2] == NONE).all()


def test_without_people_there_are_no_tensors():
    asked = [QuestionRecord(text="?", answer="yes", relevance=())]
    assert human_tensors(asked, ["yes"], (1, 1)) == {}
