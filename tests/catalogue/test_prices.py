"""Prices add up to what was read on bills, and each says when and by whom."""

import pytest

from dagfactory.catalogue.machines import offering, regions, shapes
from dagfactory.catalogue.prices import WAYS, price, priced_regions

# Sums of the SKUs that price_sources.csv names, from the article that lists them
BILLED = {
    ("a3-highgpu-8g", "flex_start"): 51.495,
    ("a3-highgpu-8g", "standard"): 101.007,
    ("a3-highgpu-1g", "flex_start"): 6.437,
    ("a3-highgpu-1g", "standard"): 12.626,
}


@pytest.mark.parametrize(("machine", "way"), BILLED)
def test_sums_of_a_bill(machine, way):
    found = price(machine, "us-central1", way)
    assert found
    assert found.amount == pytest.approx(BILLED[machine, way], abs=0.0005)
    assert found.date == "2025-08-16"


def test_the_price_list_of_vertex_ai():
    found = price("n1-standard-4", "us-central1", "standard")
    assert found
    assert found.amount == pytest.approx(0.21849885, abs=0.00001)


@pytest.mark.parametrize(
    "place",
    [
        ("n1-standard-4", "mars-north1", "standard"),
        ("foo", "us-central1", "spot"),
        ("g4-standard-48", "us-central1", "spot"),
        ("a2-highgpu-1g", "us-central1", "reservation"),
    ],
)
def test_what_is_not_known_has_no_price(place):
    assert price(*place) is None


def test_every_price_has_a_source_and_is_of_a_machine_that_is_offered_there():
    names = [*shapes(), *{gpu for each in shapes().values() for gpu in each.attachable}]
    found = [
        (name, region, made)
        for name in names
        for region in priced_regions(name)
        for way in WAYS
        for made in [price(name, region, way)]
        if made
    ]
    assert len(found) > 1500
    for name, region, made in found:
        gpu = shapes()[name].accelerator if name in shapes() else name
        assert made.amount > 0
        assert made.source
        assert not gpu or region in offering(gpu)


def test_a_machine_of_twice_the_size_costs_twice_as_much():
    for region in regions():
        small, large = (price(f"n1-standard-{size}", region, "standard") for size in (8, 16))
        if small and large:
            assert large.amount == pytest.approx(2 * small.amount, abs=1e-5)
