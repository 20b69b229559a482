"""Chunks give what the whole gives, within a budget of memory and time, and costs are foreseen."""

import threading
import tracemalloc

import numpy as np
import pytest

from networks import cell, chain, forecaster, head, stacked_bidirectional
from questions import question
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.attribution.methods.gradient import gradient
from rnnlens.attribution.methods.secant import secant
from rnnlens.attribution.methods.shapley_tree import shapley_tree
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries, forward, predict
from rnnlens.engine.schedule import cost as pricing
from rnnlens.engine.schedule import plan
from rnnlens.engine.schedule.context import equations
from rnnlens.engine.schedule.cost import Cost, cost
from rnnlens.engine.schedule.plan import estimate, gathered
from rnnlens.errors import DataError
from rnnlens.network.activations import Activation
from rnnlens.network.layers import (
    Conv1D,
    Embedding,
    Flatten,
    GlobalPooling1D,
    LayerNormalization,
    Masking,
    Pooling1D,
    Recurrent,
    TimeDistributed,
)

TARGET = ResolvedTarget((0,))


def wide(rng, units=16, features=3, steps=24):
    """A network most of whose memory is not that of recurrent layers."""
    return chain(
        Conv1D(rng.normal(size=(3, features, units)), rng.normal(size=units), padding="same"),
        Recurrent(cell("lstm", rng, units, units), return_sequences=True),
        LayerNormalization(rng.normal(size=units), rng.normal(size=units)),
        TimeDistributed(head(rng, units, units, "relu")),
        Recurrent(cell("gru_after", rng, units, units)),
        head(rng, units, 2),
        shape=(steps, features),
    )


NETWORKS = {
    "lstm": lambda rng: forecaster("lstm", rng, steps=24),
    "bidirectional": lambda rng: stacked_bidirectional(rng, steps=24),
    "wide": wide,
    "masked": lambda rng: chain(
        Masking(0.0),
        Recurrent(cell("lstm", rng), return_sequences=True),
        GlobalPooling1D("average"),
        head(rng, 5),
        shape=(24, 3),
    ),
    "pooled": lambda rng: chain(
        Pooling1D("max", 2, 2, "valid"),
        Recurrent(cell("simple_rnn", rng), return_sequences=True),
        Flatten(),
        head(rng, 60),
        shape=(24, 3),
    ),
}


@pytest.fixture(params=NETWORKS)
def network(request, rng):
    return NETWORKS[request.param](rng)


@pytest.mark.parametrize("count", ["1", "3"])
def test_chunks_give_what_the_whole_gives(network, count, rng, monkeypatch):
    monkeypatch.setenv("RNNLENS_THREADS", count)
    x = rng.normal(size=(150, 24, 3))
    inputs = entries(network, x)
    baseline = make_baseline(rng.normal(size=(2, 24, 3)), x)

    def every():
        return (
            predict(network, x),
            gradient(question(network, inputs, TARGET)).sensitivity,
            secant(question(network, inputs, TARGET, baseline)).contribution,
        )

    monkeypatch.setattr(plan, "SHORTEST_CHUNK", 1e9)  # no chunk is long enough to be cut
    whole = every()
    monkeypatch.setattr(plan, "SHORTEST_CHUNK", 0.0)
    monkeypatch.setattr(plan, "CHUNK_BYTES", 40_000)
    sizes = {plan._chunk_size(network, inputs, runs, 9) for runs in (1, 2, 3)}
    assert max(sizes) < 50
    for one, other in zip(whole, every(), strict=True):
        # a matrix product may sum in another order for another number of rows
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-12)


def test_progress_is_told_to_the_caller_and_ends_with_all(rng, monkeypatch):
    monkeypatch.setenv("RNNLENS_THREADS", "2")
    monkeypatch.setattr(plan, "SHORTEST_CHUNK", 0.0)
    network, told = forecaster("lstm", rng), []

    def progress(done, total):
        told.append((done, total, threading.current_thread() is threading.main_thread()))

    inputs = entries(network, rng.normal(size=(333, 7, 3)))
    baseline = make_baseline("zero", inputs["x"])
    for method in (
        lambda: gradient(question(network, inputs, TARGET), progress=progress),
        lambda: secant(question(network, inputs, TARGET, baseline), progress=progress),
    ):
        told.clear()
        method()
        done = [one[0] for one in told]
        assert len(done) > 3
        assert done == sorted(set(done))
        assert done[-1] == 333
        assert all(total == 333 and mine for _, total, mine in told)


def test_ctrl_c_leaves_the_threads_usable(rng, monkeypatch):
    monkeypatch.setenv("RNNLENS_THREADS", "2")
    monkeypatch.setattr(plan, "SHORTEST_CHUNK", 0.0)
    network = forecaster("lstm", rng)
    inputs = entries(network, rng.normal(size=(333, 7, 3)))
    before = gradient(question(network, inputs, TARGET)).sensitivity

    def progress(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gradient(question(network, inputs, TARGET), progress=progress)
    np.testing.assert_array_equal(gradient(question(network, inputs, TARGET)).sensitivity, before)


def test_no_samples_give_no_outputs(network):
    found = predict(network, np.ones((0, 24, 3)))
    assert isinstance(found, np.ndarray)
    assert found.shape == (0, *predict(network, np.ones((1, 24, 3))).shape[1:])


def test_no_tokens_give_no_outputs(rng):
    network = chain(
        Embedding(rng.normal(size=(9, 3)), mask_zero=True),
        Recurrent(cell("lstm", rng)),
        head(rng, 5),
        shape=(6,),
    )
    assert predict(network, np.zeros((0, 6))).shape == (0, 2)


def held(value, seen):
    """Add up the bytes of every array that hangs on a value, each once."""
    if isinstance(value, np.ndarray):
        whole = value if value.base is None else value.base
        if id(whole) in seen:
            return 0
        seen.add(id(whole))
        return whole.nbytes
    if isinstance(value, dict):
        return sum(held(one, seen) for one in value.values())
    if isinstance(value, list | tuple):
        return sum(held(one, seen) for one in value)
    if hasattr(value, "__dict__"):
        return sum(held(one, seen) for one in vars(value).values())
    return 0


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_cost_of_memory_is_what_a_run_keeps(network, precision, rng):
    inputs = entries(network, rng.normal(size=(640, 24, 3)), precision)
    run = forward(network, inputs)
    seen = {id(array) for array in inputs.values()}
    held([node.layer for node in network.nodes], seen)
    kept = held(run.tapes, seen) + sum(array.nbytes for array in inputs.values())
    # packed weights are counted on one side alone, and are not many
    assert cost(network, inputs).bytes == pytest.approx(kept / 640, rel=0.1)


def test_the_equations_keep_more_than_the_kernels_and_that_is_counted(rng):
    network = forecaster("lstm", rng, steps=24)
    inputs = entries(network, rng.normal(size=(320, 24, 3)))
    by_kernels = cost(network, inputs).bytes
    with equations():
        by_steps = cost(network, inputs).bytes
    assert by_steps > 5 * by_kernels


def test_marks_of_long_windows_are_counted(rng, monkeypatch):
    from rnnlens.engine.kernels import run

    network = forecaster("lstm", rng, steps=60)
    inputs = entries(network, rng.normal(size=(64, 60, 3)))
    without = cost(network, inputs).bytes
    monkeypatch.setattr(run, "STRETCH", 1)  # every step begins a stretch
    pricing._COSTS.clear()
    # hidden and cell state of 5 units, before each of 60 steps
    assert cost(network, inputs).bytes == pytest.approx(without + 60 * 2 * 5 * 8, abs=8)
    pricing._COSTS.clear()


def test_a_chunk_is_neither_too_long_nor_too_short_nor_too_large(rng, monkeypatch):
    monkeypatch.setenv("RNNLENS_THREADS", "2")
    network = forecaster("lstm", rng)
    inputs = {"x": np.broadcast_to(0.0, (10_000_000, 7, 3))}
    for bytes_, work in [(1e3, 1e3), (1e3, 1e7), (1e6, 1e3), (1e3, 1e9), (1e9, 1e3), (10, 10)]:
        one = Cost(bytes_, 7, work)
        monkeypatch.setattr(plan, "cost", lambda *_, one=one: one)
        size = plan._chunk_size(network, inputs, 2, 3)
        seconds = 3 * work / plan.OPERATIONS_PER_SECOND
        most = plan.CHUNK_BYTES if size > plan.BLOCK else plan.BLOCK_BYTES
        assert size == 1 or size * bytes_ * 2 <= most
        assert size * seconds <= plan.LONGEST_CHUNK or size <= plan.BLOCK
        assert size % plan.FILLING == 0 or size * bytes_ * 2 > 0.9 * plan.BLOCK_BYTES or size == 1
        small = plan._chunk_size(network, {"x": inputs["x"][:100]}, 2, 3)
        assert small * seconds >= min(plan.SHORTEST_CHUNK, 100 * seconds) or small == size


@pytest.mark.parametrize(("samples", "fitting", "size"), [(24, 22, 16), (40, 32, 24), (9, 8, 8)])
def test_few_chunks_end_together(samples, fitting, size, rng, monkeypatch):
    monkeypatch.setenv("RNNLENS_THREADS", "2")
    one = Cost(plan.BLOCK_BYTES / fitting, 7, 1e9)
    monkeypatch.setattr(plan, "cost", lambda *_: one)
    monkeypatch.setattr(plan, "CHUNK_BYTES", plan.BLOCK_BYTES)
    inputs = {"x": np.broadcast_to(0.0, (samples, 7, 3))}
    assert plan._chunk_size(forecaster("lstm", rng), inputs, 1, 1) == size


def peak(call):
    call()
    tracemalloc.start()
    result = call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most, sum(array.nbytes for array in result if array is not None)


@pytest.mark.parametrize("method", ["predict", "gradient", "secant"])
def test_memory_grows_by_the_result_alone(method, rng, monkeypatch):
    monkeypatch.setenv("RNNLENS_THREADS", "2")
    monkeypatch.setattr(plan, "CHUNK_BYTES", 4 << 20)
    network = wide(rng)
    backgrounds = rng.normal(size=(3, 24, 3))

    def call(x):
        inputs = entries(network, x)
        baseline = make_baseline(backgrounds, x)
        if method == "predict":
            return [predict(network, x)]
        if method == "gradient":
            return vars(gradient(question(network, inputs, TARGET))).values()
        return vars(secant(question(network, inputs, TARGET, baseline))).values()

    few, many = rng.normal(size=(1_000, 24, 3)), rng.normal(size=(8_000, 24, 3))
    (small, small_result), (large, large_result) = (peak(lambda x=x: call(x)) for x in (few, many))
    assert large - small < 1.1 * (large_result - small_result) + 2 * plan.CHUNK_BYTES
    # two chunks in work; all tapes together would be 160 MB
    assert large - large_result < 2 * (1.2 * plan.CHUNK_BYTES + plan.STRETCH_BYTES)


def test_memory_of_a_tree_grows_by_the_result_alone(rng):
    network = forecaster("lstm", rng, steps=24)

    def call(x):
        baseline = make_baseline("zero", x)
        return [
            shapley_tree(
                question(network, entries(network, x), TARGET, baseline, newest=9)
            ).contribution
        ]

    # windows enough for the tree's own blocks to be full
    (small, _), (large, _) = (
        peak(lambda n=n: call(rng.normal(size=(n, 24, 3)))) for n in (300, 900)
    )
    # the values of all coalitions would be 5 MB
    assert large - small < 2e6


def test_cells_are_counted_by_the_formula(rng):
    network = chain(
        Recurrent(cell("lstm", rng), return_sequences=True),
        Recurrent(cell("gru_after", rng, 5)),
        head(rng, 5),
        shape=(11, 3),
    )
    inputs = entries(network, rng.normal(size=(40, 11, 3)))
    assert cost(network, inputs).cells == 2 * 11
    # a way back runs forward once more
    assert estimate(network, inputs, forwards=1, backwards=1).cells == 40 * 2 * 11 * 3
    assert estimate(network, inputs, forwards=5, backwards=4, runs=3).cells == 40 * 2 * 11 * 13


@pytest.mark.parametrize("threads", [1, 2])
def test_an_estimate_of_time_is_the_measured_pace_of_each_layer_times_the_work(
    threads, rng, monkeypatch
):
    clock = [0.0]

    def taking(call, seconds):
        """The operation, at so many seconds for each sample, step and unit."""

        def slowed(layer, first, *others):
            array = first[0] if isinstance(first, tuple) else first.inputs[0]
            if isinstance(layer, Recurrent):
                clock[0] += seconds * array.shape[0] * array.shape[1] * layer.cell.units
            return call(layer, first, *others)

        return slowed

    monkeypatch.setenv("RNNLENS_THREADS", str(threads))
    monkeypatch.setattr(plan, "LONGEST_CHUNK", 0.0)  # measure, however short
    monkeypatch.setattr(pricing, "perf_counter", lambda: clock[0])
    steps = 2 * pricing.MEASURED_STEPS  # of which half are measured
    network = chain(
        Recurrent(cell("lstm", rng, 3, 5), return_sequences=True),
        Recurrent(cell("gru_after", rng, 5, 4)),
        head(rng, 4),
        shape=(steps, 3),
    )
    inputs = entries(network, rng.normal(size=(4096, steps, 3)))
    monkeypatch.setattr(pricing, "run", taking(pricing.run, 1e-3))
    monkeypatch.setattr(pricing, "pull", taking(pricing.pull, 5e-3))
    there, back = 1e-3 * (5 + 4) * steps, 5e-3 * (5 + 4) * steps
    expected = 4096 * (6 * there + 2 * back) / threads
    seconds = estimate(network, inputs, forwards=6, backwards=2, runs=3).seconds
    # sums of a clock's readings, of order 1e5, in float64
    assert seconds == pytest.approx(expected, rel=1e-9)


def test_an_estimate_of_memory_counts_chunks_and_result(rng, monkeypatch):
    monkeypatch.setenv("RNNLENS_THREADS", "2")
    network = wide(rng)
    inputs = entries(network, rng.normal(size=(20_000, 24, 3)))
    found = estimate(network, inputs, forwards=1, backwards=1, runs=2, result=1_000_000_000)
    assert (
        1_000_000_000 < found.bytes <= 1_000_000_000 + 2 * (plan.CHUNK_BYTES + plan.STRETCH_BYTES)
    )


def test_short_work_is_estimated_without_being_measured(rng, monkeypatch):
    monkeypatch.setattr(plan, "pace", lambda *_, **__: pytest.fail("measured"))
    network = forecaster("lstm", rng)
    inputs = entries(network, rng.normal(size=(5, 7, 3)))
    assert estimate(network, inputs, forwards=1).seconds < 1e-3


def test_work_is_gathered_in_the_order_of_the_samples(rng, monkeypatch):
    monkeypatch.setenv("RNNLENS_THREADS", "2")
    monkeypatch.setattr(plan, "SHORTEST_CHUNK", 0.0)
    network = forecaster("lstm", rng)
    inputs = entries(network, rng.normal(size=(1001, 7, 3)))

    def work(chunk):
        return np.arange(1001)[chunk], inputs["x"][chunk, 0]

    numbers, first = gathered(work, network, inputs)
    np.testing.assert_array_equal(numbers, np.arange(1001))
    np.testing.assert_array_equal(first, inputs["x"][:, 0])


@pytest.mark.parametrize("activation", ["relu", "tanh", "hard_sigmoid"])
def test_float32_stays_float32_there_and_back(activation, rng):
    network = chain(
        Conv1D(rng.normal(size=(2, 3, 4)), rng.normal(size=4), activation=Activation(activation)),
        LayerNormalization(rng.normal(size=4), rng.normal(size=4)),
        TimeDistributed(head(rng, 4, 4, activation)),
        Recurrent(cell("lstm", rng, 4)),
        head(rng, 5, 2, activation),
        shape=(6, 3),
    )
    inputs = entries(network, rng.normal(size=(3, 6, 3)), "float32")
    run = forward(network, inputs)
    run0 = forward(network, {"x": inputs["x"] + np.float32(1)})
    from rnnlens.engine.backward import multipliers

    for other in (run, run0):
        found = multipliers(run, other, TARGET.weight(run))
        assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    assert {one.outputs[0].dtype for one in run.tapes.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_missing_value_is_named_by_its_place_among_all_windows(bad, rng, monkeypatch):
    monkeypatch.setattr(plan, "CHUNK_BYTES", 1 << 12)
    network = forecaster("lstm", rng, units=8, features=3, steps=6)
    x = rng.normal(size=(700, 6, 3))
    x[[611, 650], 4, 1] = bad
    with pytest.raises(DataError, match=rf"input 'x' holds {bad} at index \(611, 4, 1\)"):
        predict(network, x)


def test_numbers_whose_sum_is_too_large_to_write_are_not_missing(rng):
    network = forecaster("lstm", rng, units=8, features=3, steps=6)
    x = np.full((3, 6, 3), 1e308)
    np.testing.assert_array_equal(predict(network, x), forward(network, {"x": x}).outputs[0])


@pytest.mark.parametrize("first", ["float64", "float32"])
def test_what_a_run_keeps_is_counted_in_the_precision_that_it_is_computed_in(first, rng):
    network = forecaster("lstm", rng)
    given = {"x": rng.normal(size=(4, 7, 3))}
    second = "float32" if first == "float64" else "float64"
    bytes_ = {name: cost(network, {"x": given["x"].astype(name)}).bytes for name in (first, second)}
    assert bytes_["float32"] == pytest.approx(bytes_["float64"] / 2, rel=0.02)  # masks are bytes


def test_places_lie_as_evenly_as_numbers_between_the_ends():
    for count in (*range(2, 40), 597, 10_001):
        for wanted in (*range(1, min(count, 30)), count - 1):
            found = plan.evenly(count, wanted)
            np.testing.assert_array_equal(found, np.linspace(0, count - 1, wanted).round())
            assert found[0] == 0 and (np.diff(found) > 0).all()
