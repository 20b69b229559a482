"""Kernels are compiled in several processes, each part once, and no process is left behind."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from threading import Event

import pytest

from rnnlens import Certificates, lags
from rnnlens.api.shared import kernels
from rnnlens.api.shared.compiling import ahead, children
from rnnlens.api.shared.kernels import ALL, CERTIFICATES, KINDS, Part
from rnnlens.evidence.table import assembly

#: What a child does with nothing to compile: wait until it is ended.
SLEEPS = "import time; time.sleep(600)  # {path} {folder} {parts}"


@pytest.fixture
def compiled(monkeypatch):
    """The parts that this process was told to compile, which it only notes."""
    noted = []
    for module in (children, ahead):
        monkeypatch.setattr(module, "compile_part", noted.append)
    return noted


@pytest.fixture
def sleepers(monkeypatch):
    """Children that only sleep."""
    started = []
    monkeypatch.setattr(children, "_CODE", SLEEPS)

    def start(code):
        started.append(begin(code))
        return started[-1]

    begin = children._start
    monkeypatch.setattr(children, "_start", start)
    return started


def test_parts_together_are_all_that_kinds_of_cells_are_asked():
    asked = {(kind, part.asked) for part in ALL for kind in part.kinds}
    assert asked == {(kind, a) for kind in KINDS for a in ("float64", "float32", CERTIFICATES)}
    assert len(asked) == sum(len(part.kinds) for part in ALL)


def test_each_part_is_taken_by_one(tmp_path, compiled):
    one, other = (children.Shared(tmp_path, ALL).work() for _ in range(2))
    assert [next(one), next(other), *one, *other] == [1, 2, 3, 4, 5]
    assert compiled == list(ALL)


def test_a_child_compiles_what_nobody_took(monkeypatch, compiled):
    monkeypatch.setattr(children, "_CODE", children._CODE.replace("run_child(", "print(", 1))
    with children.compiling(ALL[:1], 1) as (_, beside):
        assert beside.wait()  # its modules were found, and its parts could be read
    assert compiled == []


def test_children_end_with_the_block(sleepers):
    def interrupted():
        with children.compiling(ALL, 2):
            assert all(child.poll() is None for child in sleepers)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(sleepers) == 2
    assert all(child.poll() is not None for child in sleepers)


def test_a_child_ends_with_its_parent():
    watching = (
        "import threading, time; from rnnlens.api.shared.compiling import children; "
        "threading.Thread(target=children._end_with_parent, daemon=True).start(); "
        "print(flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", watching], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.readline()
        assert child.poll() is None
        child.stdin.close()  # as the system does when the parent is gone
        assert child.wait(60) == 1


def test_what_fails_in_a_child_is_compiled_here(monkeypatch, compiled):
    monkeypatch.setattr(children, "_CODE", "raise SystemExit(1)")
    monkeypatch.setattr(ahead, "processes", lambda: 2)
    ahead.compile_all()
    assert compiled == [*ALL, *ALL]


def test_one_core_compiles_in_one_process(monkeypatch, compiled, sleepers):
    monkeypatch.setenv("RNNLENS_THREADS", "1")
    ahead.compile_all()
    assert compiled == list(ALL)
    assert not sleepers


def test_what_is_not_kept_is_compiled_in_one_process(monkeypatch, compiled, sleepers):
    monkeypatch.setattr(children, "is_kept", lambda kernel: False)
    monkeypatch.setenv("RNNLENS_THREADS", "2")
    ahead.compile_all()
    assert compiled == list(ALL)
    assert not sleepers


@pytest.mark.parametrize("there", [True, False])
def test_a_child_compiles_certificates_that_are_asked_for_and_not_compiled(
    monkeypatch, rng, compiled, there
):
    begun = []

    def compiling(parts, count):
        begun.append((tuple(parts), count))
        return real(parts, 0)

    real = ahead.compiling
    monkeypatch.setattr(ahead, "compiling", compiling)
    monkeypatch.setattr(ahead, "processes", lambda: 2)
    monkeypatch.setattr(ahead, "is_compiled", lambda cell: there)
    network = kernels._forecaster("GRU, reset before")
    X = rng.normal(size=(30, 6, 3))
    lags(network, X, target=0, certificates=None)
    lags(network, X, target=0, certificates=Certificates(windows=1))
    certified = (Part(() if there else ("GRU",), CERTIFICATES),)
    assert [one for one in begun if one[1]] == ([] if there else [(certified, 1)])


def test_what_a_block_has_compiled_already_is_waited_for_by_those_within(monkeypatch):
    begun = []

    class Child:
        def __init__(self, parts):
            self.parts, self.waited = parts, 0

        def wait(self):
            self.waited += 1
            return True

    @contextmanager
    def compiling(parts, count):
        begun.append(Child(parts))
        yield None, begun[-1]

    monkeypatch.setattr(ahead, "compiling", compiling)
    monkeypatch.setattr(ahead, "processes", lambda: 2)
    monkeypatch.setattr(ahead, "is_compiled", lambda cell: False)
    lstm, gru = kernels._forecaster("LSTM"), kernels._forecaster("GRU")
    with ahead.certificates_ahead([lstm]):
        with ahead.certificates_ahead([lstm]) as ready:
            assert ready()
        with ahead.certificates_ahead([gru, lstm]) as ready:
            assert ready()
    with ahead.certificates_ahead([gru]):
        pass  # those before are over: what they began has ended
    asked = [one.parts for one in begun]
    assert asked == [[Part((kind,), CERTIFICATES)] for kind in ("LSTM", "GRU", "GRU")]
    assert [one.waited for one in begun] == [2, 1, 0]


def test_rows_are_tested_while_what_certificates_need_is_compiled(monkeypatch, rng):
    tested, came = Event(), []

    @contextmanager
    def ahead_of(networks):
        yield lambda: came.append(tested.wait(60))

    def test_rows(*given):
        tested.set()
        return real(*given)

    real = assembly.test_rows
    monkeypatch.setattr(assembly, "test_rows", test_rows)
    monkeypatch.setattr(ahead, "certificates_ahead", ahead_of)
    monkeypatch.setenv("RNNLENS_THREADS", "2")
    X = rng.normal(size=(30, 6, 3))
    lags(kernels._forecaster("LSTM"), X, target=0, certificates=Certificates(windows=1))
    assert came == [True]
