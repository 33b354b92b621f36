"""Sort-of-CLEVR: scenes, answers recomputed from pixels, the exchange format."""

import base64
import io
import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from trainer.data.clevr import COLOURS, RELATIONAL, image_and_questions, main, write_dataset
from trainer.data.exchange import check_shards, find_shards, read_records
from trainer.errors import TrainerError
from trainer.settings import DataSettings


def objects_in(pixels):
    """{colour: (centre y, centre x, shape)} read from the pixels alone."""
    found = {}
    for colour, value in COLOURS.items():
        rows, columns = np.nonzero((pixels == value).all(-1))
        top, left = rows.min(), columns.min()
        assert (rows.max() - top, columns.max() - left) == (10, 10)
        shape = "rectangle" if (pixels[top, left] == value).all() else "circle"
        found[colour] = (top + 5, left + 5, shape)
    return found


def expected_answer(text, seen):
    """The answer by reading the question's words and the pixels."""
    words = text.split()
    colour = next(word for word in words if word in COLOURS)
    y, x, shape = seen[colour]
    if "left" in words:
        return "yes" if x < 37 else "no"
    if "top" in words:
        return "yes" if y < 37 else "no"
    if "many" in words:
        return str(sum(other[2] == shape for other in seen.values()))
    distance = {
        name: np.hypot(oy - y, ox - x) for name, (oy, ox, _) in seen.items() if name != colour
    }
    if "closest" in words:
        return seen[min(distance, key=distance.get)][2]
    if "furthest" in words:
        return seen[max(distance, key=distance.get)][2]
    return shape


@pytest.mark.parametrize("index", range(25))
def test_answers_follow_from_the_pixels(index):
    pixels, _, asked = image_and_questions(7, 0, index)
    seen = objects_in(pixels)
    assert [q.answer for q in asked] == [expected_answer(q.text, seen) for q in asked]


def test_ten_questions_of_each_sort():
    _, _, asked = image_and_questions(0, 0, 0)
    assert Counter(question.kind in RELATIONAL for question in asked) == {True: 10, False: 10}


def test_relevant_boxes_hold_the_subject_first():
    pixels, _, asked = image_and_questions(0, 0, 3)
    for question in asked:
        colour = next(word for word in question.text.split() if word in COLOURS)
        thing, weight = question.relevant[0]
        left, top, right, bottom = thing.box()
        assert (pixels[top:bottom, left:right] == COLOURS[colour]).all(-1).sum() > 70
        assert weight == 1
        others = 5 if question.kind in RELATIONAL else 0
        assert [w for _, w in question.relevant[1:]] == [0.5] * others


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first, second, other = (DataSettings(images=6, held_out=3, seed=s) for s in (4, 4, 5))
    for settings, name in ((first, "a"), (second, "b"), (other, "c")):
        write_dataset(settings, tmp_path / name)
    read = {name: (tmp_path / name / "checksums.json").read_text() for name in "abc"}
    assert read["a"] == read["b"] != read["c"]


def test_an_image_does_not_depend_on_how_many_there_are(tmp_path):
    write_dataset(DataSettings(images=6, held_out=1, shard=2), tmp_path / "six")
    write_dataset(DataSettings(images=3, held_out=1, shard=5), tmp_path / "three")
    six = [line for n in (0, 1, 2) for line in lines(tmp_path / f"six/train-0000{n}.jsonl")]
    assert six[:3] == lines(tmp_path / "three/train-00000.jsonl")


def lines(path):
    return path.read_text().splitlines()


def test_shards_look_like_a_bigquery_export(data):
    record = json.loads(lines(data / "train-00000.jsonl")[0])
    with Image.open(io.BytesIO(base64.b64decode(record["image"]))) as picture:
        assert (picture.format, picture.size) == ("PNG", (75, 75))
    box = record["questions"][0]["relevance"][0]
    assert all(isinstance(box[name], str) for name in ("x_min", "y_min", "x_max", "y_max"))
    assert [path.name for path in find_shards(data)] == [
        "held_out-00000.jsonl", "train-00000.jsonl", "train-00001.jsonl",
    ]  # fmt: skip


def test_pixels_survive_the_exchange(data):
    records = list(read_records([data / "train-00000.jsonl"]))
    pixels, _, _ = image_and_questions(0, 0, 5)
    assert (records[5].pixels() == pixels).all()


def test_metrics_count_what_was_written(data):
    document = json.loads((data / "metrics.json").read_text())
    assert document["complete"] is True
    assert document["metrics"] == {"images": 36, "held_out_images": 8, "questions": 880}


def test_a_changed_shard_is_noticed(tmp_path):
    assert main([f"--output={tmp_path}", "--images=2", "--held_out=2"]) == 0
    shard = tmp_path / "model" / "train-00000.jsonl"
    shard.write_text(shard.read_text().replace("red", "rad", 1))
    with pytest.raises(TrainerError, match=r"train-00000\.jsonl does not match its sha256"):
        check_shards(find_shards(tmp_path / "model"))


def test_a_bad_line_is_named(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"image_id": "a", "split": "test", "image": "", "questions": []}\n')
    with pytest.raises(TrainerError, match=r"x\.jsonl:1: split: Input should be"):
        list(read_records([path]))


def test_no_shards_is_one_line(tmp_path):
    with pytest.raises(TrainerError, match=r"no \.jsonl shards at"):
        find_shards(tmp_path)
