"""How an endpoint's traffic is divided between models: integer percents that add up to 100."""

from __future__ import annotations

from collections.abc import Mapping

TOTAL_PERCENT = 100
NEW = "0"  # Vertex's name for the model being deployed


def check(traffic: Mapping[str, int]) -> None:
    """Raise ValueError unless ``new`` (and ``current``) are percents that add up to 100."""
    unknown = sorted(set(traffic) - {"new", "current"})
    if unknown or "new" not in traffic:
        raise ValueError(f"traffic has the keys new and current, not {', '.join(sorted(traffic))}")
    new = traffic["new"]
    if (
        not 0 <= new <= TOTAL_PERCENT
        or new + traffic.get("current", TOTAL_PERCENT - new) != TOTAL_PERCENT
    ):
        raise ValueError(f"the shares of {dict(traffic)} are not percents that add up to 100")


def split(new: int, others: Mapping[str, int], key: str = NEW) -> dict[str, int]:
    """Give ``new`` percent to ``key`` and the rest to the others in proportion to what they have.

    The first model of an endpoint gets everything. Others that have nothing share the rest
    equally. Rounding is by largest remainder, ties by id.
    """
    if not others:
        return {key: TOTAL_PERCENT}
    # Integers throughout: Vertex AI refuses a split that does not add up to 100.
    shares = others if sum(others.values()) else dict.fromkeys(others, 1)
    rest, total = TOTAL_PERCENT - new, sum(shares.values())
    exact = {name: rest * share for name, share in shares.items()}
    floors = {name: value // total for name, value in exact.items()}
    missing = rest - sum(floors.values())
    by_remainder = sorted(exact, key=lambda name: (-(exact[name] % total), name))
    for name in by_remainder[:missing]:
        floors[name] += 1
    return {key: new, **floors}
