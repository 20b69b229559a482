"""Starting is quick: nothing heavy is loaded before it is needed."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from processes import python

FRAMEWORKS = {"altair", "jax", "keras", "onnx", "tensorflow", "torch"}
#: What takes a tenth of a second or more to load.
HEAVY = {
    "arch",
    "h5py",
    "jinja2",
    "numba",
    "onnxruntime",
    "pandas",
    "rich",
    "scipy",
    "statsmodels",
    "xarray",
}
#: The parts in which the options of verbs and the words that they take are described; none runs.
DESCRIBED = {"attribution", "bulk", "evidence"}
MODEL = str(files("rnnlens.demo") / "weather.keras")


def loaded_after(statement: str) -> set[str]:
    """Names of the modules that a fresh interpreter holds after a statement."""
    run = python("-c", f"{statement}\nimport json, sys\nprint(json.dumps(list(sys.modules)))")
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


def loaded_by(*arguments: str) -> set[str]:
    """Names of the modules that a command has loaded when it ends."""
    return loaded_after(
        "import sys\n"
        "from rnnlens.cli import main\n"
        f"sys.argv[1:] = {list(arguments)}\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
    )


#: What is loaded with the verbs for the options that they take: no method, and nothing that runs.
OPTIONS = {
    "rnnlens.attribution",
    "rnnlens.attribution.options",
    "rnnlens.evidence",
    "rnnlens.evidence.options",
    "rnnlens.evidence.statistics",
    "rnnlens.evidence.statistics.dependent_mean",
    "rnnlens.evidence.statistics.loss",
    "rnnlens.evidence.statistics.multiplicity",
}


RUNNER = "rnnlens.network.running.runner"


def parts(loaded: set[str]) -> set[str]:
    """Names of the packages of rnnlens among them, beside what options need."""
    return {name.split(".")[1] for name in loaded - OPTIONS if name.startswith("rnnlens.")}


def test_importing_rnnlens_loads_no_framework_and_nothing_heavy():
    loaded = loaded_after("import rnnlens")
    assert "rnnlens" in loaded
    assert not loaded & (FRAMEWORKS | HEAVY)


def test_the_probe_sees_what_is_loaded():
    assert "h5py" in loaded_after("import h5py")


@pytest.mark.parametrize("verb", ["read", "predict", "weights", "explain", "intervene", "trust"])
def test_naming_a_verb_loads_no_framework(verb):
    assert not loaded_after(f"import rnnlens; rnnlens.{verb}") & FRAMEWORKS


@pytest.mark.parametrize("arguments", [["--help"], ["explain", "--help"], ["--version"]])
def test_help_loads_the_names_of_the_verbs_and_what_describes_them(arguments):
    loaded = loaded_by(*arguments)
    assert not loaded & (FRAMEWORKS | HEAVY)
    # of networks alone who makes their runners, and who shows them
    of_networks = {name for name in loaded if name.startswith("rnnlens.network.")}
    assert of_networks == {RUNNER, RUNNER.rpartition(".")[0], "rnnlens.network.shown"}
    assert (
        parts(loaded)
        == {"api", "arguments", "cli", "errors", "names", "network", "plot"} | DESCRIBED
    )


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_inspecting_a_network_loads_what_reads_and_prints_it(options):
    loaded = loaded_by("inspect", MODEL, *options)
    assert loaded & (FRAMEWORKS | HEAVY) == {"h5py"}
    read = {
        "adapters",
        "api",
        "arguments",
        "cli",
        "errors",
        "names",
        "network",
        "readers",
        "views",
        "pickles",
    }
    assert parts(loaded) == read | DESCRIBED | {"plot"}
