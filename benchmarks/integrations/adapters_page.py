"""Write docs/adapters.md: the worked example of each adapter, and what it was held against."""

# ruff: noqa: E501  (rows of tables have no line breaks)

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "adapters"
PAGE = HERE.parents[1] / "docs" / "adapters.md"
LIBRARIES = (
    "neuralhydrology",
    "darts",
    "neuralforecast",
    "scikeras",
    "sktime",
    "pytorch_forecasting",
)

TOP = """# Models as forecasting libraries keep them

`rnnlens.read(fitted)` gives the network, `rnnlens.windows(fitted, series)` its windows, with the
library's own names, scaling and times, and `to_native(explained)` of the library's adapter a table
as the library has them. All other verbs take the two as they take any network and its windows.
Nothing of a library is imported until one of its models is given; a model is recognised by the
module that its class was written in. One that is a module of PyTorch itself, as those of neuralforecast
and pytorch-forecasting are, is read as that module alone where `example=` says how it is called.

| library | what is read | `windows` takes beside the series | `to_native` gives |
|---|---|---|---|
| neuralhydrology | a run folder: `config.yml`, the newest `model_epoch*.pt` (or `part="model_epoch010"`), `train_data_scaler.yml`; CudaLSTM, GRU, EA-LSTM, embeddings, the head `regression` | `static`: attributes, a row a basin | DataFrame by `basin` and `date` |
| darts | `BlockRNNModel`, `RNNModel` (its next step); quantiles | `scaler` (or a mapping with that of the covariates), `past_covariates`, `future_covariates` | a list of `TimeSeries`, one a forecast: `to_native(explained, series)` |
| neuralforecast | `NeuralForecast`, or one of its models: `LSTM`, `GRU`, `RNN`, direct and recurrent, and what `AutoLSTM` and its like found | `future_covariates` (`futr_df`), `static` (`static_df`) | DataFrame by `unique_id`, `ds`, `cutoff` |
| scikeras | `KerasRegressor`, `KerasClassifier`, alone, in a `Pipeline`, in a `TransformedTargetRegressor` | nothing | DataFrame by `sample` |
| sktime | `NeuralForecastLSTM`, `NeuralForecastGRU`, `NeuralForecastRNN` | `future_covariates` (`X`) | DataFrame by instance and time |
| pytorch-forecasting | `RecurrentNetwork`, LSTM and GRU, all horizons and targets, categories, lags of the targets; `windows` takes a `TimeSeriesDataSet` or the frame that it is made from | nothing | DataFrame by `group_ids`, `time_idx`, `cutoff` |

- A **run folder of neuralhydrology** is read as files: neither its library nor PyTorch is needed. An
  EA-LSTM is an LSTM whose input gate has weights for the attributes alone, and that is how it is read;
  `rnnlens.trace` shows that its input gate stands still over a window. The forecast is for the day
  of the newest step, `lead = 0`, and comes before `clip_targets_to_zero`, which results say.
- **darts** keeps the scaler apart from the model, so it is passed; results are then in the series'
  own units. Covariates that a model makes itself (`add_encoders`) are made by it here too, but for
  `position`, which counts from the end of each series. With `use_reversible_instance_norm=True` each
  window is scaled by its own mean and spread, which are an input `window` of the network.
- **neuralforecast** scales each window by numbers of its own (`scaler_type`; its median and MAD by
  default) and the forecast back by them. They are an input `window` of the network, so what they
  bring to a forecast has contributions of its own, in the series' unit, beside those of the scaled
  steps in `past`. What is said of the reach of `past` is the recurrent core's: an observation that
  the core cannot see may still move the forecast, through the median and the MAD alone.
- **pytorch-forecasting** feeds what it forecasts back as the newest observation, and so does the
  network here, over all of `max_prediction_length`. Columns that are known ahead are the input
  `time_varying_known_reals`, from the window into the horizon; those beyond the first step ahead
  cannot reach the first horizon. Where each window (`EncoderNormalizer`) or each series
  (`GroupNormalizer(groups=...)`) has a center and a scale of its own, these are the input
  `target_scale`, with contributions of their own. A category is columns of 0 and 1, one for each of
  its labels (`weekday=Mon`), of the inputs `time_varying_known_categoricals` and
  `static_categoricals`. Lags of a target are earlier steps of `past`, which reaches back as far as
  the longest of them: a contribution stands at the lag of the observation, through whichever column
  it came. Several targets are forecast and fed back together; say which by `Target("load", horizon=1)`.
  Transformations that bend the target, and losses of distributions, are refused, and so is a lag of
  fewer steps than the forecast has: behind it `predict` puts the observation of the first forecast
  step in, which nobody knows when the forecast is issued. The script of the example changes that
  observation and sees `predict` move.
- **scikit-learn**: the scalers before the network and behind it are layers of it, so that it takes
  what the pipeline takes and gives what `predict` gives.
"""

BLIND = """
## Which of the newest observations tomorrow's forecast cannot see

A direct forecaster of several steps may read one hidden state a horizon: those of its last steps.
Then the first horizon, tomorrow, is forecast from a state of some steps ago, and what was observed
since cannot reach it, whatever the weights. `BlockRNNModel` of darts is such a one since it takes
the states of its last steps, and LSTM, GRU and RNN of neuralforecast are by default. `rnnlens.lags` calls these lags *structural*. Here the
newest observations were changed by a large amount, and the library was asked itself:

| library | model | tomorrow's forecast cannot see | the newest step that moves it |
|---|---|---|---|
"""

FIX = """
That is a choice of these versions and no fault of your data, and neither more data nor more units
mend it. What does: a model of one horizon (`output_chunk_length=1`, `h=1`), a recurrent one
(`RNNModel` of darts, `recurrent=True` in neuralforecast), which see the newest step. A shorter horizon
helps in part: of h steps, tomorrow's forecast misses the newest h - 1. Later horizons miss fewer, and
the last one sees every step.
In neuralforecast the newest observations still move tomorrow's forecast through the window's median
and MAD; the table below says it of the scaled steps, which are what the core reads.
"""

HELD = """
## What was held against the libraries

Each model was built and trained for a few steps by the library itself, on generated data, in an
environment of its own; `make integrations` makes them, runs the examples at two sets of versions of
each library, and writes this page. scikeras 0.13.0 is its only version for Keras 3 (0.12.0 stops in
`fit` with it), so its two sets differ in Keras and scikit-learn. *forecast* and *sum*: the largest
difference to the library's own forecast, in sizes of the largest forecast, of the forecast that
rnnlens gives and of contributions and the baseline's forecast together, both through the library's scalers, in its units; *back*: that
of the sums of what `to_native` gives, a forecast at a time, where the last run of that version asked.

| library | model | forecasts | forecast | sum | back | given back as | inputs and features |
|---|---|---|---|---|---|---|---|
"""


def cells(*parts: object) -> str:
    """Give a row of a table."""
    return "| " + " | ".join(str(part) for part in parts) + " |"


def shown(library: str) -> str:
    """Give a library's name as it calls itself."""
    return library.replace("_", "-")


def newness(version: str) -> tuple[tuple[int, ...], str]:
    """Order versions, and what stands beside the same one."""
    first, _, beside = version.partition(" ")
    return tuple(int(part) for part in first.split(".")), beside


def features(row: dict[str, Any]) -> str:
    """Name the inputs, and the features of each."""
    return "; ".join(
        f"`{name}`: {', '.join(names)}" if name else ", ".join(names)
        for name, names in row["inputs"].items()
    )


def lags(row: dict[str, Any]) -> list[str]:
    """Give the table of lags of an example: runs of lags with one verdict, by input."""
    lines = [cells("input", "lags, or features", "verdict"), "|---|---|---|"]
    for name, rows in row["lags"].items():
        run: list[str] = []
        for k, (place, verdict) in enumerate(rows):
            run.append(place)
            if k + 1 < len(rows) and rows[k + 1][1] == verdict:
                continue
            counted = all(one.lstrip("-")[0].isdigit() for one in run)
            told = [run[0], run[-1]] if counted and len(run) > 2 else run
            shown = " to ".join(told) if counted and len(run) > 2 else ", ".join(told)
            lines.append(cells(f"`{name}`" if name else "", shown, verdict))
            run = []
    return lines


def example_of(library: str) -> str:
    """Give the lines of an example, as the script runs them."""
    source = (HERE / f"adapted_{library}.py").read_text(encoding="utf-8")
    code = re.search(r"# -- on the page --\n(.*?)\n*# -- end --", source, re.DOTALL)
    assert code is not None
    return code.group(1).strip()


def main() -> None:
    """Write the page from the figures of the last runs."""
    found = [name for name in LIBRARIES if (RESULTS / f"{name}.json").exists()]
    results = {
        name: json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")) for name in found
    }
    for rows in results.values():
        rows.sort(key=lambda row: newness(row["version"]), reverse=True)
    every = [(library, row) for library, rows in results.items() for row in rows]
    lines = [TOP.rstrip("\n"), BLIND.rstrip("\n")]
    for library, row in every:
        if "seen" in row:
            unseen = row["seen"]["unseen"]
            told = "nothing: it sees every step" if not unseen else f"t-1 to t-{unseen}"
            newest = f"t-{row['seen']['newest_seen']}"
            lines.append(
                cells(f"{shown(library)} {row['version']}", f"`{row['name']}`", told, newest)
            )
    lines += [FIX, "## Worked examples", ""]
    for library in found:
        lines += [f"### {shown(library)}", "", "```python", example_of(library), "```", ""]
        tables = [row for row in results[library] if "lags" in row]
        for row in tables[:1]:
            lines += [
                f"What `rnnlens.lags` says there, {shown(library)} {row['version']}, `{row['name']}`, a "
                "network that was trained for a few steps only:",
                "",
                *lags(row),
                "",
            ]
    lines.append(HELD.strip("\n"))
    for library, row in every:
        lines.append(
            cells(
                f"{shown(library)} {row['version']}",
                f"`{row['name']}`",
                row["samples"],
                f"{row['forecast_difference']:.0e}",
                f"{row['sum_difference']:.0e}",
                f"{row['native_difference']:.0e}" if "native_difference" in row else "-",
                row["native"].removeprefix("builtins "),
                features(row),
            )
        )
    PAGE.write_text("\n".join([*lines, ""]), encoding="utf-8")
    print(f"wrote {PAGE.name}")


if __name__ == "__main__":
    main()
