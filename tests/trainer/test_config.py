"""Settings: one-line errors, precedence, and use without torch."""

import json
import sys

import processes
import pytest

from trainer.config import check, parse
from trainer.errors import UsageError
from trainer.settings import PROGRAMS, DataSettings, TrainSettings


def train(*argv):
    return parse(TrainSettings, ["--textures=t", *argv])


def test_text_becomes_numbers():
    found = train("--learning_rate=3e-4", "--epochs", "2", "--from=gs://b/m", "--stage=relevance")
    assert (found.learning_rate, found.epochs, found.from_) == (3e-4, 2, "gs://b/m")


def test_the_file_yields_to_the_command_line_and_the_later_wins(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("epochs: 3\nbatch: 5\nlearning_rate: 0.5\n")
    found = train("--batch=6", f"--config={path}", "--set", "epochs=4", "--epochs=7")
    assert (found.epochs, found.batch, found.learning_rate) == (7, 6, 0.5)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--learnin_rate=1", "unknown setting 'learnin_rate'; did you mean 'learning_rate'?"),
        ("--weight-decay=1", "unknown setting 'weight-decay'; did you mean 'weight_decay'?"),
        ("--epochs=0", "setting 'epochs': Input should be greater than or equal to 1 (given '0')"),
        ("--learning_rate=nan", "setting 'learning_rate': Input should be a finite number"),
        ("--stage=both", "setting 'stage': Input should be 'relevance', 'answer' or 'hard'"),
        ("epochs=1", "unexpected argument 'epochs=1'; settings are --key=value"),
        ("--set=epochs", "--set needs key=value, not 'epochs'"),
        ("--epochs", "--epochs needs a value"),
        ("--config=/nowhere.yaml", "cannot read --config /nowhere.yaml"),
    ],
)
def test_a_mistake_is_one_line(argument, message):
    with pytest.raises(UsageError) as caught:
        train(argument)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_required_setting_is_named():
    with pytest.raises(UsageError, match="setting 'textures': Field required"):
        parse(TrainSettings, [])


def test_width_must_divide_into_heads():
    with pytest.raises(UsageError, match="width=48 does not divide into heads=5"):
        train("--heads=5")


def test_stage_textures_is_checked_as_the_textures_program():
    assert check("trainer", {"stage": "textures", "input": "gs://b/d", "grid": 10}).seed == 0
    with pytest.raises(UsageError, match="unknown setting 'epochs'"):
        check("trainer", {"stage": "textures", "input": "gs://b/d", "epochs": 1})


def test_every_program_can_be_checked():
    for program in PROGRAMS:
        with pytest.raises(UsageError, match="unknown setting 'colour'"):
            check(program, {"colour": "red"})


def test_values_of_a_spec_pass_as_they_are():
    assert isinstance(check("trainer.data", {"images": 5, "seed": 3}), DataSettings)


def test_checking_settings_needs_no_torch():
    code = "import sys, trainer.config; print([m for m in ('torch', 'numpy') if m in sys.modules])"
    done = processes.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_mistake_on_the_command_line_ends_with_2():
    done = processes.run(
        [sys.executable, "-m", "trainer.data", "--image=3"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    expected = "trainer: error: unknown setting 'image'; did you mean 'images'?\n"
    assert (done.stdout, done.stderr) == ("", expected)


def test_settings_round_trip_through_a_config_file(tmp_path):
    found = train("--epochs=2", "--from=m")
    path = tmp_path / "c.json"
    path.write_text(json.dumps(found.model_dump(by_alias=True)))
    assert parse(TrainSettings, ["--config", str(path)]) == found
