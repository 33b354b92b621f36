"""TensorBoards: instances, experiments, runs, and the scalars that were written to them."""

from typing import Any

from google.protobuf import json_format

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.metadata.collection import Collection, Kind, View
from dagfactory.emulator.protos import VERTEX, vertex
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex import resource_names
from dagfactory.emulator.vertex.operations import Operations

SERVICE = f"{VERTEX}.TensorboardService"
BOARD = "projects/*/locations/*/tensorboards/*"
BOARDS = Kind(SERVICE, "Tensorboard", "projects/*/locations/*", "tensorboards", slow=True)
EXPERIMENTS = Kind(SERVICE, "TensorboardExperiment", BOARD, "experiments")
RUNS = Kind(SERVICE, "TensorboardRun", f"{BOARD}/experiments/*", "runs")
SERIES = Kind(
    SERVICE,
    "TensorboardTimeSeries",
    f"{BOARD}/experiments/*/runs/*",
    "timeSeries",
    plural="tensorboard_time_series",
)
_POINTS = "points"  # a TimeSeriesData, kept below its time series


class Boards(Collection):
    """The TensorBoard instances."""

    def create(self, request: Any) -> Any:
        """Create an instance; raises INVALID_ARGUMENT without a display name."""
        resource_names.require_display_name(request.tensorboard)
        return super().create(request)

    def view(self, text: str) -> View:  # noqa: ARG002 - as of other collections
        """Return how an instance looks to a filter: one that is no default says so."""
        return lambda board: {"isDefault": False, **json_format.MessageToDict(board)}


class Points:
    """What is written to the time series of runs, and read again."""

    def __init__(self, store: ResourceStore) -> None:
        self._store = store

    def methods(self) -> list[Method]:
        """Return the rows of the route table for data."""
        run = f"/v1/{{tensorboard_run={RUNS.parent}/runs/*}}:write"
        experiment = f"/v1/{{tensorboard_experiment={BOARD}/experiments/*}}:write"
        read = f"/v1/{{tensorboard_time_series={SERIES.parent}/timeSeries/*}}:read"
        several = f"/v1/{{tensorboard={BOARD}}}:batchRead"
        rows = [
            ("WriteTensorboardRunData", "POST", run, self.write, "*"),
            ("WriteTensorboardExperimentData", "POST", experiment, self.write_all, "*"),
            ("ReadTensorboardTimeSeriesData", "GET", read, self.read, ""),
            ("BatchReadTensorboardTimeSeriesData", "GET", several, self.read_all, ""),
        ]
        return [Method(SERVICE, *row) for row in rows]

    def write(self, request: Any) -> Any:
        """Add points to the time series of a run; a step that is there is replaced."""
        with self._store.transaction():
            for data in request.time_series_data:
                series = f"{request.tensorboard_run}/timeSeries/{data.tensorboard_time_series_id}"
                self._add(series, data)
        return vertex("WriteTensorboardRunDataResponse")

    def write_all(self, request: Any) -> Any:
        """Add points to the time series of several runs of an experiment."""
        for each in request.write_run_data_requests:
            if not each.tensorboard_run.startswith(f"{request.tensorboard_experiment}/runs/"):
                message = f"{each.tensorboard_run} is not in {request.tensorboard_experiment}."
                raise ApiError("INVALID_ARGUMENT", message)
            self.write(each)
        return vertex("WriteTensorboardExperimentDataResponse")

    def read(self, request: Any) -> Any:
        """Return the points of a time series, the first `max_data_points` of them."""
        data = self._points(request.tensorboard_time_series)
        if request.max_data_points:
            del data.values[request.max_data_points :]
        return vertex("ReadTensorboardTimeSeriesDataResponse", time_series_data=data)

    def read_all(self, request: Any) -> Any:
        """Return the points of several time series."""
        found = [self._points(name) for name in request.time_series]
        return vertex("BatchReadTensorboardTimeSeriesDataResponse", time_series_data=found)

    def _add(self, name: str, data: Any) -> None:
        points = self._points(name)
        steps = {each.step: each for each in (*points.values, *data.values)}
        made = vertex("TimeSeriesData")
        made.CopyFrom(points)
        made.value_type = data.value_type or made.value_type
        del made.values[:]
        made.values.extend(steps[step] for step in sorted(steps))
        self._store.put(f"{name}/{_POINTS}", made)

    def _points(self, name: str) -> Any:
        series = self._store.get(name)
        if f"{name}/{_POINTS}" in self._store.names():
            return self._store.get(f"{name}/{_POINTS}")
        number = resource_names.last(name)
        fields = {"tensorboard_time_series_id": number, "value_type": series.value_type}
        return vertex("TimeSeriesData", **fields)


def parts(store: ResourceStore, operations: Operations) -> list[Collection | Points]:
    """Return everything of TensorboardService that is served."""
    others = [Collection(store, operations, kind) for kind in (EXPERIMENTS, RUNS, SERIES)]
    return [Boards(store, operations, BOARDS), *others, Points(store)]
