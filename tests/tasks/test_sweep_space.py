"""The search space of a sweep: what the runtime and Vertex AI's study are told, what the next job gets."""

from __future__ import annotations

import pytest

from dagfactory.compiler.lower.dag import lower

SWEEP = """type: sweep
module: own
image: r/i:1
machine: {type: n1-standard-4}
metric: {name: loss, goal: minimize}
"""
NESTED = """
parameters:
  optimizer: {values: [sgd, adam]}
  momentum: {values: [0.8, 0.9], when: optimizer == 'sgd'}
  model: {parameters: {width: {min: 8, max: 24, step: 8}, hidden: {values: [[64, 64], [128]]}}}
"""


@pytest.fixture
def group(compiled):
    """Return the group that a sweep becomes."""

    def made(body):
        found = compiled(SWEEP + body)
        assert found.plan, found.diagnostics
        return lower(found.plan, source="x").members[-1]

    return made


@pytest.fixture
def faults(compiled):
    """Return the messages of the findings of a sweep."""
    return lambda body: [each.message for each in compiled(SWEEP + body).diagnostics]


def test_the_runtime_is_told_names_conditions_and_steps(group):
    sweep = (
        group(NESTED + "constraints: [model.width * momentum < 20]\n").members[0].arguments["sweep"]
    )
    assert sweep == {
        "method": "grid",
        "parameters": {
            "optimizer": ["sgd", "adam"],
            "momentum": [0.8, 0.9],
            "model.width": {"min": 8, "max": 24, "step": 8},
            "model.hidden": [[64, 64], [128]],
        },
        "when": {"momentum": ["cmp", ["metric", "optimizer"], "==", ["str", "sgd"]]},
        "constraints": [
            ["cmp", ["*", ["metric", "model.width"], ["metric", "momentum"]], "<", ["num", 20]]
        ],
    }


def test_outputs_are_found_below_the_first_part_of_a_name(compiled):
    outputs = compiled(SWEEP + NESTED).plan.tasks["it"].outputs["parameters"]
    assert "['model.width']" in outputs["model"]["width"]
    assert ".get('momentum') }}" in outputs["momentum"]


def test_a_study_has_conditional_parameters_and_its_own_rules(group):
    study = (
        group(
            "method: bayes\ntrials: 9\nalgorithm: random\nmeasurement: best\nmax_failed_trials: 2\n"
            "early_stopping: {rule: convex, by: seconds, max_steps: 60, learning_rate: momentum}"
            + NESTED
        )
        .members[0]
        .arguments["study"]
    )
    assert study == {
        "studySpec": {
            "metrics": [{"metricId": "loss", "goal": "MINIMIZE"}],
            "parameters": [
                {
                    "parameterId": "optimizer",
                    "categoricalValueSpec": {"values": ["sgd", "adam"]},
                    "conditionalParameterSpecs": [
                        {
                            "parentCategoricalValues": {"values": ["sgd"]},
                            "parameterSpec": {
                                "parameterId": "momentum",
                                "discreteValueSpec": {"values": [0.8, 0.9]},
                            },
                        }
                    ],
                },
                {"parameterId": "model.width", "discreteValueSpec": {"values": [8, 16, 24]}},
                {
                    "parameterId": "model.hidden",
                    "categoricalValueSpec": {"values": ["[64,64]", "[128]"]},
                },
            ],
            "algorithm": "RANDOM_SEARCH",
            "measurementSelectionType": "BEST_MEASUREMENT",
            "convexAutomatedStoppingSpec": {
                "useElapsedDuration": True,
                "maxStepCount": 60,
                "learningRateParameterName": "momentum",
            },
        },
        "maxTrialCount": 9,
        "parallelTrialCount": 4,
        "maxFailedTrialCount": 2,
    }


def test_a_median_rule_is_a_word(group):
    body = "method: bayes\ntrials: 2\nearly_stopping: median\nparameters: {a: {min: 1, max: 4}}"
    spec = group(body).members[0].arguments["study"]["studySpec"]
    assert spec["medianAutomatedStoppingSpec"] == {}


DRAWN = "method: random\ntrials: 3\n"
BAYES = "method: bayes\ntrials: 2\n"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            BAYES + "parameters: {a: {values: [1, 2]}}\nconstraints: [a < 2]",
            "`constraints` has no place",
        ),
        (
            BAYES + "parameters: {a: {values: [1, 2]}, b: {values: [1, 2]}}\nzip: [[a, b]]",
            "`zip` has no place",
        ),
        (BAYES + "parameters: {a: {min: 0, max: 1, step: 0.0001}}", "10,001 values are more"),
        (BAYES + "algorithm: grid\nparameters: {a: {min: 0.5, max: 1}}", "no range of fractions"),
        (BAYES + "arguments: argparse\nparameters: {a: {values: [[1], [2]]}}", "a list as"),
        (
            BAYES
            + "early_stopping: {rule: median, max_steps: 3}\nparameters: {a: {min: 1, max: 4}}",
            "means nothing",
        ),
        ("algorithm: random\nparameters: {a: {values: [1, 2]}}", "means nothing to `method: grid`"),
        (
            "parameters: {a.b: {values: [1]}, a: {parameters: {b: {values: [2]}}}}",
            "`a.b` is there twice",
        ),
        ("parameters: {a: {values: [1], parameters: {b: {values: [2]}}}}", "exclude each other"),
        ("parameters: {a: {parameters: {b: {values: [2]}}, when: c == 1}}", "has no `when`"),
        ("parameters: {a: {values: [1, 2]}}\nexclude: [{a: 3}]", "`a` never is 3"),
        ("parameters: {a: {min: 1, max: 5, step: 2}}\nexclude: [{a: 2}]", "`a` never is 2"),
        (
            NESTED + "include: [{optimizer: sgd, model.width: 8, model.hidden: [1]}]",
            "lacks `momentum`",
        ),
        (
            "parameters: {a: {values: [1, 2]}, b: {values: [1, 2]}}\nconstraints: [a + b > 9]",
            "holds for none",
        ),
        (
            "parameters: {a: {values: [[1], [2]]}}\nconstraints: [a > 1]",
            "hyperparameter a is a list",
        ),
        ("parameters: {a: {values: [1, 2]}}\nconstraints: ['1 < 2']", "names no hyperparameter"),
        ("parameters: {a: {values: [1, 2]}, b: {min: 1, max: 2}}\nzip: [[a, b]]", "`b` is a range"),
        ("parameters: {a: {values: [1, 2]}}\nzip: [[a]]", "goes together with nothing"),
        ("parameters: {a: {values: [1, '1']}}", "is the same argument as"),
        (BAYES + "parameters: {a: {values: [1, .nan]}}", "nan is not a value that"),
        (BAYES + "parameters: {a: {values: [1, 1.00000000001]}}", "closer than Vertex AI takes"),
        (DRAWN + "parameters: {a: {min: 0, max: .inf}}", "`max` inf is not a finite number"),
        (DRAWN + "parameters: {a: {min: .nan, max: 1}}", "`min` nan is not a finite number"),
        (DRAWN + "parameters: {a: {min: -1e308, max: 1e308, step: 1}}", "too wide"),
        (DRAWN + "parameters: {a: {min: 0, max: 1e300, step: 1e-300}}", "too many steps"),
        (
            BAYES
            + "early_stopping: {rule: convex, learning_rate: lr}\nparameters: {a: {min: 1, max: 2}}",
            "`lr` is not a hyperparameter",
        ),
        (
            "include: [{a: 2, b: 3}]\nparameters: {a: {values: [1, 2]}, b: {values: [3], when: a < 2}}",
            "has no `b`",
        ),
        (
            "parameters: {a: {values: [1, 2]}}\nconstraints: [a < 5]\ninclude: [{a: 9}]",
            "does not fit the `constraints`",
        ),
    ],
)
def test_what_cannot_be(faults, body, words):
    assert words in "\n".join(faults(body))


def test_a_condition_is_a_list_of_one(compiled):
    (found,) = compiled(
        SWEEP + "parameters: {a: {values: [1, 9]}}\nconstraints: a * 2 <= 5"
    ).diagnostics
    assert found.help == 'write it as a list: `["a * 2 <= 5"]`'


@pytest.mark.parametrize(
    ("condition", "help_"),
    [
        ("o == sgd", "in quotes it is a value: `'sgd'`"),
        ("o == 'sdg'", "compare it with values that there are: sgd, adam"),
        ("n % 2 == 0", "a condition holds parameters, numbers, text"),
        ("n == nn", "did you mean"),
    ],
)
def test_a_condition_that_is_mistyped_says_what_to_write(compiled, condition, help_):
    body = f"parameters: {{o: {{values: [sgd, adam]}}, n: {{values: [1, 2]}}}}\nconstraints: [{condition}]"
    (found,) = compiled(SWEEP + body).diagnostics
    assert found.help.startswith(help_)


def test_one_step_is_room_enough(faults):
    assert faults("parameters: {a: {min: 0.2, max: 0.3, step: 0.1}}") == []


def test_an_added_point_needs_what_it_has_and_no_more(faults):
    adam = "{optimizer: adam, model.width: 8, model.hidden: [64, 64]}"
    assert faults(NESTED + f"include: [{adam}]\n") == []


def test_of_those_that_go_together_one_may_stay_the_same(faults):
    assert (
        faults("parameters: {a: {values: [1, 2, 3]}, b: {values: [1, 1, 2]}}\nzip: [[a, b]]") == []
    )


def test_a_billion_steps_are_not_written_out(faults):
    fine = "a: {min: 0, max: 1, step: 1e-9}, b: {values: [1, 2], when: a > 0.5}"
    assert faults(f"method: random\ntrials: 4\nparameters: {{{fine}}}") == []
    assert "more than 10,000" in faults(f"parameters: {{{fine}}}")[0]
