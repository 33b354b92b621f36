"""What a user can get wrong, as data: codes, diagnostics and their order.

A diagnostic is never raised. Passes collect them; only `dagfactory.report` prints them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from dagfactory.diagnostics.span import KeyPath, Pointer, Span


class DagfactoryError(Exception):
    """Something the user can repair that has no place in a file; its text is one plain line."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding: a stable short name and a sentence for lists."""

    name: str
    summary: str


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that helps to understand a diagnostic, with a few words."""

    place: Span | Pointer
    text: str

    @property
    def span(self) -> Span:
        """Return the place in the file; raises TypeError for a diagnostic that was never located."""
        return _located(self.place)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: what is wrong, where, and how to repair it.

    A pass that works on models knows a `Pointer` only; `document.locate` turns it into a `Span`
    before anything is reported. With `hidden` no report shows the text there: it may be a secret.
    """

    code: str
    message: str
    place: Span | Pointer | None
    help: str | None = None
    notes: tuple[str, ...] = ()
    labels: tuple[Label, ...] = ()
    severity: Literal["error", "warning"] = "error"
    hidden: bool = False

    @property
    def span(self) -> Span | None:
        """Return the place in the file; raises TypeError for a diagnostic that was never located."""
        return _located(self.place) if self.place else None

    def below(self, prefix: KeyPath) -> Diagnostic:
        """Return the diagnostic with its locations taken below `prefix`."""
        place = self.place.below(prefix) if isinstance(self.place, Pointer) else self.place
        labels = tuple(
            replace(each, place=each.place.below(prefix))
            if isinstance(each.place, Pointer)
            else each
            for each in self.labels
        )
        return replace(self, place=place, labels=labels)


def _located(place: Span | Pointer) -> Span:
    if isinstance(place, Pointer):
        raise TypeError(f"{place} has no place in a file yet")
    return place


# Ranges: DF10x loading, DF11x resolving, DF12x validating; later passes continue with DF2xx and up.
# Each code has a section in docs/errors.md; tests/diagnostics/test_errors_doc.py executes the examples.
CODES: dict[str, Code] = {
    "DF101": Code("unreadable-file", "a file cannot be read as UTF-8 text"),
    "DF102": Code("yaml-syntax", "the text is not valid YAML"),
    "DF103": Code("duplicate-key", "a mapping has the same key twice"),
    "DF104": Code("unsupported-yaml", "a YAML feature that specs do not use"),
    "DF105": Code("hidden-character", "a character that changes text without being seen"),
    "DF106": Code("key-not-text", "a key that is not text"),
    "DF107": Code("too-large", "a document beyond the limits of the loader"),
    "DF108": Code("bad-alias", "an alias without a usable anchor"),
    "DF109": Code("number-out-of-range", "a number that cannot be kept exactly"),
    "DF110": Code("unknown-environment", "an environment that does not exist"),
    "DF111": Code("unknown-variable", "a reference to a variable that is not defined"),
    "DF112": Code("unknown-environment-field", "a reference to a field no environment has"),
    "DF113": Code("no-environment", "a reference to the environment when none is chosen"),
    "DF114": Code("reference-cycle", "variables that refer to each other in a circle"),
    "DF115": Code("bad-reference", "a ${...} that cannot be read"),
    "DF116": Code("reference-in-text", "a list or mapping in the middle of a text"),
    "DF120": Code("unknown-key", "a key that means nothing here"),
    "DF121": Code("missing-key", "a required key is absent"),
    "DF122": Code("wrong-type", "a value of the wrong type"),
    "DF123": Code("bad-value", "a value that is not allowed"),
    "DF124": Code("not-a-choice", "a value outside a fixed set"),
    "DF125": Code("unknown-task-type", "a task type that does not exist"),
    "DF201": Code("duplicate-task", "a task id used in two groups"),
    "DF202": Code("unknown-task", "the name of a task that does not exist"),
    "DF203": Code("impossible-dependency", "a task that would wait for itself or its group"),
    "DF204": Code("unknown-output", "an output that a task does not have"),
    "DF205": Code("unknown-parameter", "a parameter that is not declared"),
    "DF206": Code("task-cycle", "tasks that wait for each other in a circle"),
    "DF207": Code("argument-set-twice", "an argument that the task sets by another key"),
    "DF208": Code("trial-count", "a sweep without trials, or with too many"),
    "DF209": Code("idle-exclusion", "an exclusion that excludes nothing"),
    "DF210": Code("branch-on-both-sides", "a task behind both sides of a gate"),
    "DF211": Code("gate-expression", "a condition that cannot be read"),
    "DF212": Code("operator-argument", "an argument that an operator cannot be given here"),
    "DF213": Code("pipeline-id-taken", "two files with the same pipeline id"),
    "DF214": Code("idle-key", "a key that has no effect on this type of task"),
    "DF215": Code("early-reference", "a reference in a place that Airflow reads before any run"),
    "DF216": Code("template-syntax", "a text with {{ or {% that Airflow could not render"),
    "DF217": Code("other-combination", "a combination to include that is not one of the sweep's"),
    "DF218": Code("range-in-a-grid", "a range where every value is tried"),
    "DF219": Code("same-value-twice", "two values of a hyperparameter that are one argument"),
    "DF220": Code("item-without-for-each", "${each} in a task that is not run for each item"),
    "DF221": Code("unknown-item-key", "a key that an item of for_each does not have"),
    "DF222": Code("not-for-each", "a task of a type that cannot be run for each item"),
    "DF223": Code("not-a-list", "for_each over something that is not a list"),
    "DF224": Code("teardown", "a setup or teardown that could not work as one"),
    "DF225": Code("fail-fast", "a trigger rule in a pipeline that stops at its first failure"),
    "DF226": Code("not-packable", "trials in one job that cannot train together"),
    "DF227": Code("unused-source", "metrics that a gate reads and its condition does not ask for"),
    "DF228": Code("default-lacks", "a default that lacks a metric of the condition"),
    "DF229": Code("no-approvals-here", "an approval where Airflow cannot ask for one"),
    "DF230": Code("no-such-code", "a script, folder or file that the project does not have"),
    "DF231": Code("no-such-module", "a module that the package does not have"),
    "DF232": Code("more-than-code", "a package that is too large for one"),
    "DF233": Code("python-syntax", "a Python file that is not Python"),
    "DF234": Code("bad-requirement", "a requirement that a package cannot have"),
    "DF235": Code("no-such-function", "a function that the project's code does not have"),
    "DF236": Code("function-arguments", "arguments that a function does not take"),
    "DF237": Code("trial-condition", "a condition of a sweep that cannot be decided"),
    "DF238": Code("bad-zip", "hyperparameters that cannot go together"),
    "DF239": Code("idle-condition", "a condition of a sweep that changes nothing"),
    "DF301": Code("moving-image", "an image that can change between two runs"),
    "DF302": Code("plain-secret", "a secret written into the spec"),
    "DF303": Code("no-such-metric", "a metric that nothing writes"),
    "DF304": Code("never-runs", "a task that needs both sides of a gate"),
    "DF305": Code("spot-without-restart", "a Spot job that ends with its first preemption"),
    "DF306": Code("restarts-multiply", "many retries on top of the restarts of Vertex AI"),
    "DF307": Code("machine-not-there", "a machine that the region does not offer"),
    "DF308": Code("unknown-accelerator", "a GPU type that Vertex AI does not know"),
    "DF309": Code("not-on-demand", "a machine that is not sold on demand"),
    "DF310": Code("never-scheduled", "a schedule that never fires"),
    "DF311": Code("output-of-other-side", "an output of the side that a gate did not take"),
    "DF312": Code("name-limit", "a name or label that Vertex AI refuses"),
    "DF313": Code("trainer-argument", "an argument that the trainer refuses"),
    "DF314": Code("skipped-join", "a task that a gate skips by the way"),
    "DF315": Code("unordered-read", "an address that another task writes, without waiting for it"),
    "DF316": Code("spot-from-scratch", "a Spot job of which nothing says that it resumes"),
    "DF317": Code("unregistered-model", "the files of a model where a registered one belongs"),
    "DF318": Code("seconds-in-cron", "a cron text with a field for seconds"),
    "DF324": Code("idle-pack", "a pack that no two trials can share"),
    "DF330": Code("operator-signature", "an argument that an operator's class does not have"),
    "DF331": Code("teardown-too-early", "a task that a teardown does not wait for"),
    "DF332": Code("delay-from-when", "a delay behind other tasks that counts from another moment"),
    "DF333": Code("curly-quote", "a typographic quote in a command"),
    "DF334": Code("over-budget", "a pipeline that costs more than its budget"),
    "DF335": Code("no-price", "a machine whose price nobody knows"),
    "DF336": Code("large-sweep", "a sweep that costs more than anybody may have meant"),
    "DF337": Code("equal-values", "a value of a hyperparameter that is there twice"),
    "DF338": Code("folder-and-name", "a folder's address and a name that run together"),
    "DF341": Code("unknown-pool", "a pool that no environment file declares"),
    "DF342": Code("no-deadlines-here", "a deadline where Airflow cannot keep one"),
    "DF343": Code("unknown-machine", "a machine type that custom training does not have"),
    "DF344": Code(
        "accelerator-mismatch", "an accelerator, or a number of it, that a machine lacks"
    ),
    "DF345": Code("not-bought-so", "a machine that cannot be bought this way"),
    "DF346": Code("flex-start-too-long", "a flex-start job of more than seven days"),
    "DF347": Code("tpu-topology", "a TPU without its topology, or a topology without a TPU"),
    "DF348": Code("accelerator-ended", "a GPU that Vertex AI no longer supports"),
    "DF349": Code("tensorboard-elsewhere", "a TensorBoard of another region than the job"),
    "DF350": Code("unknown-template-name", "a name in a template that Airflow does not know"),
    "DF351": Code("name-of-another-line", "a name in a template that another Airflow has"),
    "DF352": Code("no-logical-date", "a date that runs started by assets do not have"),
    "DF353": Code("dates-differ", "a date that differs between the Airflows a spec is for"),
    "DF354": Code("secret-in-a-job", "a secret of Airflow's that a job would show"),
    "DF355": Code("value-in-a-shell", "a value of a run that a shell would read as code"),
    "DF356": Code("value-in-sql", "a value of a run that would be read as SQL"),
    "DF357": Code("not-a-compiled-pipeline", "a template that is not a compiled pipeline"),
    "DF358": Code("pipeline-parameter", "a parameter that a compiled pipeline does not take so"),
    "DF360": Code("no-such-operator", "a class that its module does not have"),
    "DF361": Code("operator-moved", "an operator of a module that is no longer there"),
    "DF365": Code("items-not-known", "a group over items that are not known when compiling"),
    "DF366": Code("items-of-one-name", "two items of a group that would share their ids"),
    "DF367": Code("values-of-all-items", "the values of all items of a group inside a text"),
    "DF368": Code("no-metrics-written", "metrics of a program that never speaks of any"),
}


def sort_key(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    """Order by file, line, column, code and message; what has no place comes first."""
    span = diagnostic.span
    place = (span.file, span.line, span.column) if span else ("", 0, 0)
    return (*place, diagnostic.code, diagnostic.message)


def tidy(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sort, and keep one of those that say the same about the same place."""
    seen: dict[tuple[str, str, Span | None], Diagnostic] = {}
    for each in sorted(diagnostics, key=sort_key):
        seen.setdefault((each.code, each.message, each.span), each)
    return list(seen.values())


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of them is an error, not just a warning."""
    return any(each.severity == "error" for each in diagnostics)
