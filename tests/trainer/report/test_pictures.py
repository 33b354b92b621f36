"""Pictures of a run: scales that say what they should, and pixels where the data are."""

import io
import json

import pytest
import torch
from PIL import Image

from trainer import evaluate
from trainer.data.dataset import load_textures
from trainer.export import load_model
from trainer.model.arr_coc import whole_tokens
from trainer.report.pictures import (
    HEAT,
    LINES,
    MARGIN,
    PANEL,
    PAPER,
    Axes,
    Canvas,
    choose_examples,
    draw_curves,
    draw_examples,
    read_series,
    shade,
    smoothed,
    ticks,
)


def pixels(png):
    return Image.open(io.BytesIO(png)).convert("RGB")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 1125, [0, 500, 1000]),
        (0, 24, [0, 5, 10, 15, 20]),
        (0, 2.3, [0, 0.5, 1, 1.5, 2]),
    ],
)
def test_ticks_are_round_numbers(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


def test_a_shade_is_between_its_anchors():
    anchors = ((0, 0, 0), (100, 0, 0), (100, 200, 0))
    assert [shade(v, anchors) for v in (0, 0.25, 0.5, 0.75, 1)] == [
        (0, 0, 0), (50, 0, 0), (100, 0, 0), (100, 100, 0), (100, 200, 0),
    ]  # fmt: skip


def test_a_curve_runs_through_its_points():
    canvas = Canvas(200, 200)
    axes = Axes(canvas, (40, 40), (100, 100), (0, 10), (0, 1), "title", "step")
    assert axes.place(5, 0.25) == (90, 115)
    axes.curve([(0, 0.25), (10, 0.25)], LINES[0], name="flat")
    picture = pixels(canvas.png())
    assert near(picture.getpixel((100, 115)), LINES[0])
    assert near(picture.getpixel((100, 75)), PAPER)


def near(one, other):
    return all(abs(a - b) < 40 for a, b in zip(one, other, strict=True))


def test_smoothing_takes_means_and_keeps_short_series():
    short = [(1, 2.0), (2, 4.0)]
    assert smoothed(short) == short
    long = [(step, float(step % 2)) for step in range(1, 81)]
    assert smoothed(long) == [(step, 0.5) for step in range(2, 81, 2)]


def test_every_finished_run_has_its_learning_curves(finished):
    picture = Image.open(finished / "model" / "curves.png")
    assert picture.size == (1000, 400)
    colours = {colour for _, colour in picture.convert("RGB").getcolors(10**6)}
    assert set(LINES) <= colours


def test_curves_of_a_stage_without_answers(tmp_path):
    lines = [
        {"step": step, "split": split, "name": name, "value": value, "time": 0.0}
        for step in range(1, 11)
        for split, name, value in (
            ("train", "loss", 1 / step), ("train", "relevance_loss", 1 / step),
            ("train", "answer_loss", 0.0), ("validation", "recall_at_k", step / 10),
        )
    ]  # fmt: skip
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert pixels(draw_curves(read_series(path), "relevance")).size == (1000, 400)


@pytest.fixture(scope="module")
def examples(finished, textures):
    model, _ = load_model(finished / "model")
    data = load_textures(textures, torch.device("cpu"))
    return model, data, choose_examples(model, data, 3)


def test_examples_say_what_the_network_says(examples):
    model, data, chosen = examples
    batch = data.held_out.batch(torch.arange(3))
    with torch.inference_mode():
        output = model(batch.textures, batch.tokens, batch.question)
    for image, (example, place) in enumerate(zip(chosen, (0, 10, 0), strict=True)):
        assert bool(batch.relational[image, place]) == (image == 1)
        assert example.answer == data.answers[output.logits[image, place].argmax()]
        assert example.truth == data.answers[batch.answer[image, place]]
        assert example.question.split()[0] in {"what", "is", "how"}
        assert torch.equal(example.kept.flatten(), output.kept[image, place])
        assert torch.equal(example.tokens.flatten(), whole_tokens(output.budgets[image, place]))


def test_maps_show_colours_and_relevance_where_they_are(examples):
    *_, chosen = examples
    picture = pixels(draw_examples(chosen[:1]))
    top = picture.height - PANEL - 20
    side = PANEL / 15
    for row, column in ((0, 0), (7, 3), (14, 14)):
        at = (round(column * side + side / 2), top + round(row * side + side / 2))
        expected = [round(255 * part) for part in chosen[0].colours[row, column].tolist()]
        assert near(picture.getpixel((MARGIN + at[0], at[1])), expected)
        heat = shade(float(chosen[0].relevance[row, column]), HEAT)
        assert near(picture.getpixel((MARGIN + PANEL + 84 + at[0], at[1])), heat)


@pytest.mark.parametrize(("count", "there"), [(2, True), (0, False)])
def test_evaluation_draws_as_many_images_as_asked(finished, textures, tmp_path, count, there):
    given = [f"--model={finished / 'model'}", f"--textures={textures}", f"--output={tmp_path}"]
    assert evaluate.main([*given, f"--pictures={count}"]) == 0
    assert (tmp_path / "model" / "relevance.png").is_file() == there
