import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagfactory.document.reference import BadReferenceError, Ref, escape, parse


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", ("",)),
        ("plain {{ ds }} $x $(y)", ("plain {{ ds }} $x $(y)",)),
        ("${env.project}", (Ref("env", ("project",), 0, 14),)),
        ("a ${run.dir}/b", ("a ", Ref("run", ("dir",), 2, 12), "/b")),
        (
            "${tasks.x.best}${vars.a.b}",
            (Ref("tasks", ("x", "best"), 0, 15), Ref("vars", ("a", "b"), 15, 26)),
        ),
        ("$${HOME}", ("${HOME}",)),
        ("$$${HOME}", ("$${HOME}",)),
        ("a $${x} ${params.p}", ("a ${x} ", Ref("params", ("p",), 8, 19))),
        ("${vars.a-b_c}", (Ref("vars", ("a-b_c",), 0, 13),)),
    ],
)
def test_texts_split_into_literals_and_references(text, pieces):
    assert parse(text) == pieces


@pytest.mark.parametrize(
    ("text", "start", "end", "words"),
    [
        ("x ${env.a", 2, 9, "never closed"),
        ("${env.a ${env.b}", 0, 8, "never closed"),
        ("${", 0, 2, "never closed"),
        ("${env.\na}", 0, 6, "never closed"),
        ("${}", 0, 3, "empty"),
        ("${ env.a }", 0, 10, "spaces"),
        ("${HOME}", 0, 7, "unknown reference"),
        ("${evn.a}", 0, 8, "unknown reference"),
        ("${run.foo}", 0, 10, "unknown reference"),
        ("${run.dir.x}", 0, 12, "unknown reference"),
        ("${env}", 0, 6, "incomplete"),
        ("${env.}", 0, 7, "incomplete"),
        ("${tasks.x}", 0, 10, "incomplete"),
        ("${vars.1}", 0, 9, "incomplete"),
    ],
)
def test_what_cannot_be_read_is_placed(text, start, end, words):
    with pytest.raises(BadReferenceError, match=words) as caught:
        parse(text)
    assert (caught.value.start, caught.value.end) == (start, end)
    assert caught.value.remedy


def test_a_misspelt_root_is_suggested():
    with pytest.raises(BadReferenceError) as caught:
        parse("${evn.project}")
    assert caught.value.remedy == "did you mean `${env.FIELD}`?"


@given(st.text(alphabet="${}a. \n"))
def test_escaping_undoes_parsing(text):
    assert parse(escape(text)) == (text,)


@given(st.text(alphabet="${}a.env \n"))
def test_references_stand_where_they_say(text):
    with contextlib.suppress(BadReferenceError):
        for piece in parse(text):
            if isinstance(piece, Ref):
                assert text[piece.start : piece.end] == str(piece)
