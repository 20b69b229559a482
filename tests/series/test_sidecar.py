"""The sidecar is read as it is written, and every mistake in it has a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from rnnlens.errors import ConfigError
from rnnlens.series.sidecar import Column, Sidecar, Variable, read_sidecar

GOOD = """
title  = "River"
time   = "time"
step   = "1h"
window = 24
lead   = 6
target = "flow"
test_from = 2013-10-01

[features]
rain = { unit = "mm", mean = 0.5, scale = 2 }
flow = { unit = "m3/s", mean = 12.25, scale = 3.5 }
hour = { mean = 0, scale = 1, held = true }

[targets]
flow = {}
snow = { unit = "cm", mean = 1, scale = 9 }
"""


@pytest.fixture
def written(tmp_path):
    def write(text: str):
        path = tmp_path / "river.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_every_key_is_read_in_the_networks_order(written):
    sidecar = read_sidecar(written(GOOD))
    assert sidecar.feature_names == ("rain", "flow", "hour")
    assert sidecar.target_names == ("flow", "snow")
    assert sidecar.held == ("hour",)
    assert (sidecar.window, sidecar.lead, sidecar.step, sidecar.time) == (24, 6, "1h", "time")
    assert (sidecar.title, sidecar.target) == ("River", "flow")
    assert sidecar.test_from == np.datetime64("2013-10-01")
    assert sidecar.step_length == np.timedelta64(3600, "s")
    assert sidecar.feature_scaling.mean.tolist() == [0.5, 12.25, 0.0]
    assert sidecar.feature_scaling.scale.tolist() == [2.0, 3.5, 1.0]


def test_a_target_takes_its_scaling_from_its_feature_or_from_its_own_line(written):
    flow, snow = read_sidecar(written(GOOD)).targets
    assert flow == Variable("flow", "m3/s", 12.25, 3.5)
    assert snow == Variable("snow", "cm", 1.0, 9.0)


def test_targets_are_the_features_unless_named(written):
    text = GOOD.split("[targets]", maxsplit=1)[0]
    assert read_sidecar(written(text)).target_names == ("rain", "flow", "hour")
    named = text.replace("lead   = 6", 'lead = 6\ntargets = ["flow", "rain"]')
    assert read_sidecar(written(named)).target_names == ("flow", "rain")


@pytest.mark.parametrize(
    "sidecar",
    [
        Sidecar.plain(["a", "b"], 3),
        Sidecar.plain(["a.b", 'say "so"', "Grüße"], 3, 0, targets=["a.b"], time="t", step="15min"),
        Sidecar(
            features=(Variable("x", "°C", 0.1 + 0.2, 1e-9), Variable("hour", held=True)),
            targets=(Variable("y", "µg/m³", -1e300, 7.0), Variable("x", "°C", 0.1 + 0.2, 1e-9)),
            window=7,
            title='A "quoted" \\ title',
            target="y",
            baseline="mean",
            method="secant",
            test_from=np.datetime64("2013-10-01T06:30", "ns"),
        ),
        Sidecar(features=(Variable("x"),), window=1, test_from=100),
    ],
    ids=["plain", "names", "every key", "row number"],
)
def test_what_is_written_is_read_back_equal(sidecar, written):
    assert read_sidecar(written(sidecar.to_toml())) == sidecar


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2013-10-01T02:00:00-04:00", "2013-10-01T06:00"),
        ("2013-10-01T06:00:00Z", "2013-10-01T06:00"),
        ('"2013-10-01 06:00"', "2013-10-01T06:00"),
        ("2013-10-01", "2013-10-01T00:00"),
    ],
)
def test_times_with_an_offset_become_utc(given, moment, written):
    sidecar = read_sidecar(written(GOOD.replace("2013-10-01", given)))
    assert sidecar.test_from == np.datetime64(moment)


def test_a_byte_order_mark_is_no_fault(tmp_path):
    path = tmp_path / "mark.toml"
    path.write_text(GOOD, encoding="utf-8-sig")
    assert read_sidecar(path).window == 24


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("window = 24", "", "window is missing; it must be the steps that the network takes"),
        ("window = 24", "window = 24.0", "window must be a whole number and is 24.0"),
        ("window = 24", "window = true", "window must be a whole number and is True"),
        ("window = 24", "window = 0", "window must be a whole number of steps from 1 and is 0"),
        ("lead   = 6", "lead = -1", "lead must be a whole number of steps from 0 and is -1"),
        (
            "lead   = 6",
            "laed = 6",
            "laed is not a known key \\(did you mean 'lead'\\?\\); it must be one of title",
        ),
        ('"1h"', '"1 month"', "step must be a whole number and one of ms, s, min, h, d, w"),
        ('"1h"', '"0h"', "step must be a whole number"),
        ('"River"', "3", "title must be a text in quotes and is 3"),
        ('target = "flow"', 'target = "rain"', "target must be one of flow, snow and is 'rain'"),
        ('time   = "time"', 'time = "rain"', "time names the column 'rain', which is a feature"),
        ("2013-10-01", '"autumn"', "test_from must be a time such as 2013-10-01 or a row number"),
        ("scale = 3.5", "scale = 0", "features.flow.scale must be a number above 0 and is 0.0"),
        ("scale = 3.5", "scale = -1", "features.flow.scale must be a number above 0 and is -1.0"),
        ("scale = 3.5", "scale = inf", "features.flow.scale must be a number above 0 and is inf"),
        ("scale = 3.5", 'scale = "x"', "features.flow.scale must be a number and is 'x'"),
        (", scale = 3.5", "", "features.flow.scale is missing; it must be the number that"),
        ("mean = 12.25,", "", "features.flow.mean is missing; it must be the number that"),
        ("mean = 12.25", "mean = nan", "features.flow.mean must be a finite number and is nan"),
        ("held = true", "held = 1", "features.hour.held must be true or false and is 1"),
        (
            "held = true",
            "hold = true",
            "features.hour.hold is not a known key \\(did you mean 'held'",
        ),
        ("scale = 9", "scale = 0", "targets.snow.scale must be a number above 0 and is 0.0"),
        (
            "snow = {",
            "rian = {} #",
            "targets.rian is not a feature \\(rain, flow, hour\\) \\(did you mean 'rain'",
        ),
        ("rain = {", "rain = 3 #", "features.rain must be a table such as"),
        ("[features]", "[features", "this is not TOML"),
    ],
)
def test_each_mistake_is_one_sentence_with_the_keys_path(old, new, sentence, written):
    assert old in GOOD
    path = written(GOOD.replace(old, new, 1))
    with pytest.raises(ConfigError, match=sentence) as caught:
        read_sidecar(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("window = 3", "features is missing; it must be a table"),
        ("window = 3\n[features]\n", "features must name at least one column and is empty"),
        ("window = 3\nfeatures = 4", "features must be a table with one line for each feature"),
        (
            'window = 3\ntargets = ["a", "a"]\n[features]\na = {mean=0,scale=1}',
            "targets.a is named",
        ),
        ("window = 3\ntargets = []\n[features]\na = {mean=0,scale=1}", "at least one target"),
        ("window = 3\ntargets = 5\n[features]\na = {mean=0,scale=1}", "a table or a list of names"),
    ],
)
def test_features_and_targets_must_be_named(text, sentence, written):
    with pytest.raises(ConfigError, match=sentence):
        read_sidecar(written(text))


def test_a_missing_or_unreadable_sidecar_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match="there is no sidecar file .*nowhere.toml"):
        read_sidecar(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_sidecar(tmp_path)
    path = tmp_path / "latin.toml"
    path.write_bytes('title = "Zürich"'.encode("latin-1"))
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        read_sidecar(path)


def test_features_named_twice_are_refused():
    with pytest.raises(ConfigError, match="features.a is named twice"):
        Sidecar.plain(["a", "b", "a"], 3)


PEOPLE = """
window = 24
time = ["year", "month", "day", "hour"]
time_zone = "Asia/Shanghai"
time_format = "%Y %m %d %H"
group = "station"
encoding = "latin-1"
test_from = 2014-01-01
[features]
pm = { of = "pm2.5", unit = "ug/m3", mean = 98.6, scale = 92, missing = "drop" }
wind = { of = "cbwd", map = { NW = 0, SE = 1.5 }, mean = 0, scale = 1 }
from_se = { of = "cbwd", equals = "SE", mean = 0, scale = 1, held = true }
rain = { mean = 0, scale = 4, missing = "hold", limit = 3 }
[targets]
pm_1h = { of = "pm", lead = 1 }
pm = { horizons = [2, 6] }
snow = { unit = "cm", mean = 1, scale = 9, lead = 4 }
"""


def test_columns_and_leads_are_read_as_stated(written):
    sidecar = read_sidecar(written(PEOPLE))
    pm, wind, from_se, rain = sidecar.features
    assert (pm.source, pm.column.missing) == ("pm2.5", "drop")
    assert wind.column == Column(of="cbwd", map=(("NW", 0.0), ("SE", 1.5)))
    assert from_se.column == Column(of="cbwd", equals="SE")
    assert rain.source == "rain"
    assert rain.column == Column(missing="hold", limit=3)
    assert sidecar.time == ("year", "month", "day", "hour")
    # midnight in Shanghai, eight hours before it is midnight in UTC
    assert sidecar.test_from == np.datetime64("2013-12-31T16:00")


def test_each_target_has_its_own_lead_and_the_scaling_of_its_feature(written):
    sidecar = read_sidecar(written(PEOPLE))
    assert sidecar.target_names == ("pm_1h", "pm t+2", "pm t+6", "snow")
    assert sidecar.leads == (1, 2, 6, 4)
    assert [target.source for target in sidecar.targets] == ["pm2.5", "pm2.5", "pm2.5", "snow"]
    assert sidecar.target_scaling.mean.tolist() == [98.6, 98.6, 98.6, 1.0]
    six = PEOPLE.replace("horizons = [2, 6]", "horizons = 3")
    assert read_sidecar(written(six)).leads == (1, 1, 2, 3, 4)
    later = six.replace("window = 24", "window = 24\nlead = 12")
    assert read_sidecar(written(later)).leads == (1, 12, 13, 14, 4)


def test_what_is_said_of_columns_is_written_and_read_back_equal(written):
    sidecar = read_sidecar(written(PEOPLE))
    assert read_sidecar(written(sidecar.to_toml())) == sidecar


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"drop"', '"skip"', r'pm.missing must be "drop" .*, "hold" .* and is \'skip\''),
        (", limit = 3", "", "features.rain.limit is missing; it must be the number of rows"),
        ("limit = 3", "limit = 0", "features.rain.limit must be a whole number of rows from 1"),
        ("limit = 3", "limit = 2.5", "features.rain.limit must be a whole number of rows"),
        ('"drop"', '"drop", limit = 2', 'features.pm.limit is for missing = "hold" alone'),
        ('"drop"', "0, limit = 2", 'features.pm.limit is for missing = "hold" alone'),
        ('"drop"', "nan", "or the number that training filled in, and is nan"),
        ('"drop"', "true", "features.pm.missing must be a text in quotes and is True"),
        ('missing = "hold", ', "", 'features.rain.limit is the limit of missing = "hold"'),
        ('equals = "SE"', 'equals = "SE", map = {a=1}', "has equals and map, of which one is"),
        ("{ NW = 0, SE = 1.5 }", '"NW"', "features.wind.map must say the number of each text"),
        ("NW = 0", 'NW = "0"', "features.wind.map.NW must be a number and is '0'"),
        ("lead = 1 }", "lead = -1 }", "targets.pm_1h.lead must be a whole number of steps from 0"),
        ('of = "pm", lead', 'of = "mp", lead', r"targets.pm_1h.of is not a feature \(pm, wind"),
        ("[2, 6]", "[]", "targets.pm.horizons must be how many steps are forecast, such as 6"),
        ("[2, 6]", "[2, 2]", r"targets.pm.horizons must each be given once and are \[2, 2\]"),
        ("[2, 6]", "[2, 6], lead = 3", "targets.pm has lead and a list of horizons"),
        ("Asia/Shanghai", "Shanghai", "time_zone must be a zone such as 'Asia/Shanghai', or an"),
        (
            'time = ["year", "month", "day", "hour"]',
            "",
            "time_format is stated, but time, the column",
        ),
        ('"hour"]', "4]", r"time\[3\] must be a text in quotes and is 4"),
        ('["year", "month", "day", "hour"]', "[]", "time must name at least one column"),
        ("latin-1", "latin-99", 'encoding must be the name of one, such as "latin-1", and is'),
        ("rain = {", "pm10.a = {", r'must be in quotes: "pm10.a" = { ... }'),
    ],
)
def test_each_mistake_in_a_column_is_one_sentence(old, new, sentence, written):
    assert old in PEOPLE
    with pytest.raises(ConfigError, match=sentence) as caught:
        read_sidecar(written(PEOPLE.replace(old, new, 1)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("time = time", 'a text must be in quotes: time = "time"'),
        ("title = Beijing air", 'a text must be in quotes: title = "Beijing air"'),
        ("wind speed = {mean = 0}", 'a name like this must be in quotes: "wind speed" = ...'),
        ("rain = { unit = mm, mean = 0 }", 'a text must be in quotes: unit = "mm"'),
    ],
)
def test_what_is_not_toml_gets_a_hint(line, hint, written):
    with pytest.raises(ConfigError, match="this is not TOML") as caught:
        read_sidecar(written(f"window = 24\n{line}\n"))
    assert str(caught.value).endswith(hint)
