"""Sums to the cent, and by what law they grow."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagfactory.catalogue.prices import COMPUTE, price
from dagfactory.cost.terms import Work

A3 = {
    "core": (0.0293227, 0.010934, 0.0038247),
    "gb": (0.0025534, 0.000952, 0.0003331),
    "gpu": (11.2660332, 4.200761, 1.4694826),
}
"""SKUs of the A3 in Iowa: training, flex-start, management fee (price_sources.csv names their ids)."""
SSD, DISK = 0.0001096, 0.0002678


def a3(gpus):
    """Return an hour of so many eighths of an A3: standard, flex-start without and with the fee."""
    shape = {"core": 26 * gpus, "gb": 234 * gpus, "gpu": gpus}
    sums = [sum(shape[each] * A3[each][at] for each in shape) for at in range(3)]
    flex = sums[1] + 750 * gpus * SSD
    return {"standard": sums[0], "compute": flex, "flex_start": flex + sums[2]}


def machine(name, way="standard", **more):
    return {"machine": {"type": name, "provisioning": way, **more}}


@pytest.mark.parametrize(
    ("gpus", "way", "usd"),
    [
        (8, "flex_start", 51.495),
        (8, "standard", 101.007),
        (1, "standard", 12.626),
        (1, "flex_start", 6.437),
    ],
)
def test_an_hour_costs_what_the_skus_of_a_bill_add_up_to(cost, gpus, way, usd):
    name = f"a3-highgpu-{gpus}g"
    found = price(name, "us-central1", way)
    assert found.amount == pytest.approx(a3(gpus)[way], abs=1e-5)
    assert found.amount == pytest.approx(usd, abs=0.0005)
    # the smaller shape has a list price, and is not sold on demand
    if (gpus, way) != (1, "standard"):
        (term,) = cost({"fit": machine(name, way)}).run
        assert term.usd == pytest.approx(usd + 100 * DISK, abs=0.0005)


def test_gke_pays_no_fee():
    found = price("a3-highgpu-8g", "us-central1", "flex_start", COMPUTE)
    assert found.amount == pytest.approx(a3(8)["compute"], abs=1e-5)
    assert round(found.amount, 2) == 38.32


def test_the_default_machine_of_an_endpoint(cost):
    found = cost({"up": {"type": "deploy", "model": "m", "endpoint": "e"}})
    assert round(found.month_usd, 2) == 159.5
    assert found.run_usd == 0


def test_what_is_known_of_hours_is_said(cost):
    measured = {"jobs": 4, "total": 8, "median": 2, "p90": 3, "until": "2026-11-30"}
    usage = {"tasks": {"a": {"hours": 3}, "b": {"hours": 2, "measured": measured}}}
    found = cost({name: machine("n1-standard-4") for name in "abc"}, usage=usage)
    assert {each.name: (each.work.hours, each.kind) for each in found.run} == {
        "a": (3, "given"),
        "b": (2, "measured"),
        "c": (1, "assumed"),
    }


def test_spot_has_its_preemptions_unless_they_were_measured(cost):
    task = {"fit": machine("a2-highgpu-4g", "spot", disk={"type": "pd-standard"})}
    usage = {"tasks": {"fit": {"hours": 5}}}
    assert cost(task, usage=usage).run_usd == pytest.approx(56.30, abs=0.01)
    measured = {"jobs": 1, "total": 5, "median": 5, "p90": 5, "until": "2026-11-30"}
    usage["tasks"]["fit"]["measured"] = measured
    assert cost(task, usage=usage).run_usd == pytest.approx(49.58, abs=0.01)


def test_attached_gpus_and_replicas_are_counted(cost):
    gpu = {"type": "NVIDIA_TESLA_T4", "count": 2}
    found = cost({"fit": machine("n1-standard-8", accelerator=gpu, replicas=3)})
    rate = 0.436991 + 2 * 0.4025 + 100 * DISK
    assert found.run_usd == pytest.approx(3 * rate, abs=1e-4)


def test_a_pack_is_one_job_and_a_rung_is_shorter_than_the_last(cost):
    sweep = {
        "type": "sweep",
        "module": "my_team.fit",
        "metric": {"name": "a", "goal": "maximize"},
        **machine("n1-standard-4"),
        "parameters": {"rate": {"values": [1, 2, 3, 4, 5, 6, 7, 8, 9]}},
    }
    (packed,) = cost({"s": sweep | {"pack": {"trials": 4, "varying": ["rate"]}}}).run
    assert (packed.work.jobs, packed.work.trials) == (3, 9)
    grown = {"argument": "epochs", "min": 1, "max": 9}
    rungs = cost({"s": sweep | {"method": "halving", "trials": 9, "halving": grown}}).run
    assert {each.name: (each.work.jobs, round(each.work.hours, 3)) for each in rungs} == {
        "s, rung 0": (9, 0.111),
        "s, rung 1": (3, 0.333),
        "s, rung 2": (1, 1.0),
    }


@pytest.mark.parametrize("name", ["n2-standard-8", "n4-standard-4"])
def test_an_unknown_machine_is_a_finding_and_not_0(cost, name):
    found = cost({"fit": machine(name)})
    assert [each.code for each in found.problems] == ["DF335"]
    assert name in found.problems[0].message


def test_an_unknown_region_is_a_finding(cost):
    found = cost({"fit": machine("n1-standard-8")}, environment={"region": "mars-north1"})
    assert [each.code for each in found.problems] == ["DF335"]


def test_own_prices_come_first(cost):
    own = {"type": "n2-standard-8", "region": "us-central1", "standard": "0.5 USD"}
    said = {"date": "2026-11-01", "source": "our contract"}
    disk = {"item": "disk_pd_ssd", "usd": 0.001, **said}
    prices = {"machines": [own | said], "services": [disk]}
    found = cost({"fit": machine("n2-standard-8")}, environment={"prices": prices})
    assert found.run_usd == pytest.approx(0.6)
    assert {each.rate.source for each in found.run[0].parts} == {"our contract"}


def test_composer_is_an_input(cost):
    said = {"date": "2026-11-01", "source": "bill"}
    used = {"prices": {"composer": {"dcu": 5, "database_gib": 10, "pipelines": 4, **said}}}
    found = cost({"a": {"type": "empty"}}, environment=used)
    assert found.month_usd == pytest.approx(730 * (5 * 0.06 + 10 * 0.000232877) / 4)
    assert "DCUs" not in " ".join(found.notes)
    assert "DCUs an environment uses is not published" in cost({"a": {"type": "empty"}}).notes[0]


def test_queries_and_storage_are_paid_where_their_size_is_known(cost):
    tasks = {"q": {"type": "bigquery", "query": "SELECT 1"}}
    found = cost(tasks, usage={"storage_gb": 100, "tasks": {"q": {"tib": 0.5}}})
    assert found.run_usd == pytest.approx(3.125)
    assert found.month_usd == pytest.approx(3.125 + 2)
    assert any("`q` reads" in each for each in cost(tasks).notes)


def test_usage_that_counts_nothing_is_said_to(cost):
    tasks = {"fit": machine("n1-standard-4"), "q": {"type": "bigquery", "query": "SELECT 1"}}
    found = cost(tasks, usage={"tasks": {"fit": {"replicas": 2}, "q": {"tib": 0.5}}})
    said = [each for each in found.notes if "counts nothing" in each]
    assert said == ["`fit`: its `replicas` counts nothing; only that of deploy does"]


@settings(max_examples=50)
@given(
    st.floats(0.01, 1e4),
    st.integers(1, 500),
    st.integers(1, 500),
    st.floats(0, 0.9),
    st.floats(1.01, 9),
)
def test_machine_hours_are_linear_and_grow(hours, jobs, replicas, lost, factor):
    def of(**changed):
        fields = {"hours": hours, "jobs": jobs, "replicas": replicas, "lost": lost} | changed
        return Work("m", "r", "spot", **fields).machine_hours

    for name, value in (("hours", hours), ("jobs", jobs), ("replicas", replicas)):
        assert of(**{name: factor * value}) == pytest.approx(factor * of())
    assert of(lost=lost + 0.01) > of() >= of(lost=0)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.floats(0.1, 100), st.integers(1, 20), st.sampled_from(["standard", "spot"]))
def test_an_estimate_is_linear_in_hours_and_replicas(cost, hours, replicas, way):
    def usd(hours, replicas):
        task = {"fit": machine("a2-highgpu-1g", way, replicas=replicas)}
        return cost(task, usage={"tasks": {"fit": {"hours": hours}}}).run_usd

    assert usd(hours, replicas) == pytest.approx(usd(1, 1) * hours * replicas)


def test_the_dearest_term_comes_first(cost):
    tasks = {"a": machine("n1-standard-4"), "b": machine("a2-highgpu-4g")}
    assert [each.name for each in cost(tasks).run] == ["b", "a"]


def test_a_run_of_a_compiled_pipeline_has_its_fee_and_what_it_lacks_is_said(cost):
    found = cost({"judge": {"type": "pipeline", "template": "gs://b/t.json"}})
    assert found.run_usd == pytest.approx(0.03)
    assert any("compiled pipelines" in each for each in found.notes)
