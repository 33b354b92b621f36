"""Which tasks have ended for certain when another one begins, groups and their members included."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from dagfactory.compiler.plan.cycles import moments

if TYPE_CHECKING:
    from dagfactory.compiler.plan.cycles import Moment
    from dagfactory.compiler.plan.model import Plan


class Order:
    """The order of a plan's tasks; where they wait for each other in a circle nothing is known of any."""

    def __init__(self, plan: Plan) -> None:
        graph = moments(plan.tasks, plan.edges)
        self._bits = {name: 1 << index for index, name in enumerate(plan.tasks)}
        # a set of tasks is a number with a bit for each: of thousands, sets of names for every
        # task take gigabytes
        self._ended: dict[Moment, int] = {}
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError:
            return
        for moment in order:
            ended = 0
            for before in graph[moment]:
                ended |= self._ended[before]
            self._ended[moment] = ended | (self._bits[moment[0]] if moment[1] == "end" else 0)

    def has_ended(self, task: str, before: str) -> bool:
        """Whether a task or group has ended whenever another one begins."""
        return bool(self._ended.get((before, "begin"), 0) & self._bits[task])
