"""Networks walked step by step: what happens at each step, and a head after the last.

A state of the walk holds, for any number of histories at once, what every recurrent layer carries
on: two histories that differ in their last steps alone share all that came before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from rnnlens.engine.forward import Run, States
from rnnlens.engine.kernels.run import packed, step_shared
from rnnlens.engine.operations.registry import Array, Mask, run
from rnnlens.engine.stepwise.kinds import picks_steps, takes_the_newest
from rnnlens.engine.stepwise.split import SplitNetwork
from rnnlens.engine.stepwise.states import State, histories_in, spread, tiled
from rnnlens.engine.stepwise.stretches import Stretches, stretches
from rnnlens.network.axes import Index, Slice
from rnnlens.network.layers import Recurrent, RepeatVector
from rnnlens.network.network import Node, Ref, leading_to

__all__ = ["Walk"]


@dataclass(frozen=True)
class Walk:
    """A walk over the steps of windows, with the masks that the windows have.

    Histories stand node by node, and within a node window by window.

    Parameters
    ----------
    split : SplitNetwork
        The network.
    window : Run
        The run of the windows as they are.
    of : str
        The input whose steps are walked.
    count : callable
        Told of cell evaluations as they are made.
    """

    split: SplitNetwork
    window: Run
    of: str
    count: Callable[[int], None]

    def start(self, given: States | None = None) -> State:
        """Give the state before the first step: one history a window.

        Shapes: given mapping of str to sequence of (sample, unit).
        """
        x, split = self._windows, self.split
        start: State = {}
        for name, layer in split.joined.items():
            start[name] = (np.zeros((len(x), layer.width), x.dtype),)
        for node in split.each_step:
            if node.name in split.picked:
                width = prod(self.window.value((node.name, 0)).shape[1:])
                start[node.name] = (np.zeros((len(x), width), x.dtype),)
            if node.name not in split.cells:
                continue
            cell = split.cells[node.name].cell
            sizes = (*cell.state_sizes, cell.state_sizes[0])
            zero = tuple(np.zeros((len(x), size), x.dtype) for size in sizes)
            carried = tuple(np.asarray(s, x.dtype) for s in (given or {}).get(node.name, ()))
            held = () if carried else self._first_states(node, {})
            begun = carried or held
            start[node.name] = (*begun, *zero[len(begun) :])
        return start

    def _first_states(self, node: Node, known: Mapping[Ref, Array]) -> tuple[Array, ...]:
        """Give the states that a layer starts from, where others than zero are known by now."""
        values = [known.get(ref, self._held(ref)) for ref in node.inputs[1:]]
        there = tuple(value for value in values if value is not None)
        return there if len(there) == len(values) else ()

    def step(self, state: State, x: Array, t: int, *, fork: bool = False) -> State:
        """Take one step with every history: x (history or input, 1, feature)."""
        histories = histories_in(state)
        wide = histories * len(x) if fork else max(histories, len(x))
        if not self.split.rows:
            return self._advanced(dict(state), {(self.of, 0): x}, t, wide)
        row = self.split.rows[t]
        layer = self.split.joined[row.of]
        after = {name: tuple(tiled(one, wide) for one in arrays) for name, arrays in state.items()}
        after[row.of] = (spread(x[:, 0, : layer.width], wide),)
        if not layer.steps:
            return self._begun(after, wide) if self._last_vector == t else after
        if not row.whole:
            return after
        return self._advanced(after, self._read_together(after, row.of), row.step, wide)

    def steps(self, state: State, x: Array) -> State:
        """Take several steps with every history at once, where that `goes_at_once`.

        Shapes: x (history, step, feature).
        """
        net, wide = self._at_once, len(x)
        assert net is not None, "who takes several steps asks whether they can be"
        before = {
            name: tuple(tiled(one, wide) for one in states) for name, (*states, _) in state.items()
        }
        self.count(wide * x.shape[1] * len(before))
        after, _ = net.advance(net.read(x), before)
        return {name: (*states, states[0]) for name, states in after.items()}

    @property
    def goes_at_once(self) -> bool:
        """Whether several steps may be taken at once."""
        return self._at_once is not None

    @cached_property
    def _at_once(self) -> Stretches | None:
        if self.window.masked:
            return None
        return stretches(self.window.network, self.of, self._windows.dtype)

    @property
    def _last_vector(self) -> int:
        """The last row that is a static vector."""
        return max(self.split.joined[name].rows[0] for name in self.split.vectors)

    def _begun(self, state: State, wide: int) -> State:
        """Start the layers whose states depend on static vectors, which are all there now."""
        for node in self.split.each_step:
            from_vectors = {name for name, _ in node.inputs[1:]} - self.split.held
            if node.name in self.split.cells and from_vectors:
                known = self._of_vectors(state, from_vectors)
                known |= {
                    ref: tiled(held, wide)
                    for ref in node.inputs[1:]
                    if (held := self._held(ref)) is not None
                }
                states = self._first_states(node, known)
                state[node.name] = (*states, *state[node.name][len(states) :])
        return state

    def _read_together(self, state: State, name: str) -> dict[Ref, Array]:
        """Give this step of all sequences that are read together."""
        split = self.split
        values = {}
        for other, layer in split.joined.items():
            if layer.steps and split.together[other] == split.together[name]:
                values[other, 0] = state[other][0].reshape(-1, 1, *layer.shape[1:])
        return values

    def _of_vectors(self, state: State, names: set[str]) -> dict[Ref, Array]:
        """Run what depends on static vectors, as far as it is asked for."""
        needed = leading_to(self.split.static, names)
        values: dict[Ref, Array] = {}
        for name in needed.intersection(self.split.vectors):
            values[name, 0] = state[name][0].reshape(-1, *self.split.joined[name].shape)
        for node in self.split.static:
            if node.name in needed:
                values |= self._run_once(node, values, histories_in(state))
        return values

    def _run_once(self, node: Node, values: Mapping[Ref, Array], wide: int) -> dict[Ref, Array]:
        """Run a layer that is no part of a step."""
        taken = []
        for ref in node.inputs:
            held = self._held(ref)
            taken.append(values[ref] if held is None else tiled(held, wide))
        tape = run(node.layer, tuple(taken), (None,) * len(taken), None)
        return {(node.name, k): array for k, array in enumerate(tape.outputs)}

    def _advanced(self, after: State, values: dict[Ref, Array], t: int, wide: int) -> State:
        """Go through the layers of one step."""
        masks: dict[Ref, Mask] = dict.fromkeys(values)
        group = self.split.together.get(next(iter(values))[0])
        for node in self.split.each_step:
            if self.split.joined and self.split.together[node.name] != group:
                continue
            if isinstance(node.layer, Recurrent):
                x, mask = values[node.inputs[0]], masks[node.inputs[0]]
                values[node.name, 0] = self._advance(node, after, x, mask, wide)
                masks[node.name, 0] = mask
            elif picks_steps(node.layer):
                after[node.name] = (self._picked(node, after, values[node.inputs[0]], t, wide),)
            else:
                even, mask = self._beside(node, after, values, masks, t, wide)
                longest = len(even[0])
                inner = tuple(None if one is None else tiled(one, longest) for one in mask)
                forced = self._forced(node, t)
                forced = None if forced is None else tiled(forced, longest)
                tape = run(node.layer, even, inner, forced)
                values[node.name, 0] = tape.outputs[0]
                after_it = tape.masks[0]
                masks[node.name, 0] = None if after_it is None else after_it[: len(self._windows)]
        return after

    def _picked(self, node: Node, state: State, x: Array, t: int, wide: int) -> Array:
        """Give the steps that a layer has picked by now, the newest last: (history, number)."""
        newest = spread(x[:, 0].reshape(len(x), -1), wide)
        if takes_the_newest(node.layer):
            return newest
        before = tiled(state[node.name][0], wide)
        if t not in self._places[node.name]:
            return before
        return np.concatenate([before[:, newest.shape[1] :], newest], axis=1)

    @cached_property
    def _places(self) -> dict[str, range]:
        """Which steps each layer picks that does not take the newest alone."""
        places = {}
        for node in self.split.each_step:
            if node.name in self.split.picked:
                steps = range(self.window.value(node.inputs[0]).shape[1])
                layer = node.layer
                if isinstance(layer, Slice):
                    places[node.name] = steps[layer.start : layer.stop : layer.step]
                elif isinstance(layer, Index):
                    places[node.name] = steps[layer.index :][:1]
        return places

    def _beside(
        self,
        node: Node,
        state: State,
        values: Mapping[Ref, Array],
        masks: Mapping[Ref, Mask],
        t: int,
        wide: int,
    ) -> tuple[tuple[Array, ...], tuple[Mask, ...]]:
        """Give what a layer takes at a step: of sequences, and of what stands beside them."""
        refs = node.inputs
        own = [ref for ref in refs if ref in values]
        # what stands beside differs by history
        longest = max(len(values[ref]) for ref in own) if len(own) == len(refs) else wide
        vectors = {name for name, _ in refs} - {name for name, _ in own} - self.split.held
        beside = self._of_vectors(state, self._repeated(vectors)) if vectors else {}
        taken: list[Array] = []
        said: list[Mask] = []
        for ref in refs:
            held = self._held(ref)
            if ref in values:
                taken.append(spread(values[ref], longest))
                said.append(masks[ref])
            elif held is not None:
                at = t if held.shape[1] > 1 else 0
                mask = self.window.tapes[ref[0]].masks[ref[1]]
                taken.append(tiled(held[:, at : at + 1], longest))
                said.append(None if mask is None or mask.ndim != 2 else mask[:, at : at + 1])
            else:
                taken.append(self._at_each_step(ref, beside))
                said.append(None)
        return tuple(taken), tuple(said)

    def _repeated(self, names: set[str]) -> set[str]:
        """Name what is repeated over the steps instead of what it becomes by that."""
        nodes = {node.name: node for node in self.split.static}
        repeated = self.split.repeated
        return {nodes[name].inputs[0][0] if name in repeated else name for name in names}

    def _at_each_step(self, ref: Ref, beside: Mapping[Ref, Array]) -> Array:
        """Give what static vectors make of each step: (history, 1, ...)."""
        node = next(node for node in self.split.static if node.name == ref[0])
        if node.name not in self.split.repeated:
            return beside[ref]
        held = self._held(node.inputs[0])
        one = beside[node.inputs[0]] if held is None else held
        return one[:, None] if isinstance(node.layer, RepeatVector) else one

    def recurrent_input(self, wanted: Node, x: Array, t: int) -> Array:
        """Give what the first recurrent layer reads at a step.

        Shapes: x (input, 1, feature) -> (input, feature).
        """
        values: dict[Ref, Array] = {(self.of, 0): x}
        masks: dict[Ref, Mask] = {(self.of, 0): None}
        for node in self.split.each_step:
            if node is wanted:
                break
            taken, _ = self._beside(node, {}, values, masks, t, len(x))
            forced = self._forced(node, t)
            forced = None if forced is None else tiled(forced, len(taken[0]))
            values[node.name, 0] = run(node.layer, taken, (None,) * len(taken), forced).outputs[0]
            masks[node.name, 0] = None
        return values[wanted.inputs[0]][:, 0]

    @property
    def _windows(self) -> Array:
        return self.window.value((self.of, 0))

    def _held(self, ref: Ref) -> Array | None:
        """Give what depends on nothing that is hidden, as the windows have it."""
        return self.window.value(ref) if ref[0] in self.split.held else None

    def _forced(self, node: Node, t: int) -> Mask:
        mask = self.window.tapes[node.name].masks[0]
        return None if mask is None else mask[:, t : t + 1]

    def _advance(self, node: Node, state: State, x: Array, mask: Mask, wide: int) -> Array:
        assert isinstance(node.layer, Recurrent)
        cell = self.split.cells[node.name]
        *before, output = state[node.name]
        self.count(wide)
        weights = packed(cell.cell, x.dtype)
        if weights is not None:
            new = step_shared(weights, x[:, 0], tuple(before), wide)
        else:
            xW = cell.project(spread(x[:, 0], wide))
            given, _ = cell.advance(xW, tuple(tiled(one, wide) for one in before))
            new = tuple(one.astype(x.dtype, copy=False) for one in given)
        if mask is None:
            state[node.name] = (*new, new[0])
        else:
            keep = tiled(mask, wide)
            old = [tiled(one, wide) for one in before]
            kept = tuple(np.where(keep, n, b) for n, b in zip(new, old, strict=True))
            idle = 0.0 if node.layer.zero_output_for_mask else tiled(output, wide)
            state[node.name] = (*kept, np.where(keep, new[0], idle))
        return state[node.name][-1][:, None]

    def outputs(self, state: State) -> tuple[Array, ...]:
        """Run the head for every history: tuple of (history, ...)."""
        histories, split = histories_in(state), self.split
        used = {name for node in split.head for name, _ in node.inputs}
        used.update(name for name, _ in self.window.network.outputs)
        values = self._of_vectors(state, used)
        for name, (*states, output) in state.items():
            if name not in split.joined and name not in split.cells:
                shape = self.window.value((name, 0)).shape[1:]
                values[name, 0] = output.reshape(len(output), *shape)
            elif name not in split.joined:
                values.update({(name, k): array for k, array in enumerate((output, *states))})
        for node in split.head:
            values |= self._run_once(node, values, histories)
        given = []
        for ref in self.window.network.outputs:
            held = self._held(ref)
            given.append(values[ref] if held is None else tiled(held, histories))
        return tuple(given)
