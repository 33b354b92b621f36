"""Learning curves: both forms of lines, repeats, and what is no number."""

from dagfactory.results.curves import POINTS, SERIES, curves

NAN = float("nan")


def test_the_bundled_trainers_lines():
    rows = [
        {"step": 1, "split": "train", "name": "loss", "value": 0.6, "time": 1.0},
        {"step": 1, "split": "val", "name": "loss", "value": 0.7, "time": 1.0},
        {"step": 2, "split": "train", "name": "loss", "value": 0.5, "time": 2.0},
    ]
    assert curves(rows) == {"train/loss": ([1, 2], [0.6, 0.5]), "val/loss": ([1], [0.7])}


def test_lines_with_all_values_of_a_step():
    rows = [{"epoch": 1, "loss": 0.6, "note": "x"}, {"epoch": 2, "loss": 0.5, "f1": 0.1}]
    assert curves(rows) == {"loss": ([1, 2], [0.6, 0.5]), "f1": ([2], [0.1])}


def test_lines_without_a_step_count_themselves():
    assert curves([{"loss": 3}, {"loss": 2}]) == {"loss": ([1, 2], [3, 2])}


def test_the_last_of_a_repeated_step_counts_and_what_is_no_number_is_left_out():
    rows = [{"step": s, "loss": v} for s, v in [(1, 9.0), (2, NAN), (1, 1.0), (3, True)]]
    assert curves(rows) == {"loss": ([1], [1.0])}


def test_long_files_keep_their_ends():
    found = curves([{"step": s, **{f"m{n}": s for n in range(60)}} for s in range(1, 1001)])
    assert len(found) == SERIES
    steps, values = found["m0"]
    assert (len(steps), steps[0], steps[-1], values[-1]) == (POINTS, 1, 1000, 1000)
