"""Quotas of GPUs, in the form in which Service Usage answers; the emulator has no quotas to ask for."""

import pytest
from paths import ROOT

from dagfactory.composer.checks import Patient
from dagfactory.composer.checks.quotas import check
from dagfactory.composer.command import plans_for
from dagfactory.composer.needs import needs
from dagfactory.rest.errors import AnswerError

NAME = "custom_model_training_preemptible_nvidia_l4_gpus"


class Answers:
    """Answers one question."""

    def __init__(self, answer):
        self.answer = answer

    def get(self, _url):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def said(answer):
    plans, environment = plans_for([ROOT / "specs/arr_coc.yaml"], "prod")
    patient = Patient(environment, plans, needs(plans, environment), Answers(answer), None)
    return [(line.is_good, line.text) for line in check(patient)]


def metrics(limit):
    bucket = {"effectiveLimit": limit, "dimensions": {"region": "us-central1"}}
    limits = [{"unit": "1/{project}/{region}", "quotaBuckets": [bucket]}]
    name = f"aiplatform.googleapis.com/{NAME}"
    return {"metrics": [{"metric": name, "consumerQuotaLimits": limits}]}


@pytest.mark.parametrize("limit", ["1", "8", "-1"])
def test_a_quota_that_is_enough_is_good(limit):
    assert said(metrics(limit)) == [(True, f"quota {NAME} in us-central1")]


def test_a_quota_below_one_machine_is_found():
    [(good, text)] = said(metrics("0"))
    assert (good, text) == (False, f"quota {NAME} in us-central1 is 0, a job wants 1")


@pytest.mark.parametrize("answer", [{}, AnswerError(403, "denied")])
def test_a_quota_that_cannot_be_read_is_not_mentioned(answer):
    assert said(answer) == []
