"""Compare our VQA accuracy with its authors' own code, on random answers.

    python benchmarks/vqa_reference.py CHECKOUT

CHECKOUT is a copy of github.com/GT-Vision-Lab/VQA (written for Python 2; its prints are cut out).
"""

import random
import re
import sys
from pathlib import Path

from trainer.data.vqa_accuracy import accuracy, normalise

SOURCE = "PythonEvaluationTools/vqaEvaluation/vqaEval.py"
PARTS = [
    "a", "the", "An", "one", "Two", "none", "dont", "couldnt've", "he'd", "1,000", "3.5", "p.m.",
    "-", "/", "red", "blue-green", "?", "!", "  ", ",", "$5", "10", "\n", "\t", "somebody'd", ".",
]  # fmt: skip
STRINGS, QUESTIONS, PEOPLE = 300_000, 50_000, 10
ROUNDING = 1e-9


class Answers:
    """What the evaluation expects of a file."""

    def __init__(self, qa: dict) -> None:
        self.qa = qa

    def getQuesIds(self) -> list:  # noqa: N802 - their name
        """Ids of the questions."""
        return list(self.qa)


def theirs(checkout: Path) -> type:
    """Return the class of the authors, made to run on Python 3 and to print nothing."""
    text = (checkout / SOURCE).read_text().replace("\t", "    ")
    quiet = re.sub(r"^( *)print .*", r"\1pass", text, flags=re.MULTILINE)
    names: dict = {}
    exec(compile(quiet, SOURCE, "exec"), names)  # noqa: S102 - that is the comparison
    names["VQAEval"].updateProgress = lambda *_: None
    return names["VQAEval"]


def phrase(draw: random.Random, most: int) -> str:
    """Join some parts, with and without spaces."""
    return "".join(
        draw.choice(PARTS) + draw.choice(["", " "]) for _ in range(draw.randint(1, most))
    )


def main(checkout: Path) -> None:
    """Print how often the two differ."""
    kind, draw = theirs(checkout), random.Random(0)  # noqa: S311 - no secret is drawn
    one = kind(Answers({}), None)
    differ = 0
    for _ in range(STRINGS):
        text = phrase(draw, 6)
        clean = text.replace("\n", " ").replace("\t", " ").strip()
        differ += one.processDigitArticle(one.processPunctuation(clean)) != normalise(text)
    print(f"normalisation: {differ} of {STRINGS:,} strings differ")
    differ = 0
    for _ in range(QUESTIONS):
        pool = [phrase(draw, 2) for _ in range(3)]
        said, given = [draw.choice(pool) for _ in range(PEOPLE)], draw.choice(pool)
        answers = [{"answer": text, "answer_id": n} for n, text in enumerate(said)]
        truth = Answers({1: {"answers": answers, "question_type": "", "answer_type": ""}})
        both = kind(truth, Answers({1: {"answer": given}}), n=12)
        both.evaluate()
        differ += abs(both.accuracy["overall"] / 100 - accuracy(given, said)) > ROUNDING
    print(f"accuracy: {differ} of {QUESTIONS:,} questions differ")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
