"""Small files that cost minutes or the whole memory before there were limits; each ends in a finding."""

import re

import pytest
from paths import ROOT

from dagfactory.__main__ import run
from dagfactory.diagnostics import limits

TASK = "tasks:\n  a: {type: bash, command: x}\n"
DOUBLED = "".join(f'  v{n}: "${{vars.v{n - 1}}}${{vars.v{n - 1}}}"\n' for n in range(1, 34))
LISTS = "".join(f'  v{n}: ["${{vars.v{n - 1}}}","${{vars.v{n - 1}}}"]\n' for n in range(1, 30))


def param(pattern, default="a"):
    keys = f'{{type: string, pattern: "{pattern}", default: "{default}"}}'
    return f"pipeline: p\nparams: {{p: {keys}}}\n{TASK}"


def command(text):
    return f'pipeline: p\nvars: {{a: x}}\ntasks:\n  a: {{type: bash, command: "{text}"}}\n'


def block(line, count):
    lines = f"      {line}\n" * count
    return f"pipeline: p\nvars: {{a: x}}\ntasks:\n  a:\n    type: bash\n    command: |\n{lines}"


MISSPELT = "".join(f"  number_{n}: {{type: empty, after: [nubmer_{n}]}}\n" for n in range(3000))
SMALL = {
    "texts that double": (f"pipeline: p\nvars:\n  v0: {'x' * 50}\n{DOUBLED}{TASK}", "DF107", 1),
    "lists that double": (f"pipeline: p\nvars:\n  v0: [x, x]\n{LISTS}{TASK}", "DF107", 1),
    "backtracking": (param("^(a+)+$", "a" * 40 + "!"), "DF123", 1),
    "nested groups": (param("(" * 5000 + ")" * 5000), "DF123", 1),
    "nested brackets": (command("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}"), "DF216", 1),
    "nested blocks": (command("{% if a %}" * 3000 + "{% endif %}" * 3000), "DF216", 1),
    "unknown keys": ("pipeline: p\n" + "".join(f"k{n}: 1\n" for n in range(60_000)), "DF120", 99),
    "misspelt names": (f"pipeline: p\ntasks:\n{MISSPELT}", "DF202", 3000),
    "unknown variables": (block("${vars.b} ${vars.c}", 10_000), "DF111", 100),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_small_file_that_grows_ends_in_a_finding(name, tmp_path, monkeypatch, capsys):
    text, code, count = SMALL[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(text)
    assert run(["check", "p.yaml", "--format", "concise"]) == 1
    found = re.findall(r"\[(DF\d+)\]", capsys.readouterr().out)
    assert found.count(code) == count


@pytest.mark.parametrize("text", [command("${vars.a} " * 20_000), block("${vars.a} a", 20_000)])
def test_many_right_references_are_no_finding(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(text)
    assert run(["check", "p.yaml"]) == 0


def test_what_was_left_out_is_counted(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(SMALL["unknown variables"][0])
    run(["check", "p.yaml", "--format", "json"])
    assert "and 19,900 more of this kind" in capsys.readouterr().out
    (tmp_path / "p.yaml").write_text(SMALL["unknown keys"][0])
    run(["check", "p.yaml", "--format", "json"])
    assert "and 59,901 more here" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("pattern", "default", "fits"),
    [
        ("^a+$", "aaa", True),
        ("^a+$", "b", False),
        ("^a$", "a\\n", True),  # Python's `$` also stands before a last line break
        (r"^\\d+$", "12", True),
        ("(?=b)a", "a", True),  # look-ahead: not tried, since only backtracking could tell
        (r"(a)\\1", "ab", True),
    ],
)
def test_a_default_is_held_against_its_pattern(pattern, default, fits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(param(pattern, default))
    assert run(["check", "p.yaml"]) == int(not fits)


def test_the_manual_names_every_limit():
    page = (ROOT / "docs" / "errors.md").read_text().partition("## DF107")[2].partition("\n## ")[0]
    for limit in limits.ALL:
        assert f"{limit.most:,}" in page, limit.what
