"""Hyperparameters of W&B pasted into a sweep: one error at the key, with what to write instead."""

from __future__ import annotations

import pytest

from dagfactory.__main__ import run

SPEC = """pipeline: p
tasks:
  search:
    type: sweep
    image: a.b/c:1
    machine: {{type: n1-standard-8}}
    metric: {{name: loss, goal: minimize}}
    method: random
    trials: 3
    parameters:
      lr: {definition}
"""
CASES = {
    "{distribution: uniform, min: 0, max: 1}": "write `{min: 0.0, max: 1.0}`",
    "{distribution: log_uniform_values, min: 0.1, max: 1}": "write `{min: 0.1, max: 1.0, scale: log}`",
    "{distribution: log_uniform, min: -2, max: 0}": "takes exponents of e",
    "{distribution: log_uniform, min: 0.0001, max: 0.1}": "was `log_uniform_values` meant?",
    "{distribution: q_uniform, min: 0, max: 8, q: 2}": "write `{min: 0, max: 8, step: 2}`",
    "{distribution: q_uniform, min: 1, max: 8, q: 2}": "is not a multiple of `q`, 2",
    "{distribution: categorical, values: [1, 2]}": "write `values` alone",
    "{value: 3}": "write `values: [3]`, or put it under `args`",
    "{distribution: normal, mu: 0, sigma: 1}": "write `min` and `max`",
    "{distribution: uniforn, min: 0, max: 1}": "did you mean `uniform`?",
    "{parameters: {a: {value: 1}}}": "write `values: [1]`",
}


@pytest.mark.parametrize("definition", CASES)
def test_one_error_says_what_to_write(definition, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(SPEC.format(definition=definition))
    assert run(["check", "p.yaml", "--no-cache"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert out.count("error[") == 1
    assert "p.yaml:11:" in out
    assert "is a key of W&B's sweeps, not of ours" in out
    assert CASES[definition] in out
