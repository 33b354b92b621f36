"""VQAv2 files: a round trip through them, what is left out, and every way they can be wrong."""

import base64
import io
import json
import shutil

import pytest
from PIL import Image

from trainer import vqa_export
from trainer.data import textures, vqa
from trainer.data.exchange import check_shards, find_shards, read_records
from trainer.data.vqa import read_subset
from trainer.errors import TrainerError
from trainer.storage import read_json

SUBSETS = ["--train=train", "--held_out=held_out"]


@pytest.fixture(scope="module")
def exported(data, tmp_path_factory):
    """The small Sort-of-CLEVR data set as VQAv2 files."""
    base = tmp_path_factory.mktemp("vqa")
    assert vqa_export.main([f"--input={data}", f"--output={base}"]) == 0
    return base / "model"


@pytest.fixture
def copied(exported, tmp_path):
    shutil.copytree(exported, tmp_path / "vqa")
    return tmp_path / "vqa"


def convert(source, base, *more):
    assert vqa.main([f"--input={source}", f"--output={base}", *SUBSETS, *more]) == 0
    return base / "model"


def records(directory):
    shards = find_shards(directory)
    check_shards(shards)
    return list(read_records(shards))


def test_the_round_trip_changes_nothing_but_names(data, exported, tmp_path):
    back = convert(exported, tmp_path, "--questions=20", "--side=75")
    for before, after in zip(records(data), records(back), strict=True):
        said = tuple(q.model_copy(update={"answers": (q.answer,) * 10}) for q in before.questions)
        assert after.questions == said
        assert (after.image, after.split) == (before.image, before.split)


def test_the_files_are_what_the_format_says(exported):
    questions = read_json(exported / "v2_OpenEnded_exchange_train_questions.json")
    annotations = read_json(exported / "v2_exchange_train_annotations.json")
    assert questions["task_type"] == "Open-Ended"
    assert {"info", "data_type", "data_subtype"} <= questions.keys() & annotations.keys()
    assert questions["info"]["version"] == "2.0"
    asked, answered = questions["questions"][21], annotations["annotations"][21]
    assert asked.keys() == {"question_id", "image_id", "question"}
    assert asked["question_id"] == answered["question_id"] == 1001
    assert [each["answer_id"] for each in answered["answers"]] == list(range(1, 11))
    assert answered["answer_type"] in {"yes/no", "number", "other"}
    assert (exported / "train" / "exchange_train_000000000001.png").is_file()


def test_training_and_evaluation_know_vqa_accuracy(exported, tmp_path):
    from trainer import evaluate, train

    source = convert(exported, tmp_path / "vqa", "--questions=20", "--side=75")
    assert textures.main([f"--input={source}", f"--output={tmp_path}/textures"]) == 0
    made = f"--textures={tmp_path}/textures/model"
    small = ["--width=16", "--heads=2", "--keep=16", "--budget_total=2000", "--epochs=1"]
    assert train.main([made, *small, f"--output={tmp_path}/run"]) == 0
    model = f"--model={tmp_path}/run/model"
    assert evaluate.main([made, model, f"--output={tmp_path}/evaluation"]) == 0
    found = read_json(tmp_path / "evaluation" / "model" / "metrics.json")["metrics"]
    # ten people who agree make VQA accuracy the plain one
    assert found["vqa_accuracy"] == pytest.approx(found["accuracy"])


def test_images_are_resized_and_boxes_with_them(exported, tmp_path):
    half = records(convert(exported, tmp_path, "--questions=20", "--side=150"))[0]
    whole = read_subset(exported, "held_out").images[0][0].relevance[0]
    with Image.open(io.BytesIO(base64.b64decode(half.image))) as picture:
        assert picture.size == (150, 150)
    box = half.questions[0].relevance[0]
    assert (box.x_min, box.y_max) == (2 * whole.x_min, 2 * whole.y_max)


def test_an_image_with_many_questions_becomes_several_lines_and_a_rest_is_told(
    exported, tmp_path, capsys
):
    found = records(convert(exported, tmp_path, "--questions=6"))
    assert {len(each.questions) for each in found} == {6}
    assert len(found) == 3 * 44
    metrics = read_json(tmp_path / "model" / "metrics.json")["metrics"]
    assert metrics == {"images": 44, "questions": 44 * 18, "questions_left_out": 44 * 2}
    assert "88 left out" in capsys.readouterr().out


def test_published_names_are_found(exported, tmp_path):
    """mscoco files have COCO in the names of their images, which are JPEG."""
    for path in exported.glob("v2_*_train_*.json"):
        document = read_json(path) | {"data_type": "mscoco", "data_subtype": "train2014"}
        name = path.name.replace("exchange", "mscoco").replace("train", "train2014")
        (tmp_path / name).write_text(json.dumps(document))
    (tmp_path / "train2014").mkdir()
    for path in (exported / "train").iterdir():
        name = f"COCO_train2014_{path.stem[-12:]}.jpg"
        Image.open(path).convert("RGB").save(tmp_path / "train2014" / name)
    subset = read_subset(tmp_path, "train2014")
    assert subset.paths[35].name == "COCO_train2014_000000000035.jpg"


def edit(path, change):
    document = read_json(path)
    change(document)
    path.write_text(json.dumps(document))


QUESTIONS = "v2_OpenEnded_exchange_train_questions.json"
ANSWERS = "v2_exchange_train_annotations.json"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (QUESTIONS, lambda d: d["info"].update(version="1.0"), "its version is '1.0', not 2.0"),
        (ANSWERS, lambda d: d["info"].update(version="1.0"), "its version is '1.0', not 2.0"),
        (QUESTIONS, lambda d: d.pop("info"), "info: Field required"),
        (QUESTIONS, lambda d: d.update(task_type="Multiple-Choice"), "task_type: Input should be"),
        (ANSWERS, lambda d: d.update(data_subtype="val2014"), "its data_subtype is 'val2014'"),
        (QUESTIONS, lambda d: d.update(questions={}), "'questions' is not a list of at least one"),
        (QUESTIONS, lambda d: d["questions"].pop(3), "answers without their question 3"),
        (ANSWERS, lambda d: d["annotations"].pop(3), "no answers to question 3"),
        (QUESTIONS, lambda d: d["questions"].append(d["questions"][3]), "3 is there twice"),
        (ANSWERS, lambda d: d["annotations"].append(d["annotations"][3]), "3 is there twice"),
        (
            ANSWERS,
            lambda d: d["annotations"][3].update(image_id=7),
            "question 3 is about image 0, its answers are about image 7",
        ),
        (ANSWERS, lambda d: d["annotations"][3]["answers"].pop(), "annotations[3]: answers: "),
        (ANSWERS, lambda d: d["annotations"][3]["answers"][0].pop("answer"), "answers.0.answer: "),
        (
            QUESTIONS,
            lambda d: d["questions"][3].update(question_id="3"),
            "questions[3]: question_id",
        ),
        (QUESTIONS, lambda d: d["questions"][3].update(question=""), "questions[3]: question: "),
        (QUESTIONS, lambda d: d["questions"].__setitem__(3, 5), "questions[3]: Input should be"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(copied, tmp_path, name, change, message):
    edit(copied / name, change)
    with pytest.raises(TrainerError) as caught:
        convert(copied, tmp_path)
    assert message in str(caught.value)
    assert "_train_" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: (d / QUESTIONS).unlink(), "holds no file of the pattern v2_*_train_questions"),
        (lambda d: shutil.copy(d / ANSWERS, d / "v2_x_train_annotations.json"), "and needs one"),
        (lambda d: (d / QUESTIONS).write_text("{"), f"{QUESTIONS} cannot be read"),
        (lambda d: (d / QUESTIONS).write_text("[]"), "does not hold a JSON mapping"),
        (lambda d: next((d / "train").glob("*7.png")).unlink(), "image 7 is missing: "),
        (lambda d: next((d / "train").glob("*7.png")).write_bytes(b"x"), "cannot be decoded"),
    ],
)
def test_missing_and_broken_files_are_named(copied, tmp_path, change, message):
    change(copied)
    with pytest.raises(TrainerError) as caught:
        convert(copied, tmp_path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_more_questions_than_any_image_has_are_refused(exported, tmp_path):
    with pytest.raises(TrainerError, match="no image has 21 questions"):
        convert(exported, tmp_path, "--questions=21")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(image=base64.b64encode(b"x").decode()), "neither PNG nor JPEG"),
        (lambda r: r["questions"][0].update(answers=["yes"]), "has 1 answers, not 10"),
    ],
)
def test_what_cannot_be_exported_is_said(data, tmp_path, change, message):
    record = json.loads((data / "train-00000.jsonl").read_text().splitlines()[0])
    change(record)
    (tmp_path / "train.jsonl").write_text(json.dumps(record) + "\n")
    with pytest.raises(TrainerError, match=message):
        vqa_export.main([f"--input={tmp_path}", f"--output={tmp_path}/out"])
