"""Data sets that no limit of the check was set with: Beijing air, an airport, a grid, rain."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from planted_mistakes.sets import ROWS, DataSet, Task, red, timed, trained
from rnnlens.demo.weather import prepare, read_weather

__all__ = [
    "FRESH",
    "SOUND",
    "airport",
    "beijing",
    "drawn",
    "few",
    "grid",
    "rain",
    "seattle",
    "walk",
]

#: Where files that do not ship may lie.
SHARED = "RNNLENS_SHARED"


def _file(name: str) -> Path | None:
    """Find a file of public measurements, where there is one."""
    folder = os.environ.get(SHARED)
    path = Path(folder, "data", name) if folder else None
    return path if path is not None and path.exists() else None


def beijing(
    epochs: int = 8, *, target: str = "pm", lead: int = 6, leak: bool = False
) -> DataSet | None:
    """Train an LSTM on two years of hourly air and weather of Beijing, scaled to 0 to 1."""
    path = _file("beijing-pm25.csv")
    if path is None:
        return None
    raw = pd.read_csv(path)
    raw = raw[raw["year"] >= 2013].reset_index(drop=True)
    table = pd.DataFrame({
        "time": pd.to_datetime(raw[["year", "month", "day", "hour"]]),
        "pm": raw["pm2.5"], "dewp": raw["DEWP"], "temp": raw["TEMP"], "pres": raw["PRES"],
        "wind": raw["Iws"], "rained": raw["Ir"],
    }).ffill().bfill()  # fmt: skip
    units = {"pm": "ug/m3", "dewp": "C", "temp": "C", "pres": "hPa", "wind": "m/s", "rained": "h"}
    task = Task(target, lead, 24, 12000)
    return trained("beijing", table, units, task, epochs, leak="wind" if leak else "")


def airport(
    epochs: int = 12, *, target: str = "temp", lead: int = 4, leak: bool = False
) -> DataSet:
    """Train a GRU on the hourly weather of 2013 at LaGuardia, standardised."""
    table = prepare(read_weather(), "LGA")[0].reset_index(names="time")
    units = {"temp": "F", "dewp": "F", "wind_u": "mph", "wind_v": "mph", "pressure": "hPa",
             "visib": "mi", "hour_sin": "-", "hour_cos": "-"}  # fmt: skip
    table = table[["time", *units]]
    task = Task(target, lead, 18, 6000, "GRU", 20)
    return trained("airport", table, units, task, epochs, leak="visib" if leak else "")


def grid(epochs: int = 25, *, lead: int = 24, leak: bool = False) -> DataSet:
    """Train a GRU on a made load of a grid, a day ahead, with days and weeks in it."""
    rng = np.random.default_rng(21)
    hour, day = np.arange(ROWS) % 24, np.arange(ROWS) // 24 % 7
    temp = 12 + 6 * np.sin(2 * np.pi * (hour - 9) / 24) + 5 * red(rng, 0.985)
    shape = 120 * np.sin(2 * np.pi * (hour - 7) / 24) + 50 * np.sin(4 * np.pi * (hour - 4) / 24)
    load = 900 + shape - 110 * (day >= 5) + 6 * np.maximum(16 - temp, 0) + 30 * red(rng, 0.9)
    angle, week = 2 * np.pi * hour / 24, 2 * np.pi * (day + hour / 24) / 7
    table = timed({"load": load, "temp": temp, "hour_sin": np.sin(angle),
                   "hour_cos": np.cos(angle), "week_sin": np.sin(week),
                   "week_cos": np.cos(week)}, 1)  # fmt: skip
    units = {"load": "MW", "temp": "C"} | dict.fromkeys(list(table.columns[3:]), "-")
    task = Task("load", lead, 24, layer="GRU")
    return trained("grid", table, units, task, epochs, leak="temp" if leak else "")


def rain(epochs: int = 20, *, leak: bool = False) -> DataSet:
    """Train an LSTM on made rain, three-hourly, dry in four of five steps, scaled to 0 to 1."""
    rng = np.random.default_rng(22)
    front = red(rng, 0.93)
    cloud = 50 + 25 * np.tanh(front + 0.4 * red(rng, 0.7)) + 5 * rng.normal(size=ROWS)
    wet = front > 0.9
    fallen = np.where(wet, 3 * (front - 0.9) * rng.gamma(1.5, 1.0, ROWS), 0.0)
    temp = 14 - 2.5 * front + 4 * red(rng, 0.98)
    table = timed({"rain": fallen, "cloud": cloud, "temp": temp}, 3)
    units = {"rain": "mm", "cloud": "%", "temp": "C"}
    return trained("rain", table, units, Task("rain", 2, 12), epochs, leak="cloud" if leak else "")


def seattle(epochs: int = 30, *, target: str = "temp_max") -> DataSet | None:
    """Train an LSTM on the daily weather of Seattle, 1,000 days of it."""
    path = _file("seattle-weather.csv")
    if path is None:
        return None
    raw = pd.read_csv(path)
    table = pd.DataFrame({
        "time": pd.to_datetime(raw["date"]), "precip": raw["precipitation"],
        "temp_max": raw["temp_max"], "temp_min": raw["temp_min"], "wind": raw["wind"],
    })  # fmt: skip
    units = {"precip": "mm", "temp_max": "C", "temp_min": "C", "wind": "m/s"}
    return trained("seattle", table, units, Task(target, 1, 14, 1000), epochs)


def walk(epochs: int = 10) -> DataSet:
    """Train on a random walk and a follower of it: nothing is better than persistence."""
    rng = np.random.default_rng(23)
    price = 100 + np.cumsum(rng.normal(size=ROWS)) * 0.5
    volume = 20 + 3 * red(rng, 0.5)
    table = timed({"price": price, "volume": volume}, 24)
    return trained("walk", table, {"price": "USD", "volume": "1"}, Task("price", 1, 10), epochs)


def few(epochs: int = 150) -> DataSet:
    """Train far too long on 300 rows of a weak process, so that it learns them by heart."""
    rng = np.random.default_rng(24)
    a = 5 + 2 * red(rng, 0.6)
    table = timed({"a": a, "b": 3 + red(rng, 0.8) + 0.3 * a}, 1)
    return trained("few", table, {"a": "C", "b": "C"}, Task("a", 2, 12, 300, units=32), epochs)


def drawn(seed: int = 0) -> DataSet:
    """Draw a process, a task and a training: two to four series that foretell each other."""
    rng = np.random.default_rng([25, seed])
    count = int(rng.integers(2, 5))
    series = np.stack([red(rng, memory) for memory in rng.uniform(0, 0.99, count)])
    mixed = series + rng.normal(0, 0.4, (count, count)) @ np.roll(series, 3, axis=1)
    if seed % 3 == 0:
        mixed[0] += np.sin(2 * np.pi * np.arange(ROWS) / 24) * rng.uniform(0, 2)
    if seed % 4 == 1:
        mixed[0] = np.maximum(mixed[0] - 1, 0)  # mostly zero
    if seed % 4 == 3:
        mixed[0] = np.exp(mixed[0] / 1.5)
    names = [f"x{k}" for k in range(count)]
    size, place = np.exp(rng.normal(1, 1.5, (2, count, 1)))
    table = timed(dict(zip(names, mixed * size + place, strict=True)), 1)
    lead, window = int(rng.choice([1, 2, 6, 12])), int(rng.choice([6, 12, 24]))
    seen, epochs = (400, 100) if seed % 5 == 2 else (3000, int(rng.choice([1, 3, 12])))
    layer = ("LSTM", "GRU", "RNN")[seed % 3]
    task = Task("x0", lead, window, seen, layer, int(rng.choice([4, 16])))
    return trained("drawn", table, dict.fromkeys(names, "1"), task, epochs)


#: The sets that mistakes are planted in.
FRESH = {"beijing": beijing, "airport": airport, "grid": grid, "rain": rain}
#: Networks that are sound, of differing skill: what makes them, with what.
SOUND = [
    (beijing, {}), (beijing, {"epochs": 1}), (beijing, {"lead": 24, "epochs": 4}),
    (beijing, {"target": "wind", "epochs": 4}), (beijing, {"target": "rained", "epochs": 4}),
    (airport, {}), (airport, {"epochs": 1}), (airport, {"target": "wind_u", "lead": 12}),
    (airport, {"target": "visib"}), (airport, {"lead": 1, "epochs": 3}),
    (grid, {}), (grid, {"epochs": 2}), (grid, {"lead": 3}), (grid, {"lead": 48, "epochs": 10}),
    (rain, {}), (rain, {"epochs": 2}),
    (seattle, {}), (seattle, {"epochs": 2}), (seattle, {"target": "precip"}),
    (seattle, {"target": "wind", "epochs": 10}),
    (walk, {}), (walk, {"epochs": 2}), (few, {}), (few, {"epochs": 30}),
    *((drawn, {"seed": seed}) for seed in range(30)),
]  # fmt: skip
