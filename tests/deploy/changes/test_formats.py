"""A plan as text: whole for programs, safe on terminals and in comments whatever a spec holds."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from random import Random
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from size import SEED, size

from dagfactory.deploy.changes.field import Field
from dagfactory.deploy.changes.formats import Planned, forms, load_form
from dagfactory.deploy.changes.formats.markdown import MOST
from dagfactory.deploy.changes.model import Changes, PipelineChange, TaskChange, Warned
from dagfactory.report import Style

HOSTILE = (
    *("|", "\\|", "\\\\|", "a|b|c", "`", "``", "` `", "`|`", "\\`", "\\", "\\\\", "||\\", "`\\|"),
    *("@octocat", "#1", "<!--", "-->", "<img src=x onerror=alert(1)>", "</details>", "<details>"),
    *(
        "\n",
        "a\n\n| b |",
        "\r\n---\r\n",
        "\x1b[31m",
        "\u202e",
        "\x00",
        "\u2028",
        "",
        " ",
        "***",
        "_a_",
    ),
    *(
        "![x](http://x.example/y.png)",
        "https://x.example",
        "&lt;b&gt;",
        "</summary>",
        "~~~",
        "```\n",
    ),
)
STYLE = Style()


def planned(changes: Changes) -> Planned:
    return Planned("prod", "gs://composer/dags/ml", changes, "1 changed; 5 bytes to write")


def shown(form: str, changes: Changes, style: Style = STYLE) -> str:
    return load_form(form).text(planned(changes), style)


def changed(*texts: str) -> Changes:
    """Return changes of every kind, with texts wherever a spec or a destination brings one."""
    one, two, three = texts
    tasks = (
        TaskChange(one, {"type": two, "x": one}, {"type": two, "x": three}),
        TaskChange(two, new={"type": one}),
        TaskChange(three, old={"type": three}),
        TaskChange(one, {"type": one}, {"type": one}, two),
    )
    pipeline = PipelineChange(
        one,
        "changed",
        ("spec", "unknown"),
        settings=(Field((two, three), one, two), Field((three,), new=[one, {two: three}])),
        tasks=tasks,
        edges_added=((one, two),),
        edges_removed=((two, three),),
        sizes=(Field((one,), 1, None),),
        vanished=(two,),
    )
    warning = Warned("history", two, f"{one} {three}")
    return Changes(
        (pipeline,), (Field(("runtime",), two, three),), (Field((one,), old=two),), (warning,)
    )


class _Tags(HTMLParser):
    """The elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def handle_starttag(self, tag: str, _attributes: Any) -> None:
        self.names.append(tag)

    def handle_comment(self, data: str) -> None:
        self.names.append(f"<!--{data}")


def tokens(text: str) -> list[Token]:
    return MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)


def raw_html(found: list[Token]) -> str:
    inner = [child for token in found for child in token.children or ()]
    return "".join(each.content for each in [*found, *inner] if each.type.startswith("html_"))


def outside_code(found: list[Token]) -> str:
    inner = (child for token in found for child in token.children or ())
    return " ".join(each.content for each in inner if each.type == "text")


def rows(found: list[Token]) -> list[int]:
    """Return how many cells each row of the table has."""
    counts: list[int] = []
    for each in found:
        if each.type == "tr_open":
            counts.append(0)
        elif each.type in {"td_open", "th_open"}:
            counts[-1] += 1
    return counts


def check(text: str, expected: int | None = None) -> None:
    """Find whether a comment is what its author meant, by a reader of CommonMark."""
    found = tokens(text)
    assert len(text) <= MOST
    tags = _Tags()
    tags.feed(raw_html(found))
    assert set(tags.names) <= {"details", "summary"}
    counts = rows(found)
    assert set(counts) == {5}
    assert expected is None or len(counts) == expected
    left = outside_code(found)
    assert not re.search(r"@\w|#\d|https?:|<!--|octocat", left), left
    assert not [each for each in found if each.type in {"image", "fence", "code_block", "hr"}]
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e\u2028]", text)


def test_no_text_breaks_a_comment() -> None:
    random = Random(SEED)  # noqa: S311 - reproducible, not secret
    for _ in range(size(60, 3000)):
        texts = ["".join(random.choices(HOSTILE, k=random.randint(1, 4))) for _ in range(3)]
        # the head, two settings, four tasks, two edges, a size, one of each other layer
        check(shown("markdown", changed(*texts)), 12)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_stands_there_as_it_is(text: str) -> None:
    if not text.strip() or not text.isprintable() or "|" in text:
        return
    found = tokens(shown("markdown", changed(f"a{text}b", "x", "y")))
    spans = [
        child.content
        for token in found
        for child in token.children or ()
        if child.type == "code_inline"
    ]
    assert f"a{text}b" in spans


def test_ten_thousand_changes_fit() -> None:
    fields = tuple(Field((f"key{n}",), "é" * 300, "ü|`" * 100) for n in range(10_000))
    many = tuple(
        PipelineChange(f"p{n}", "changed", ("spec",), fields[n::1000]) for n in range(1000)
    )
    warnings = tuple(Warned("history", f"p{n}", "gone " * 50) for n in range(1000))
    text = shown("markdown", Changes(many, warnings=warnings))
    check(text)
    assert len(text.encode()) > MOST * 0.9
    kept, said = len(rows(tokens(text))) - 1, re.findall(r"([\d,]+) changes more", text)
    assert [int(each.replace(",", "")) for each in said] == [10_000 - kept]
    assert re.search(r"and [\d,]+ lines more", text)
    assert re.search(r"and [\d,]+ warnings more", text)


def test_one_huge_text_leaves_room_for_the_rest() -> None:
    text = shown("markdown", changed("x" * 1_000_000, "y" * 1_000_000, "|" * 1_000_000))
    check(text)


@pytest.mark.parametrize("form", forms())
def test_nothing_a_terminal_would_obey(form: str) -> None:
    for each in HOSTILE:
        said = shown(form, changed(each, each, each))
        # programs get what is neither a break nor a control character of ASCII as it is
        obeyed = (
            r"[\x00-\x09\x0b-\x1f]" if form == "json" else r"[\x00-\x09\x0b-\x1f\x7f\u202e\u2028]"
        )
        assert not re.search(obeyed, said)
        shown(form, changed(each, each, each), Style(encoding="ascii")).encode("ascii")


def test_pipelines_that_change_alike_are_one_line() -> None:
    alike = tuple(PipelineChange(f"p{n}", "changed", ("generator",)) for n in range(1000))
    own = PipelineChange("own", "changed", ("spec", "generator"), (Field(("doc",), new="a"),))
    said = shown("human", Changes((*alike, own)))
    assert "1,000 pipelines changed because of what writes it\n  `p0`, `p1`, `p2`" in said
    assert said.count("\n") == 6
    text = shown("markdown", Changes((*alike, own)))
    assert "- 1,000 pipelines changed because of what writes it: `` `p0`, `p1`, `p2`" in text
    assert len(rows(tokens(text))) == 2


@pytest.mark.parametrize("form", forms())
def test_no_change_is_said(form: str) -> None:
    said = shown(form, Changes())
    assert "no pipeline changes" in said or json.loads(said)["changes"]["pipelines"] == []


def test_programs_get_every_change_whole() -> None:
    said = json.loads(shown("json", changed("a", "b", "c")))
    assert said["format"] == 1
    assert said["destination"] == "gs://composer/dags/ml"
    (pipeline,) = said["changes"]["pipelines"]
    assert pipeline["settings"][0] == {"path": ["b", "c"], "old": "a", "new": "b"}
    assert pipeline["tasks"][0]["fields"] == [{"path": ["x"], "old": "a", "new": "c"}]
    assert [each["action"] for each in pipeline["tasks"]] == [
        "changed",
        "added",
        "removed",
        "renamed",
    ]


def test_what_people_see() -> None:
    field = Field(("args", "learning.rate"), 0.1, 0.2)
    change = PipelineChange(
        "p",
        "changed",
        ("spec", "generator"),
        settings=(
            field,
            Field(("doc",), "a" * 200 + "b", "a" * 200 + "c"),
            Field(("owner",), new="ml"),
        ),
        edges_added=(("a", "b"),),
        sizes=(Field(("s.trial",), 6, 12),),
    )
    assert shown("human", Changes((change,))) == (
        "pipeline p: 3 settings changed\n"
        "  because of its spec, what writes it\n"
        '  ~ args."learning.rate"  0.1 → 0.2\n'
        '  ~ doc                   …aaaaaaaaaaaaaaaab" → …aaaaaaaaaaaaaaaac"\n'
        '  + owner                 "ml"\n'
        "  + edge a → b\n"
        "  ~ s.trial: runs 6 → 12 times\n"
        "1 pipeline changed; files: 1 changed; 5 bytes to write\n"
    )
    assert "\x1b[33m~\x1b[0m" in shown("human", Changes((change,)), Style(color=True))
