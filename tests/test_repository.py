"""What a newcomer opens: pages that link to each other, forms and workflows of GitHub, the release."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from paths import ROOT

import dagfactory
from tools.release import NotReadyError, agreed, notes

DOCS = ROOT / "docs"
PAGES = [
    *sorted(DOCS.glob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)|!\[[^\]\n]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def links(page: Path) -> list[str]:
    text = re.sub(r"`[^`\n]*`", "`", FENCE.sub("", page.read_text(encoding="utf-8")))
    return [plain or picture for plain, picture in LINK.findall(text)]


@pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.name if page.parent == ROOT else f"docs/{page.name}"
)
def test_every_relative_link_leads_somewhere(page):
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / unquote(name)).resolve() if name else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_index_lists_every_page_once():
    listed = [
        link for link in links(DOCS / "README.md") if link.endswith(".md") and "/" not in link
    ]
    assert sorted(listed) == sorted(
        page.name for page in DOCS.glob("*.md") if page.name != "README.md"
    )


def test_the_index_names_every_command():
    named = " ".join(re.findall(r"`([^`\n]*)`", (DOCS / "README.md").read_text(encoding="utf-8")))
    modules = [each.stem for each in (ROOT / "dagfactory/cli").glob("[!_]*.py")]
    assert sorted(set(modules) - set(named.split())) == []


def test_the_index_is_linked_from_the_front_page():
    assert "docs/README.md" in links(ROOT / "README.md")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_take_no_right_by_default_and_pin_what_they_use(path):
    flow = yaml.safe_load(path.read_text())
    assert flow["permissions"] == {}
    assert "pull_request_target" not in flow[True]  # YAML 1.1 reads `on` so
    for job in flow["jobs"].values():
        assert "permissions" in job
        steps = job.get("steps", [])
        assert "timeout-minutes" in job or "uses" in job
        for step in steps:
            if "uses" in step:
                assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", step["uses"])
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_runs_on_a_pull_request_sees_no_secret(path):
    flow = yaml.safe_load(path.read_text())
    if "pull_request" not in flow[True]:
        return
    for job in flow["jobs"].values():
        if "if" not in job:
            assert job["permissions"] == {"contents": "read"}
            assert "secrets." not in yaml.safe_dump(job)


@pytest.mark.parametrize("job", ["staging", "prod"])
def test_a_job_that_syncs_is_alone_and_stops_where_main_has_moved_on(job):
    flow = yaml.safe_load((ROOT / ".github/workflows/dags.yml").read_text())["jobs"][job]
    assert flow["concurrency"] == {"group": f"dags-{job}", "cancel-in-progress": False}
    *_, tip, sync = flow["steps"]  # right before, for prod waits for its reviewers
    assert "commits/main" in tip["run"]
    assert sync["run"] == f"dagfactory sync plan/{job}.json --verify"


def test_advisories_are_asked_for_every_lock():
    text = (ROOT / ".github/workflows/advisories.yml").read_text()
    asked = re.search(r"for name in (.*); do", text)[1].split()
    locks = {each.stem for each in (ROOT / "requirements").glob("*.txt")} - {"overrides"}
    assert set(asked) == locks
    assert "schedule" in yaml.safe_load(text)[True]


ELEMENTS = {"markdown", "input", "textarea", "dropdown", "checkboxes"}


@pytest.mark.parametrize(
    "path", [each for each in FORMS if each.stem != "config"], ids=lambda path: path.stem
)
def test_an_issue_form_is_one(path):
    """GitHub's rules: https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests."""
    form = yaml.safe_load(path.read_text())
    assert set(form) <= {
        "name",
        "description",
        "title",
        "labels",
        "assignees",
        "projects",
        "type",
        "body",
    }
    assert form["name"]
    assert form["description"]
    ids = [each["id"] for each in form["body"] if each["type"] != "markdown"]
    assert len(ids) == len(set(ids))
    for each in form["body"]:
        assert each["type"] in ELEMENTS
        assert set(each) <= {"type", "id", "attributes", "validations"}
        assert each["attributes"]["value" if each["type"] == "markdown" else "label"]
        assert set(each.get("validations", {})) <= {"required"}
        if each["type"] == "dropdown":
            options = each["attributes"]["options"]
            assert len(options) == len(set(options)) > 1


LOG = """# Changelog

## [Unreleased]

## [1.2.0] - 2026-12-01

### Added

- It.

## [1.1.0] - 2026-11-01

- Old.
"""


def test_notes_of_a_release_are_its_section():
    assert notes("v1.2.0", "1.2.0", LOG) == "### Added\n\n- It.\n"


@pytest.mark.parametrize(
    ("tag", "version", "log", "reason"),
    [
        ("v1.3.0", "1.2.0", LOG, "says 1.2.0"),
        ("1.2.0", "1.2.0", LOG, "the tag is 1.2.0"),
        ("v1.4.0", "1.4.0", LOG, "no section"),
        ("v1.2.0", "1.2.0", LOG.replace(" - 2026-12-01", ""), "no section"),
        ("v1.2.0", "1.2.0", LOG.replace("d]\n", "d]\n\n- More.\n"), "under Unreleased: - More."),
    ],
)
def test_a_tag_that_does_not_fit_is_no_release(tag, version, log, reason):
    with pytest.raises(NotReadyError, match=reason):
        notes(tag, version, log)


def test_both_distributions_have_one_version(monkeypatch):
    assert agreed() == dagfactory.__version__
    monkeypatch.setattr("trainer.__version__", "9.9.9")
    with pytest.raises(NotReadyError, match=r"9\.9\.9"):
        agreed()


KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


def test_the_changelog_has_the_form_of_keep_a_changelog():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE)[0] == "[Unreleased]"
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        assert re.match(r"\[(Unreleased|\d+\.\d+\.\d+)\]( - \d{4}-\d{2}-\d{2})?\n", section)
        kinds = re.findall(r"^### (.*)$", section, re.MULTILINE)
        assert kinds == sorted(set(kinds), key=KINDS.index)
