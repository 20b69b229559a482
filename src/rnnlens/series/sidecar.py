"""The sidecar: a small TOML file that says what a network's inputs and outputs mean.

A weights file holds no feature names, no units and no scaling. The sidecar holds them, in the
order in which the network takes them::

    title  = "Hourly weather at JFK airport, 2013"   # shown on reports
    time   = "time"         # the column with each row's time; leave it out where there is none
    step   = "1h"           # from one row to the next; worked out from the times if left out
    window = 24             # steps that the network takes
    lead   = 6              # steps from the newest one taken to the one forecast (1 if left out)

    target    = "temp"      # optional: what `explain` and `lags` look at unless told otherwise
    baseline  = "mean"      # optional: their baseline
    method    = "secant"    # optional: their method
    test_from = 2013-10-01  # optional: the first time that training did not see

    [features]              # in the network's order; network = (value - mean) / scale
    temp     = { unit = "F",  mean = 54.5, scale = 17.1 }
    pressure = { unit = "mbar", mean = 1017.9, scale = 7.4 }
    hour_sin = { mean = 0, scale = 1, held = true }    # held: kept when other inputs are hidden

    [targets]               # in the network's order; leave it out where they are the features
    temp = {}                                                  # as the feature of that name
    snow = { unit = "in", mean = 0, scale = 2.5 }              # or with its own scaling

A scaling may be stated by two values instead, ``min = 0, max = 50`` (and what they become,
``to = [-1, 1]``), and behind a curve: ``log1p = true``, ``power = { yeo_johnson = 0.3 }`` or
``power = { box_cox = 0 }``. The page ``docs/sidecar.md`` has all of it.

Targets that are all features may be a plain list as well: ``targets = ["temp", "pressure"]``,
above ``[features]``. A feature without a unit has the unit ``"-"``. ``mean`` and ``scale`` must be
written out, ``mean = 0, scale = 1`` where the network takes a value as it stands: a forgotten
scaling would give wrong numbers in silence. ``step`` is a whole number of ``ms``, ``s``, ``min``,
``h``, ``d`` or ``w``; calendar months are not of one length: leave ``time`` out for them, and rows
are counted instead. ``test_from`` is a time, or a row number where there is no time column.

Times are in ISO 8601, and UTC unless they state an offset or ``time_zone`` says otherwise::

    time        = ["year", "month", "day", "hour"]   # or ["Date", "Time"]: texts, joined by a space
    time_format = "%d.%m.%Y %H:%M"   # how times are written, where that is not ISO 8601
    time_zone   = "Asia/Shanghai"    # or an offset, "+08:00"; hours in sentences are of that zone
    step        = "1 row"            # rows follow each other whatever their times: business days
    group       = "station"          # whose row it is: windows never cross from one to another
    encoding    = "latin-1"          # of a CSV file that is not UTF-8

A variable's line may say where its numbers come from. Cells without a value are refused unless
``missing`` says what they are: ``"drop"``, a gap that windows do not cross, ``"hold"``, the last
value before it, over ``limit`` steps at the most, or the number that training filled in. What
happened is never filled in: it is not known::

    [features]
    pm      = { of = "pm2.5", mean = 98.6, scale = 92, missing = "drop" }   # of: its column
    wind    = { of = "cbwd", map = { NW = 0, SE = 1, NE = 2, cv = 3 }, mean = 0, scale = 1 }
    from_se = { of = "cbwd", equals = "SE", mean = 0, scale = 1 }           # 1 there, else 0
    rain    = { mean = 0, scale = 4, missing = "hold", limit = 3 }
    snow    = { mean = 0, scale = 1, missing = 0 }

Each target may have a lead of its own, and one variable several: a network that ends in
``Dense(4)`` may give four future steps of one, which are called ``pm t+1``, ``pm t+2`` and so on::

    [targets]
    pm_1h = { of = "pm", lead = 1 }             # unit and scaling as the feature pm
    pm_6h = { of = "pm", lead = 6 }
    [targets]
    pm    = { horizons = [1, 2, 3, 6] }         # or horizons = 6: six steps, from lead on

A network of several inputs has a table of each by its name, in the place of ``[features]``: a
series, a known future (``ahead``), what does not change in time (``static``)::

    [inputs.past.features]            # the first series: windows are cut from it
    flow = { unit = "m3/s", mean = 12, scale = 9 }
    [inputs.weather]
    ahead = 6                         # its steps: the 6 after the newest
    [inputs.weather.features]
    rain = { unit = "mm", mean = 0.5, scale = 2 }
    [inputs.site]
    static = true
    table  = "sites.csv"              # beside the sidecar, or one of the files that are given
    key    = "gauge"                  # its column that says whose row it is, as group does
    [inputs.site.features]
    area  = { unit = "km2", mean = 300, scale = 200 }
    slope = { value = 0.02, mean = 0, scale = 1 }     # the same for all
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from os import PathLike

import numpy as np

from rnnlens.arguments import did_you_mean
from rnnlens.errors import ConfigError
from rnnlens.series.clock import zone_named
from rnnlens.series.column import Column
from rnnlens.series.joint.inputs import SidecarInput, check_inputs, main_input
from rnnlens.series.scalers.variables import columns_given, variables_from
from rnnlens.series.scaling import Scaling
from rnnlens.series.sidecar_text import from_toml, to_toml
from rnnlens.series.variable import Variable, check_variables

__all__ = ["ROWS", "Column", "Sidecar", "Variable", "read_sidecar"]

_UNITS = {"ms": "ms", "s": "s", "min": "m", "h": "h", "d": "D", "w": "W"}
#: The step of rows that follow each other whatever their times, as business days do.
ROWS = "1 row"
_STEP = re.compile(rf"([1-9]\d*) ?({'|'.join(_UNITS)})")


@dataclass(frozen=True)
class Sidecar:
    """What a network's inputs and outputs mean.

    Parameters
    ----------
    features : tuple of Variable
        What the network takes, in its order.
    window : int
        Steps that it takes.
    lead : int
        Steps from the newest one taken to the one forecast.
    targets : tuple of Variable, optional
        What it gives, in its order; the features where left out.
    title : str
        Shown on reports.
    time : str or tuple of str, optional
        The column with each row's time, or the columns that make it up.
    step : str, optional
        From one row to the next, such as ``"1h"``; ``"1 row"`` where rows are counted whatever
        their times.
    target, baseline, method : str, optional
        What the verbs use unless told otherwise.
    test_from : datetime64 or int, optional
        The first time, in UTC, or the first row that training did not see.
    time_format : str, optional
        How times are written, such as ``"%d.%m.%Y %H:%M"``, where that is not ISO 8601.
    time_zone : str, optional
        The zone of times without an offset, such as ``"Asia/Shanghai"``; UTC where not given.
    group : str, optional
        The column that says which station, basin or engine a row is of: windows never cross it.
    encoding : str, optional
        Of CSV files, such as ``"latin-1"``; UTF-8, or what their mark says, where not given.
    inputs : tuple of SidecarInput, optional
        What each input of a network with several takes; `features` and `window` are then those of
        the series that windows are cut from.

    Raises
    ------
    ConfigError
        If a value is not what it must be; the message names its key.

    Examples
    --------
    >>> sidecar = Sidecar.plain(["rain", "flow"], 30)
    >>> sidecar.window, [variable.name for variable in sidecar.targets]
    (30, ['rain', 'flow'])
    """

    features: tuple[Variable, ...]
    window: int
    lead: int = 1
    targets: tuple[Variable, ...] = ()
    title: str = ""
    time: str | tuple[str, ...] | None = None
    step: str | None = None
    target: str | None = None
    baseline: str | None = None
    method: str | None = None
    test_from: np.datetime64 | int | None = None
    time_format: str | None = None
    time_zone: str | None = None
    group: str | None = None
    encoding: str | None = None
    inputs: tuple[SidecarInput, ...] = ()

    def __post_init__(self) -> None:
        if self.inputs:
            self._check_inputs()
        if not self.targets:
            object.__setattr__(self, "targets", self.features)
        check_variables("features", self.features)
        check_variables("targets", self.targets)
        if self.window < 1:
            raise ConfigError(f"window must be a whole number of steps from 1 and is {self.window}")
        if self.lead < 0:
            raise ConfigError(f"lead must be a whole number of steps from 0 and is {self.lead}")
        if self.step not in {None, ROWS} and not _STEP.fullmatch(str(self.step)):
            raise ConfigError(
                f'step must be a whole number and one of {", ".join(_UNITS)}, such as "1h", or '
                f'"{ROWS}" where rows are counted whatever their times, and is {self.step!r}'
            )
        names = self.target_names
        if self.target is not None and self.target not in {*names, *self.target_sources}:
            near = did_you_mean(self.target, names)
            raise ConfigError(
                f"target must be one of {', '.join(names)} and is {self.target!r}{near}"
            )
        if self.time is not None and self.time in self.feature_names:
            raise ConfigError(
                f"time names the column {self.time!r}, which is a feature too; it must be a column "
                "of its own"
            )
        self._check_reading()

    def _check_inputs(self) -> None:
        check_inputs(self.inputs, self.time, self.group)
        main = main_input(self.inputs)
        if main.features != self.features:
            raise ConfigError(
                f"features must be those of the series {main.name!r} of inputs and are "
                f"{', '.join(self.feature_names)}"
            )

    def _check_reading(self) -> None:
        """Check what is said of times and of files."""
        for key, value in (("time_format", self.time_format), ("time_zone", self.time_zone)):
            if value is not None and self.time is None:
                raise ConfigError(f"{key} is stated, but time, the column with the times, is not")
        if self.time_zone is not None:
            zone_named(self.time_zone)
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise ConfigError(
                    f'encoding must be the name of one, such as "latin-1", and is {self.encoding!r}'
                ) from None

    @property
    def leads(self) -> tuple[int, ...]:
        """Steps from the newest one taken to the one that each target is for."""
        return tuple(self.lead if each.lead is None else each.lead for each in self.targets)

    @classmethod
    def plain(
        cls,
        features: Iterable[str],
        window: int,
        lead: int = 1,
        *,
        targets: Iterable[str] = (),
        time: str | tuple[str, ...] | None = None,
        step: str | None = None,
    ) -> Sidecar:
        """Describe a network that takes and gives values as they stand."""
        return cls(
            features=tuple(Variable(name) for name in features),
            window=window,
            lead=lead,
            targets=tuple(Variable(name) for name in targets),
            time=time,
            step=step,
        )

    @classmethod
    def from_scaler(
        cls,
        scaler: object,
        window: int,
        lead: int = 1,
        *,
        features: Iterable[str] | None = None,
        targets: Iterable[str] = (),
        target_scaler: object = None,
        held: Iterable[str] = (),
        time: str | tuple[str, ...] | None = None,
    ) -> Sidecar:
        """Describe a network whose inputs were scaled by a fitted scaler.

        Parameters
        ----------
        scaler : object or path
            A scaler of scikit-learn (``StandardScaler``, ``MinMaxScaler``, ``RobustScaler``,
            ``MaxAbsScaler``, ``PowerTransformer``, or a ``ColumnTransformer`` or ``Pipeline`` of
            them), or numbers under names, as ``{"mean": ..., "std": ...}``; or a file of one of
            them, of which nothing is run.
        window : int
            Steps that the network takes.
        lead : int
            Steps from the newest one taken to the one forecast.
        features : iterable of str, optional
            The columns in the network's order; as the scaler names them where not given. A scaler
            without names needs them, in the order in which it was fitted.
        targets : iterable of str, optional
            What the network gives, in its order; the features where not given.
        target_scaler : object or path, optional
            The scaler of the targets, where they have one of their own.
        held : iterable of str
            Features that keep their values when others are hidden.
        time : str or tuple of str, optional
            The column with each row's time, or the columns that make it up.

        Returns
        -------
        Sidecar
            With a variable a column.

        Raises
        ------
        ConfigError
            If names are missing, or name what the scaler does not have.
        DataError
            If it is no scaler that is understood.
        UnreadableFile
            If a file holds none.

        Examples
        --------
        >>> scaling = {"mean": [50.0, 1017.0], "std": [20.0, 7.0]}
        >>> sidecar = Sidecar.from_scaler(scaling, 24, features=["temp", "pressure"])
        >>> sidecar.feature_scaling.apply([70.0, 1017.0])
        array([1., 0.])
        """
        kept = set(held)
        variables = tuple(
            replace(each, held=each.name in kept)
            for each in variables_from(columns_given(scaler), features)
        )
        known = {each.name: each for each in variables}
        unknown = next((name for name in kept if name not in known), None)
        if unknown is not None:
            raise ConfigError(
                f"held names {unknown!r}, which is no feature{did_you_mean(unknown, known)}; the "
                f"features are {', '.join(known)}"
            )
        if target_scaler is not None:
            names = tuple(targets) or None
            given = variables_from(columns_given(target_scaler), names, key="targets")
        else:
            given = tuple(_feature(name, known) for name in targets)
        return cls(variables, window, lead, given, time=time)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the network's order."""
        return tuple(variable.name for variable in self.features)

    @property
    def target_names(self) -> tuple[str, ...]:
        """Names of the targets, in the network's order."""
        return tuple(variable.name for variable in self.targets)

    @property
    def target_sources(self) -> tuple[str, ...]:
        """The variable that each target is of: several leads of one are of the same."""
        features = {each.source: each.name for each in reversed(self.features)}
        return tuple(
            each.name.removesuffix(f" t+{each.lead}")
            if each.name.endswith(f" t+{each.lead}")
            else features.get(each.source, each.source)
            for each in self.targets
        )

    @property
    def held(self) -> tuple[str, ...]:
        """Names of the features that keep their values when others are hidden."""
        return tuple(variable.name for variable in self.features if variable.held)

    @property
    def feature_scaling(self) -> Scaling:
        """Between the features' units and the network's."""
        return Scaling(
            [v.mean for v in self.features],
            [v.scale for v in self.features],
            [v.named_transform for v in self.features],
        )

    @property
    def target_scaling(self) -> Scaling:
        """Between the network's units and those of forecasts.

        These are the targets' own, but for a target with a transform: contributions sum to a change
        of what the transform gives, so its forecasts are in the unit of that, `scaled_unit`.
        """
        return Scaling([v.mean for v in self.targets], [v.scale for v in self.targets])

    @property
    def target_transforms(self) -> Scaling:
        """Between the targets' own units and those of forecasts, see `target_scaling`."""
        count = len(self.targets)
        bent = [v.named_transform for v in self.targets]
        return Scaling(np.zeros(count), np.ones(count), bent)

    @property
    def step_length(self) -> np.timedelta64 | None:
        """The step as a length of time, where it is stated."""
        matched = _STEP.fullmatch(self.step or "")
        return matched and np.timedelta64(int(matched[1]), _UNITS[matched[2]]).astype(
            "timedelta64[ns]"
        )

    @property
    def step_text(self) -> str:
        """The step as it is written; empty where rows are counted, or nothing is stated."""
        return "" if self.step in {None, ROWS} else str(self.step)

    def to_toml(self) -> str:
        """Write the sidecar out.

        Examples
        --------
        >>> print(Sidecar.plain(["rain", "flow"], 30).to_toml())
        window = 30  # steps that the network takes
        lead   = 1   # steps from the newest one taken to the one forecast
        <BLANKLINE>
        # what the network gives, in its order
        targets = ["rain", "flow"]
        <BLANKLINE>
        [features]  # in the network's order; network = (value - mean) / scale
        rain = { unit = "-", mean = 0.0, scale = 1.0 }
        flow = { unit = "-", mean = 0.0, scale = 1.0 }
        <BLANKLINE>
        """
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return to_toml(values)


def _feature(name: str, known: Mapping[str, Variable]) -> Variable:
    if name not in known:
        raise ConfigError(
            f"targets names {name!r}, which is no feature{did_you_mean(name, known)}; give its "
            "scaling with target_scaler"
        )
    return known[name]


def read_sidecar(path: str | PathLike[str]) -> Sidecar:
    """Read a sidecar file; its format is on the module's page."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read()
    except FileNotFoundError:
        raise ConfigError(f"there is no sidecar file {path}") from None
    except OSError as error:
        raise ConfigError(f"the sidecar {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"the sidecar {path} is not UTF-8 text; a TOML file must be") from None
    try:
        values = from_toml(text)
        if "inputs" in values:  # their tables lie beside the sidecar unless a path says otherwise
            values["inputs"] = tuple(one.beside(path) for one in values["inputs"])
        return Sidecar(**values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
