"""Names that other systems restrict; the types stand here because a checker wants them imported."""

from __future__ import annotations

from dagfactory.language.common import pattern

DagId = pattern(
    r"[A-Za-z0-9_.-]{1,250}",
    "a DAG id",
    "use letters, digits, `_`, `-` and `.`",
    may_be_open=True,
)
DataflowJobName = pattern(
    r"[a-z](?:[-a-z0-9]*[a-z0-9])?",
    "the name of a Dataflow job",
    "use a-z, 0-9 and `-`, beginning with a letter",
    may_be_open=True,
)
KubernetesName = pattern(
    r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?",
    "a Kubernetes name",
    "use a-z, 0-9 and `-`, at most 63 characters",
    may_be_open=True,
)
EnvName = pattern(
    r"[A-Za-z_][A-Za-z0-9_]*", "an environment variable", "use letters, digits and `_`"
)
VersionAlias = pattern(
    r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]",
    "an alias of a model version",
    "use letters, digits and `-`, beginning with a small letter and ending with one or a digit",
    may_be_open=True,
)
SourceName = pattern(
    r"(?!(?:params|metrics|true|false|and|or|not|in|is|if|else|for|lambda|None|True|False)$)[A-Za-z_]\w{0,62}",
    "a name of metrics",
    "use letters, digits and `_`, and no word of conditions such as `params`",
)
