"""Syncs that are cut off at any call, follow each other, or run at the same time, in seeded orders.

Whatever happened, an independent look at the destination has to find: nothing of somebody else's
touched, no manifest that names what is not there, nothing of ours that the next plan does not speak
of, and after syncs that all ended well exactly what one of them wanted. One more sync must converge.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from random import Random

import pytest
from destinations import BucketDestination, Destination, FolderDestination, service
from destinations import files as contents
from made import made
from size import SEED, size
from turns import Actor, in_some_order, play, wait_a_turn

from dagfactory.compiler.bundle.bundle import HEADER, MANIFEST, Bundle
from dagfactory.deploy.apply import plan_sync
from dagfactory.deploy.carry_out import Origin, Wanted, carry_out
from dagfactory.deploy.errors import RefusedError
from dagfactory.deploy.history import Version, digest
from dagfactory.deploy.plan import SyncPlan

LATE = "late.py"
"""What some bundles want and somebody may make by hand."""

BY_HAND = b"made by hand"
FOREIGN = {"airflow_monitoring.py": b"theirs", "notes.txt": b"theirs", "deep/er/dag.py": b"theirs"}
BELOW = {"team/dag.py": HEADER + b"of a destination below this one"}
STEPS = 40
"""About as many calls as a sync makes."""

BY = Origin("somebody", "a commit")

SAMPLE = {"folder": (40, 220), "bucket": (15, 25)}
FULL = (1000, 2000)
"""Schedules of syncs that follow each other, and of syncs at the same time."""

pytestmark = pytest.mark.timeout(size(600, 4 * 3600))


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("storage")
    return folder, service(folder), count()


@pytest.fixture(params=["folder", "bucket"])
def fresh(request, tmp_path, storage, monkeypatch):
    """Return the kind of destination, and what makes a fresh one with files of somebody else's."""
    monkeypatch.setenv("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
    monkeypatch.setattr("dagfactory.deploy.parallel.in_parallel", in_some_order)
    monkeypatch.setattr("dagfactory.deploy.waiting.pause", wait_a_turn)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)  # of the client library between tries
    # whoever looks twice takes a lock over, be its holder dead or slow: what keeps then are generations
    monkeypatch.setattr("dagfactory.deploy.stores._lease.TERM", 0.0)
    monkeypatch.setattr("dagfactory.deploy.history.KEPT", 3)

    @contextmanager
    def made_one() -> Iterator[Destination]:
        root, running, numbers = storage
        name = f"bucket-{next(numbers)}"
        if request.param == "folder":
            place: Destination = FolderDestination(tmp_path / name)
        else:
            place = BucketDestination(root / "gcs", name, running)
        for path, content in FOREIGN.items():
            place.put(path, content)
        below = place.store(below="team")
        below.write("dag.py", BELOW["team/dag.py"], generation=0)
        yield place
        shutil.rmtree(place.folder)

    return request.param, made_one


def some_bundle(random: Random) -> Bundle:
    names = random.sample(["etl", "train", "score", "late"], random.randint(1, 3))
    texts = {name: f"{HEADER.decode()}\n{random.choice('12')}" for name in names}
    return made(texts, runtime=random.choice("abc"), modules=1)


def syncing(place: Destination, bundle: Bundle, *, yes: bool) -> Callable[[Actor], str]:
    """Return the work of one process."""

    def work(actor: Actor) -> str:
        there, wanted = place.place(actor), Wanted(bundle, remove_left=yes)
        try:
            carry_out(wanted, wanted.plan(there.store), there, BY, confirmed=yes)
        except RefusedError:
            return "refused"
        return "ok"

    return work


def by_hand(place: Destination) -> Callable[[Actor], str]:
    """Return the work of a person who makes a file where there is none."""

    def work(_actor: Actor) -> str:
        there = place.files()
        if LATE not in there and LATE not in json.loads(there.get(MANIFEST, b"{}")).get(
            "files", {}
        ):
            place.put(LATE, BY_HAND)
        return "made"

    return work


def actor(place: Destination, bundle: Bundle, random: Random, *, cuts: float) -> Actor:
    cut = random.randint(1, STEPS) if random.random() < cuts else None
    own = Random(random.random())  # noqa: S311 - reproducible, not secret
    weather = random.choice((0.0, 0.0, 0.1, 0.4))
    return Actor(syncing(place, bundle, yes=random.random() < 0.2), own, cut, weather)


def person(place: Destination, random: Random) -> list[Actor]:
    return [Actor(by_hand(place), random)] if random.random() < 0.15 else []


def sequential(place: Destination, random: Random, counts: Counter[str]) -> None:
    """Let syncs follow each other, reverts among them, some of them cut off."""
    bundles = [some_bundle(random) for _ in range(random.randint(2, 3))]
    for _ in range(random.randint(2, 5)):
        bundle = random.choice(bundles)
        outcomes = play([actor(place, bundle, random, cuts=0.4)], random)
        counts.update(outcomes)
        play(person(place, random), random)
        look(place, bundles, [bundle] if outcomes == ["ok"] else [], Counter(outcomes))
    converges(place, bundles)


def concurrent(place: Destination, random: Random, counts: Counter[str]) -> None:
    """Let two or three syncs run at the same time, often after one that was cut off."""
    bundles = [some_bundle(random) for _ in range(random.randint(2, 3))]
    for _ in range(random.randint(0, 2)):
        play([actor(place, random.choice(bundles), random, cuts=0.3)], random)
    wanted = random.choices(bundles, k=random.randint(2, 3))
    together = [actor(place, each, random, cuts=0.1) for each in wanted]
    outcomes = play([*together, *person(place, random)], random)
    counts.update(outcomes)
    look(place, bundles, wanted, Counter(outcomes))
    converges(place, bundles)


def look(
    place: Destination, bundles: list[Bundle], wanted: list[Bundle], outcomes: Counter[str]
) -> None:
    """Look at a destination without any code of sync but its plan."""
    files = place.files()
    assert untouched(files), "a file of somebody else's was touched"
    named = json.loads(files.get(MANIFEST, b'{"files": {}}'))["files"]
    assert not named.keys() - files.keys(), "the manifest names what is not there"
    assert whole(place, files.get(MANIFEST)), (
        "a version is not whole, or the one in force is missing"
    )
    ours = {path for path, content in files.items() if (path, content) in place.written}
    for bundle in bundles:
        unsaid = ours - named.keys() - {MANIFEST} - spoken_of(plan_sync(bundle, place.store()))
        assert not unsaid - bundle.files.keys(), "no manifest and no plan names a file of ours"
    if not outcomes["cut"] and not outcomes["refused"]:
        assert any(holds(files, bundle) for bundle in wanted), "all ended well, and it is wrong"


def whole(place: Destination, manifest: bytes | None) -> bool:
    """Say whether all versions have their files, and what is in force is one of them."""
    past = contents(place.past)
    versions = [
        Version.model_validate_json(content)
        for path, content in past.items()
        if path.startswith("versions/")
    ]
    named = {name for version in versions for name in version.files.values()}
    return all(digest(past.get(f"blobs/{name}")) == name for name in named) and (
        manifest is None or digest(manifest) in {each.manifest for each in versions}
    )


def untouched(files: dict[str, bytes]) -> bool:
    theirs = FOREIGN | BELOW
    return {path: files.get(path) for path in theirs} == theirs


def spoken_of(plan: SyncPlan) -> set[str]:
    return {each.path for each in (*plan.writes, *plan.deletes, *plan.left)}


def holds(files: dict[str, bytes], bundle: Bundle) -> bool:
    """Say whether a destination holds a bundle, and a manifest that is right about all it names."""
    manifest = json.loads(files.get(MANIFEST, b"{}"))
    sums = {path: hashlib.sha256(files[path]).hexdigest() for path in manifest.get("files", {})}
    return (
        manifest.get("pipelines") == json.loads(bundle.manifest)["pipelines"]
        and sums == {path: each["sha256"] for path, each in manifest["files"].items()}
        and all(files.get(path) == bundle.files[path] for path in bundle.files if path != MANIFEST)
    )


def converges(place: Destination, bundles: list[Bundle]) -> None:
    """Sync once more, without and with agreement to deletions."""
    hand = place.files().get(LATE) == BY_HAND
    bundle = next((each for each in bundles if not (hand and LATE in each.files)), made({"x": "1"}))
    for yes in (False, True):
        store = place.store()
        outcome = play([Actor(syncing(place, bundle, yes=yes), Random(1))], Random(1))  # noqa: S311
        files = place.files()
        assert outcome == ["ok"], "one more sync is refused"
        assert untouched(files), "a file of somebody else's was touched"
        assert holds(files, bundle), "one more sync does not converge"
        assert not plan_sync(bundle, store, remove_left=yes), "one more sync does not finish"
    theirs = {*FOREIGN, *BELOW, *([LATE] if hand else [])}
    named = json.loads(files[MANIFEST])["files"]
    assert set(files) == {MANIFEST, *named, *theirs}, "one more sync leaves a file of ours"
    assert not hand or files[LATE] == BY_HAND, "a file that was made by hand was touched"


def explore(fresh, one, at: int) -> None:
    """Play schedules, each from a seed of its own; all of those that fail are named."""
    kind, make = fresh
    counts: Counter[str] = Counter()
    wrong: dict[str, list[int]] = {}
    number = size(SAMPLE[kind][at], FULL[at])
    for seed in range(SEED, SEED + number):
        with make() as place:
            try:
                one(place, Random(seed), counts)  # noqa: S311 - reproducible, not secret
            except AssertionError as error:
                wrong.setdefault(str(error).splitlines()[0], []).append(seed)
    ends = ", ".join(f"{counts[end]} {end}" for end in ("ok", "refused", "cut"))
    found = sum(map(len, wrong.values()))
    print(f"{kind}, {one.__name__}: {number} schedules, {ends}; {found} wrong")  # noqa: T201
    assert not wrong


def test_syncs_that_follow_each_other(fresh):
    explore(fresh, sequential, 0)


def test_syncs_at_the_same_time(fresh):
    explore(fresh, concurrent, 1)


def rivals(place: Destination, random: Random, counts: Counter[str]) -> None:
    """Let two processes carry out plans that were both made before."""
    bundles = [made({"etl": HEADER.decode() + which}, runtime=which, modules=1) for which in "ab"]
    place.written.clear()
    plans = [Wanted(each).plan(place.store()) for each in bundles]

    def work(bundle: Bundle, planned: SyncPlan) -> Callable[[Actor], str]:
        def carry(actor: Actor) -> str:
            try:
                carry_out(Wanted(bundle), planned, place.place(actor), BY)
            except RefusedError:
                return "refused"
            return "ok"

        return carry

    makers = zip(bundles, plans, strict=True)
    outcomes = play([Actor(work(*each), Random(random.random())) for each in makers], random)  # noqa: S311
    counts.update(outcomes)
    assert sorted(outcomes) == ["ok", "refused"], "not exactly one of two wins"
    winner = bundles[outcomes.index("ok")].files
    others = [path for path, content in place.written if winner.get(path) != content]
    assert not others, "the one that was refused has written"


def test_of_two_plans_that_were_made_before_one_wins(fresh, monkeypatch):
    monkeypatch.setattr("dagfactory.deploy.stores._lease.TERM", 1e9)  # nobody stalls here
    explore(fresh, rivals, 0)
