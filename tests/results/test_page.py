"""The page in a real browser without a network: it is quiet, inert, quick, and its brushes filter."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import browser
import pytest
from run_folders import RunFolder, drawn_trials

from dagfactory.results.gather import gather
from dagfactory.results.html import embedded, html
from dagfactory.results.model import Job, Run, Task

NOWHERE = Path("/nonexistent")
BAD = [
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<!--<script>",
    "javascript:document.title='owned'",
    "]]>&lt;b&gt;\u2028\u2029\u202e\x00",
    "@@script@@",
    "\ud800",
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    with browser.browser(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture
def written(folder: RunFolder, tmp_path: Path) -> Callable[[], Path]:
    """A function that writes the page of the folder and returns its path."""

    def write() -> Path:
        path = tmp_path / "page.html"
        path.write_text(html([gather(str(folder.path), NOWHERE)]), encoding="utf-8")
        return path

    return write


def shown_trials(page: browser.Page) -> list[str]:
    script = "[...document.querySelectorAll('#trials tbody tr')].filter(r => !r.hidden)"
    return list(page.value(f"{script}.map(r => r.dataset.trial)"))


def is_quiet(page: browser.Page) -> bool:
    asked = [each for each in page.requests if not each.startswith(("file:", "data:"))]
    return page.complaints == [] and asked == []


def place(value: float | None, values: list[float], *, log: bool) -> float | None:
    """Where a value stands on its axis, from 0 at the bottom to 1; None without a value."""
    if value is None:
        return None
    through = math.log if log else float
    low, high = through(min(values)), through(max(values))
    return (through(value) - low) / (high - low)


# The axis of 228 units, with 8 above and 26 below it, in the box that takes the pointer.
ABOVE, AXIS, BELOW = 8, 228, 26


BRUSHES = [
    ("learning_rate", True, 0.2, 0.55),
    ("width", False, 0.49, 1.2),
    ("accuracy", False, 0.7, 1.2),
]
"""An axis, whether it is logarithmic, and the ends of the brush as places on it."""


@browser.needed
@pytest.mark.parametrize("brush", BRUSHES, ids=lambda brush: brush[0])
def test_a_brush_keeps_what_a_filter_in_python_keeps(
    page: browser.Page, folder: RunFolder, written: Any, brush: tuple[str, bool, float, float]
) -> None:
    axis, log, low, high = brush
    trials = drawn_trials(120)
    folder.sweep("search", trials)
    page.open(written())

    def value(trial: dict[str, Any]) -> float | None:
        found = trial["value"] if axis == "accuracy" else trial["parameters"][axis]
        return None if found is None else float(found)

    values = [each for each in map(value, trials) if each is not None]
    box = page.box(f"[data-axis='{axis}']")
    unit = box["height"] / (ABOVE + AXIS + BELOW)

    def y(share: float) -> float:
        share = min(share, 1 + ABOVE / 2 / AXIS)
        return float(box["top"] + (ABOVE + AXIS * (1 - share)) * unit)

    page.drag(box["x"] + box["width"] / 2, y(low), y(high))
    places = {each["trial"]: place(value(each), values, log=log) for each in trials}
    near = min(abs(each - end) for each in places.values() if each for end in (low, high))
    assert near * AXIS * unit > 0.01  # no trial stands where a rounded pixel would decide
    expected = {name for name, at in places.items() if at is not None and low <= at <= high}
    assert 0 < len(expected) < len(trials)
    assert set(shown_trials(page)) == expected
    dimmed = page.value("document.querySelectorAll('path[data-trial].trial:not(.out)').length")
    assert dimmed == len(expected)
    # a click lets go
    page.drag(box["x"] + box["width"] / 2, y(0.5), y(0.5))
    assert len(shown_trials(page)) == len(trials)
    assert is_quiet(page)


@browser.needed
def test_what_trainers_wrote_stays_text(
    page: browser.Page, folder: RunFolder, written: Any
) -> None:
    trials = [
        {"trial": f"t{n} {text}", "parameters": {"x": text, text: n}, "value": float(n)}
        for n, text in enumerate(BAD)
    ]
    trials.append({"trial": "../../../../etc", "parameters": {}, "value": 0.0})
    trials.append({"trial": "lost", "parameters": {}, "value": None, "problem": BAD[0]})
    folder.sweep("search", trials, metric=BAD[1])
    folder.curve("search/lost", [{"step": n, BAD[1]: n, "loss": 1} for n in (1, 2)])
    folder.metrics(f"other {BAD[1].replace('/', '')}", **{BAD[0]: 1.0, "note": BAD[1]})
    page.open(written())
    assert page.value("document.title") == "pipeline · results"
    assert page.value("document.querySelectorAll('img, iframe, object, b').length") == 0
    assert page.value("document.scripts.length") == 2
    texts = page.value("document.querySelector('#trials').innerText")
    assert BAD[0] in texts
    assert BAD[1] in texts
    for number in range(page.value("document.querySelectorAll('nav button').length")):
        page.value(f"document.querySelectorAll('nav button')[{number}].click()")
    assert page.value("document.title") == "pipeline · results"
    links = page.value("[...document.links].map(each => each.protocol)")
    assert set(links) == {"file:"}
    places = page.value("[...document.links].map(each => decodeURIComponent(each.pathname))")
    assert all(each.startswith(str(folder.path)) for each in places)
    assert is_quiet(page)


def job_of(name: str) -> Job:
    """The job of a trial as Vertex AI tells of it."""
    times = ("2026-12-01T02:14:20.801347Z", "2026-12-01T02:44:20.801347Z")
    place = ("g2-standard-4 + 1 L4", "us-central1", "spot")
    folder = f"gs://bucket/runs/pipeline/monday/search/{name}"
    full = "projects/acme/locations/us-central1/trainingPipelines/1234567890123456789"
    return Job(full, f"search.trial[{name}]", folder, "succeeded", *times, *place, usd=0.123456789)


def known(run: Run) -> Run:
    """Return a run of which everything is known: each trial's job, and its task in Airflow."""
    (search, *_) = run.experiments
    jobs = [job_of(each.name) for each in search.trials]
    tasks = [Task(each.task, "success", 1, each.began, each.ended) for each in jobs]
    trials = tuple(
        replace(each, state="succeeded", ended=job.ended, hours=0.5, usd=job.usd)
        for each, job in zip(search.trials, jobs, strict=True)
    )
    return replace(
        run, experiments=(replace(search, trials=trials),), jobs=tuple(jobs), tasks=tuple(tasks)
    )


@browser.needed
def test_a_thousand_trials_are_usable_at_once(
    page: browser.Page, folder: RunFolder, tmp_path: Path
) -> None:
    trials = drawn_trials(1000)
    for number, each in enumerate(trials):
        each["parameters"] |= {f"parameter_{n}": (number * 7919 % (n + 2)) / 7 for n in range(5)}
        name, value = f"search/{each['trial']}", each["value"] or 0.5
        folder.metrics(name, accuracy=value, **{f"metric_{n}": value * n / 7 for n in range(20)})
        steps = range(1 + number % 3, 41)
        folder.curve(name, [{"step": s, **{f"m{n}": n / s for n in range(9)}} for s in steps])
    folder.sweep("search", trials)
    path = tmp_path / "page.html"
    path.write_text(html([known(gather(str(folder.path), NOWHERE))]))
    assert path.stat().st_size <= 600_000
    page.open(path)
    assert 0 < page.busy() <= 2.0
    assert len(shown_trials(page)) == 1000
    assert page.value("document.querySelectorAll('.bar.job').length") == 1000
    assert is_quiet(page)


@browser.needed
def test_brushes_of_several_axes_keep_what_all_keep(
    page: browser.Page, folder: RunFolder, written: Any
) -> None:
    trials = drawn_trials(120)
    folder.sweep("search", trials)
    path = written()

    def brushed(*axes: str) -> set[str]:
        page.open(path)
        for axis in axes:
            box = page.box(f"[data-axis='{axis}']")
            page.drag(box["x"] + box["width"] / 2, box["y"] + 3, box["y"] + box["height"] * 0.503)
        return set(shown_trials(page))

    one, other = brushed("learning_rate"), brushed("width")
    assert brushed("learning_rate", "width") == one & other
    assert set() < one & other < one
    page.value(
        "[...document.querySelectorAll('button')].find(b => b.innerText === 'show all').click()"
    )
    page.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert len(shown_trials(page)) == len(trials)


@browser.needed
def test_a_click_on_a_column_sorts(page: browser.Page, folder: RunFolder, written: Any) -> None:
    trials = drawn_trials(30)
    folder.sweep("search", trials)
    page.open(written())
    column = "[...document.querySelectorAll('#trials th')].find(h => h.textContent === 'width')"
    page.value(f"{column}.click()")
    widths = {each["trial"]: each["parameters"]["width"] for each in trials}
    rising = [widths[name] for name in shown_trials(page)]
    assert rising == sorted(rising)
    page.value(f"{column}.click()")
    assert [widths[name] for name in shown_trials(page)] == sorted(rising, reverse=True)


@browser.needed
@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0], [-1.0, 0.0, 1e300]])
def test_pages_of_little_are_quiet_too(
    page: browser.Page, folder: RunFolder, written: Any, values: list[float]
) -> None:
    rows: list[dict[str, Any]] = [
        {"trial": str(n), "parameters": {"x": n}, "value": v} for n, v in enumerate(values)
    ]
    folder.write("search/trials.json", [*rows, {"trial": "lost", "value": None}])
    folder.metrics("train", note="nothing but text")
    page.open(written())
    assert is_quiet(page)


def test_data_holds_nothing_that_a_browser_takes_for_markup() -> None:
    text = embedded({"runs": [{"name": each} for each in BAD]})
    assert not set("<>&\u2028\u2029") & set(text)
    names = [each["name"] for each in json.loads(text)["runs"]]
    assert names[:-1] == BAD[:-1]


def test_the_same_runs_give_the_same_page(folder: RunFolder, written: Any) -> None:
    folder.sweep("search", drawn_trials(10))
    assert written().read_bytes() == written().read_bytes()
