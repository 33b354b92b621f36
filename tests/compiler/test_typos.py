"""Single-character typos in every key and every choice: the first suggestion is what was meant."""

import random
from collections import Counter
from string import ascii_lowercase

import damage
import pytest
from size import SEED, sampled, size

COUNT = size(500, 2500)
BAR = 0.95
NONSENSE = "qxqxqx"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return damage.Bench(tmp_path_factory.mktemp("typos"))


def named(found, typo, codes):
    return next(
        (each for each in found if each.code in codes and f"`{typo}`" in each.message), None
    )


KEY, CHOICE = {"DF120"}, {"DF124", "DF125"}


def words(document, bench):
    """Yield every place whose key, or whose value, the language fixes: where nonsense is noticed as such."""
    for path in damage.places(document):
        key, value = path[-1], damage.at(document, path)
        if isinstance(key, str) and len(key) >= 3:
            mutant = damage.renamed(document, path, NONSENSE)
            if mutant and named(bench.front(mutant), NONSENSE, KEY):
                yield path, key, KEY
        if isinstance(value, str) and 3 <= len(value) <= 40:
            mutant = damage.replaced(document, path, NONSENSE)
            if named(bench.front(mutant), NONSENSE, CHOICE):
                yield path, value, CHOICE


def typo(word, draw):
    """Return the word with one letter inserted, deleted, replaced, or swapped with the next."""
    at = draw.randrange(len(word))
    letter = draw.choice(ascii_lowercase)
    match draw.randrange(4):
        case 0:
            return word[:at] + letter + word[at:]
        case 1:
            return word[:at] + word[at + 1 :]
        case 2:
            return word[:at] + letter + word[at + 1 :]
    at = draw.randrange(len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def mutants(bench, draw):
    """Yield documents with one typo each, drawn over all fixed words of all documents."""
    documents = sampled(list(damage.documents(("language",)).values()), 15)
    everything = [(each, *word) for each in documents for word in words(each, bench)]
    while True:
        document, path, word, codes = draw.choice(everything)
        wrong = typo(word, draw)
        if wrong == word:
            continue
        change = damage.renamed if codes == KEY else damage.replaced
        mutant = change(document, path, wrong)
        if mutant is not None:
            yield mutant, word, wrong, codes


def test_the_first_suggestion_is_what_was_meant(bench, record_property):
    draw = random.Random(SEED)  # noqa: S311 - reproducible, not secret
    total, right, missed = 0, 0, Counter()
    for mutant, word, wrong, codes in mutants(bench, draw):
        found = bench.front(mutant)
        if not found:
            continue  # the typo is another word of the language
        total += 1
        finding = named(found, wrong, codes)
        if finding and (finding.help or "").startswith(f"did you mean `{word}`"):
            right += 1
        else:
            missed[word, wrong, str(finding and finding.help)[:60]] += 1
        if total == COUNT:
            break
    print(f"{right} of {total} typos: {right / total:.1%} right")  # noqa: T201 - the figure
    record_property("right", right / total)
    assert right / total >= BAR, missed.most_common(20)
