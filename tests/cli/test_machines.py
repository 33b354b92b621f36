"""`dagfactory machines`: all machines, or those of a name, a GPU or a region."""

import json

import pytest

from dagfactory.__main__ import run


@pytest.fixture
def said(capsys):
    def ask(*arguments, code=0):
        assert run(["machines", *arguments]) == code
        shown = capsys.readouterr()
        return shown.out if code == 0 else shown.err

    return ask


def test_all_machines(said):
    lines = said().splitlines()
    assert lines[0].split() == ["MACHINE", "GPUS", "BOUGHT", "REGIONS"]
    assert len([line for line in lines if line.startswith(("a", "g", "n", "e", "c", "m"))]) == 113


@pytest.mark.parametrize(
    ("gpu", "first", "count"),
    [("A100", "a2-highgpu-1g", 9), ("8xH100", "a3-highgpu-8g", 2), ("l4", "g2-standard-4", 8)],
)
def test_machines_with_a_gpu(said, gpu, first, count):
    _, *lines = said(gpu).partition("\n\n")[0].splitlines()
    assert lines[0].startswith(first)
    assert len(lines) == count


def test_a_gpu_to_attach_is_one_line_for_each_machine(said):
    lines = said("T4").splitlines()
    assert len([line for line in lines if line.startswith("n1-standard-4 ")]) == 1
    assert "+ 1/2/4 x T4" in lines[1]


def test_a_region_has_its_machines_and_prices(said):
    shown = said("us-east4")
    assert "a2-ultragpu-1g" in shown
    assert "a2-highgpu-1g" not in shown
    assert "V100" not in shown
    assert "2026-07-30: 1.15 x the Compute Engine list price" in shown


def test_a_machine_has_its_regions(said):
    shown = said("a3-highgpu-8g")
    (line,) = [each for each in shown.splitlines() if each.startswith("us-central1")]
    assert line.split() == ["us-central1", "101.007", "b", "63.883", "a", "51.495", "b"]
    assert "2025-08-16" in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_json_has_the_day_and_source_of_each_price(said):
    (found,) = json.loads(said("n1-standard-8", "--format", "json"))
    assert found["attachable"]["NVIDIA_TESLA_T4"] == [1, 2, 4]
    assert all(each["date"] and each["source"] for each in found["prices"])
    everything = json.loads(said("--format", "json"))
    assert len(everything) == 113
    there = json.loads(said("us-west3", "--format", "json"))
    (small,) = [each for each in there if each["machine"] == "n1-standard-4"]
    assert small["attachable"] == {}
    assert {each["region"] for machine in there for each in machine["prices"]} == {"us-west3"}


@pytest.mark.parametrize(
    ("word", "help_"),
    [
        ("n1-standrad-8", "did you mean `n1-standard-8`?"),
        ("us-centrl1", "did you mean `us-central1`?"),
        ("zzz", "write a machine, GPU or region"),
    ],
)
def test_a_wrong_word_is_answered_with_the_nearest(said, word, help_):
    assert help_ in said(word, code=2)
