"""Every option of every command reaches its verb and changes there what it says it changes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer

from rnnlens import api, plot
from rnnlens.api.shared import planning
from rnnlens.api.shared.page import browser
from rnnlens.cli import inputs
from rnnlens.cli.app import app
from rnnlens.cli.commands import dynamics, evidence, forecast, weights
from rnnlens.engine.device import choice
from rnnlens.readers import open as readers_open
from rnnlens.views.words.language import spoken

HOUR = np.timedelta64(1, "h")


@dataclass
class Seen:
    """What the verbs were called with."""

    read: dict[str, Any] = field(default_factory=dict)
    verb: dict[str, Any] = field(default_factory=dict)
    windows: Any = None
    path: Any = None
    rest: tuple[Any, ...] = ()
    output: Any = None
    fidelity: bool = False
    shown: Any = None
    look: dict[str, Any] = field(default_factory=dict)
    device: str = ""
    language: str = ""
    opened: Any = None


#: What an option changes: what is typed, where it is seen, and what is seen there.
Change = tuple[tuple[str, ...], Callable[[Seen], object], object]


def read(name: str) -> Callable[[Seen], object]:
    return lambda seen: seen.read.get(name)


def of(name: str, within: str = "") -> Callable[[Seen], object]:
    if not within:
        return lambda seen: seen.verb.get(name)
    return lambda seen: getattr(seen.verb[within], name)


def _newest(seen: Seen, name: str) -> bool:
    own = seen.windows.original[:, -1, seen.windows.features.index(name)]
    return np.array_equal(seen.rest[0], own)


def lead(seen: Seen) -> float:
    return float((seen.windows.times[0] - seen.windows.issued[0]) / HOUR)


LANGUAGE: dict[str, Change] = {"--language": (("zh",), lambda seen: seen.language, "zh")}
READING: dict[str, Change] = {
    "--architecture": (("a.json",), read("architecture"), Path("a.json")),
    "--layers": (("LSTM > Dense",), read("layers"), "LSTM > Dense"),
    "--head": (("fc",), read("head"), "fc"),
    "--part": (("encoder",), read("part"), "encoder"),
    "--nonlinearity": (("relu",), read("nonlinearity"), "relu"),
    "--until": (("lstm",), read("until"), "lstm"),
    "--output": (("lstm",), read("output"), "lstm"),
    "--unroll": (("24",), read("unroll"), 24),
    "--same-as": (
        ("Memory=LSTM", "--same-as", "Head=Dense"),
        read("same_as"),
        {"Memory": "LSTM", "Head": "Dense"},
    ),
}
SERIES: dict[str, Change] = {
    "--config": (("other.toml",), lead, 2.0),
    "--features": (("dewp,temp",), lambda seen: seen.windows.features, ("dewp", "temp")),
    "--targets": (("temp",), lambda seen: seen.windows.targets, ("temp",)),
    "--window": (("12",), lambda seen: seen.windows.values.shape[1], 12),
    "--lead": (("3",), lead, 3.0),
    "--from": (
        ("2013-10-08",),
        lambda seen: seen.windows.times.min() >= np.datetime64("2013-10-08") and len(seen.windows),
        54,
    ),
    "--to": (
        ("2013-10-07",),
        lambda seen: seen.windows.times.max() < np.datetime64("2013-10-07") and len(seen.windows),
        19,
    ),
    "--last": (("7",), lambda seen: len(seen.windows), 7),
}
OUTPUT: dict[str, Change] = {
    "--json": ((), lambda seen: seen.output.json, True),
    "--out": (("r.csv",), lambda seen: seen.output.out, Path("r.csv")),
} | LANGUAGE
TARGET: dict[str, Change] = {
    "--target": (("dewp",), of("name", "target"), "dewp"),
    "--horizon": (("2",), of("horizon", "target"), 2),
    "--of": (("x,site",), of("of"), ["x", "site"]),
}
RANGES: dict[str, Change] = {
    "--range": (("temp=0.5;humid=0,90",), of("range", "certificates"),
                {"temp": 0.5, "humid": (0.0, 90.0)}),
    "--tolerance": (("0.3",), of("tolerance", "certificates"), 0.3),
    "--budget": (("77",), of("budget", "certificates"), 77),
    "--deviation": (("0.25",), of("deviation", "certificates"), 0.25),
}  # fmt: skip
SHOWN: dict[str, Change] = {
    "--outputs": (("gave.npz",), lambda seen: seen.shown, Path("gave.npz")),
}
DATA = READING | SERIES | SHOWN
FORECAST = TARGET | {
    "--held": (("temp",), lambda seen: list(seen.verb["held"] or ()), ["temp"]),
    "--device": (("cuda",), lambda seen: seen.device, "cuda"),
}

COMMANDS: dict[str, dict[str, Change]] = {
    "inspect": READING | LANGUAGE,
    "init": READING | LANGUAGE | {
        "--scaler": (("s.joblib",), of("scaler"), "s.joblib"),
        "--target-scaler": (("t.pkl",), of("target_scaler"), "t.pkl"),
        "--features": (("a,b",), of("features"), ["a", "b"]),
        "--targets": (("b",), of("targets"), ["b"]),
        "--window": (("12",), of("window"), 12),
        "--lead": (("3",), of("lead"), 3),
    },
    "fidelity": READING | SERIES | LANGUAGE,
    "check": DATA | TARGET | OUTPUT,
    "trace": DATA | OUTPUT,
    "explain": DATA | FORECAST | OUTPUT | {
        "--baseline": (("zero",), of("baseline"), "zero"),
        "--method": (("owen",), of("method"), "owen"),
        "--newest": (("5",), of("newest"), 5),
        "--budget": (("2 s",), of("budget", "effort"), "2 s"),
    },
    "lags": DATA | FORECAST | RANGES | OUTPUT | {
        "--baseline": (("zero",), of("baseline", "shares"), "zero"),
        "--method": (("tree",), of("method", "shares"), "tree"),
        "--newest": (("5",), of("newest", "shares"), 5),
        "--by": (("feature",), of("by"), "feature"),
        "--margin": (("0.4",), of("margin"), 0.4),
        "--loss": (("squared",), of("loss", "test"), "squared"),
        "--alpha": (("0.01",), of("alpha"), 0.01),
        "--correction": (("by",), of("correction", "test"), "by"),
        "--sampler": (("neighbours",), of("sampler", "test"), "neighbours"),
        "--block-length": (("9",), of("block_length", "test"), 9),
        "--no-test": ((), of("hiding", "test"), False),
        "--windows": (("3",), of("windows", "certificates"), 3),
        "--replacements": (("12",), of("replacements", "test"), 12),
        "--together": ((), of("together", "certificates"), True),
        "--alone": ((), of("together", "certificates"), False),
    },
    "certify": DATA | TARGET | RANGES | OUTPUT | {
        "--lag": (("2-4,7",), lambda seen: list(seen.verb["lag"]), [2, 3, 4, 7]),
        "--feature": (("temp,dewp",), of("features"), ["temp", "dewp"]),
        "--no-check": ((), lambda seen: seen.verb["source"] is None, True),
    },
    "gate-contributions": DATA | FORECAST | OUTPUT | {
        "--baseline": (("zero",), of("baseline"), "zero"),
        "--layer": (("lstm",), of("layer"), "lstm"),
        "--of": (("x",), of("of"), "x"),
    },
    "memory": DATA | TARGET | OUTPUT | {
        "--tolerance": (("0.3",), of("tolerance"), 0.3),
        "--histories": (("9",), of("histories"), 9),
        "--alpha": (("0.2",), of("alpha"), 0.2),
        "--block": (("5",), of("block"), 5),
    },
    "trust": DATA | FORECAST | OUTPUT | {
        "--baseline": (("zero",), of("baseline"), "zero"),
        "--method": (("occlusion",), of("method"), "occlusion"),
        "--windows": (("5",), of("windows"), 5),
    },
    "fixed-points": DATA | TARGET | OUTPUT | {
        "--at": (("temp=31,dewp=5",), of("at"), {"temp": 31.0, "dewp": 5.0}),
        "--order": (("2",), of("order"), 2),
        "--period": (("24",), of("period"), 24),
        "--layer": (("lstm",), of("layer"), "lstm"),
    },
    "bifurcations": DATA | TARGET | OUTPUT | {
        "--move": (("dewp=-1:1:3",), lambda seen: seen.rest, ("dewp", [-1.0, 0.0, 1.0])),
        "--at": (("temp=31,dewp=5",), of("at"), {"temp": 31.0, "dewp": 5.0}),
        "--order": (("2",), of("order"), 2),
        "--period": (("24",), of("period"), 24),
        "--layer": (("lstm",), of("layer"), "lstm"),
    },
    "probe": DATA | TARGET | OUTPUT | {
        "--concept": (("dewp",), lambda seen: _newest(seen, "dewp"), True),
        "--every-step": ((), lambda seen: seen.rest[0].ndim, 2),
        "--layer": (("lstm",), of("layer"), "lstm"),
        "--state": (("cell",), of("state"), "cell"),
        "--untrained": (("a.keras", "--untrained", "b.keras"), of("untrained"),
                        [Path("a.keras"), Path("b.keras")]),
        "--blocks": (("4",), of("blocks"), 4),
        "--gap": (("3",), of("gap"), 3),
        "--draws": (("2",), of("draws"), 2),
        "--shifts": (("7",), of("shifts"), 7),
    },
    "summarize-weights": DATA | TARGET | OUTPUT,
    "compare-weights": DATA | TARGET | OUTPUT,
    "plot": DATA | FORECAST | {
        "--baseline": (("zero",), of("baseline"), "zero"),
        "--method": (("tree",), of("method"), "tree"),
        "--newest": (("5",), of("newest"), 5),
        "--of": (("x",), of("of"), "x"),
        "--out": (("r.svg",), lambda seen: seen.path, Path("r.svg")),
        "--sample": (("0",), lambda seen: seen.look.get("sample"), 0),
        "--width": (("84",), lambda seen: seen.look["width"], 84.0),
        "--font": (("Serif",), lambda seen: seen.look["font"], "Serif"),
    },
    "report": DATA | FORECAST | {
        "--baseline": (("zero",), of("baseline", "shares"), "zero"),
        "--out": (("r.html",), lambda seen: seen.path, Path("r.html")),
        "--no-check": ((), lambda seen: seen.fidelity, False),
        "--lags": ((), lambda seen: seen.verb["evidence"] is not None, True),
        "--language": OUTPUT["--language"],
        "--open": ((), lambda seen: seen.opened, Path("rnnlens-report.html")),
    },
    "convert": READING | LANGUAGE | {"--no-check": ((), of("check"), False)},
}  # fmt: skip
#: What a command does not run without.
NEEDED = {"bifurcations": ("--move", "temp=0:1"), "probe": ("--concept", "temp")}
#: What says the usual, and so changes nothing; and what other tests run as a whole.
#: Options of archives, which tests/cli/test_archives.py asks with one.
OF_ARCHIVES = {
    ("explain", name)
    for name in (
        "--scheduler",
        "--workers",
        "--job",
        "--limit",
        "--by",
        "--memory",
        "--block",
        "--store",
        "--dry-run",
    )
} | {("lags", "--draw"), ("memory", "--draw")}
USUAL = {("lags", "--test"), ("certify", "--check"), ("report", "--check"), ("convert", "--check")}
#: Options of single charts, which tests/cli/test_plot.py asks with them.
OF_CHARTS = {
    ("plot", f"--{name}")
    for name in (
        *("alpha", "at", "block", "blocks", "budget", "concept", "deviation", "draw", "draws"),
        *("every-step", "feature", "gap", "histories", "kind", "lag", "layer", "move", "order"),
        *("period", "range", "shifts", "state", "tolerance", "untrained"),
    )
}
#: Of the evidence of a page, which tests/cli/test_page_evidence.py asks for.
OF_PAGES = {("report", f"--{name}") for name in ("margin", "range", "tolerance", "budget")}
ELSEWHERE = {("inspect", "--values"), ("inspect", "--json"), ("init", "--json"),
             ("fidelity", "--json"), ("convert", "--json"), ("demo", "--out"),
             ("demo", "--language"),
             ("compile", "--language"),
             ("plot", "--language"),
             ("demo", "--files")}  # fmt: skip


@pytest.fixture
def asked(call, model, data, tmp_path, monkeypatch):
    """Ask a command, and give what its verb was called with."""
    network = api.read(model)
    x = np.zeros((1, 24, 10))
    read_right = api.fidelity(network, api.predict(network, x), x)
    monkeypatch.chdir(tmp_path)
    stated = model.with_suffix(".toml").read_text(encoding="utf-8")
    (tmp_path / "other.toml").write_text(
        re.sub(r"lead *= \d+", "lead = 2", stated), encoding="utf-8"
    )

    def run(command: str, *typed: str) -> Seen:
        seen = Seen()

        def recorded(_network, given, *rest, **options):
            seen.verb, seen.windows, seen.path = options, given, next(iter(rest), None)
            seen.rest, seen.device, seen.language = rest, choice.chosen(), spoken()
            sidecar = {"text": "", "text_by": lambda _speak: ""}
            return SimpleNamespace(**sidecar, notes=(), checks=0, attrs={})

        def reading(_source, *rest, **options):
            seen.read, seen.language = options or vars(rest[0]), spoken()
            return network

        def given(_, output, **__):
            seen.output = output

        def fidelity(*given):
            seen.fidelity, seen.windows = True, given[2]
            return read_right

        verbs = (
            "init check trace explain lags certify memory trust fixed_points bifurcations probe "
            "report gate_contributions summarize_weights"
        )
        for name in verbs.split():
            monkeypatch.setattr(api, name, recorded)
        monkeypatch.setattr(
            api, "compare_weights", lambda one, _other, given, **options: recorded(
                one, given, **options))  # fmt: skip
        monkeypatch.setattr(api, "read", reading)
        monkeypatch.setattr(choice, "named", lambda name, _: name)  # as if it were there
        monkeypatch.setattr(api, "fidelity", fidelity)
        monkeypatch.setattr(inputs, "require_shown", lambda _, path: setattr(seen, "shown", path))
        monkeypatch.setattr(readers_open, "read_or_name_arrays", reading)
        for name in ("expected", "expected_certificates", "expected_lags", "expected_report"):
            monkeypatch.setattr(planning, name, lambda *_, **__: None)
        monkeypatch.setattr(evidence, "_why_not_run", lambda *_: "")
        for module in (dynamics, evidence, forecast, weights):
            monkeypatch.setattr(
                module, "give", lambda _, output, **__: setattr(seen, "output", output)
            )
        monkeypatch.setattr(plot, "waterfall", lambda _, **look: setattr(seen, "look", look))
        monkeypatch.setattr(browser, "show_page", lambda path: bool(setattr(seen, "opened", path)))
        monkeypatch.setattr(plot, "save", lambda _, path: setattr(seen, "path", path))
        if command == "convert":
            converted = api.convert(network, tmp_path / "made.npz", check=False)

            def converting(_source, _path, **options):
                seen.verb = options
                return converted

            monkeypatch.setattr(api, "convert", converting)
        own = {"inspect": [], "convert": ["out.npz"], "fidelity": [model, data],
               "compare-weights": [model, data]}  # fmt: skip
        second = own.get(command, [data])
        first = ["waterfall"] if command == "plot" else []
        said = call(command, *first, model, *second, *NEEDED.get(command, ()), *typed)
        assert said.code == 0, said.err
        monkeypatch.undo()
        monkeypatch.chdir(tmp_path)
        return seen

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_changes_what_it_says_it_changes(asked, command):
    plain = asked(command)
    for option, (typed, place, expected) in COMMANDS[command].items():
        changed = place(asked(command, option, *typed))
        assert changed == expected, f"{command} {option}: {changed!r}"
        assert place(plain) != expected, f"{command} {option} says the usual"


def test_every_option_of_every_command_is_asked():
    group = typer.main.get_command(app)
    every = {
        (name, option)
        for name, command in group.commands.items()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--")
    }
    listed = {(name, option) for name, options in COMMANDS.items() for option in options}
    assert every == listed | USUAL | ELSEWHERE | OF_ARCHIVES | OF_CHARTS | OF_PAGES


def test_inspect_prints_values_and_json_where_asked(call, model):
    plain, values = call("inspect", model), call("inspect", model, "--values")
    assert "Param lstm_W_i: " in values.out and "Param lstm_W_i: " not in plain.out
    assert json.loads(call("inspect", model, "--json").out)["parameters"] > 0


def test_convert_gives_json_where_asked(call, model, tmp_path):
    said = call("convert", model, tmp_path / "made.npz", "--no-check", "--json")
    about = json.loads(said.out)
    assert about["format"] == "rnnlens archive of named arrays" and about["library"] == ""
