"""Where a graph holds a loop written out: a step that takes what the same step before it gave.

Two nodes of neighbouring steps are compared from what they give back to what they take, together.
What both take is shared by all steps; steps of one sequence are inputs; a node that was already met
as the other's is a state that is carried from step to step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

from rnnlens.network.layers import Recurrent
from rnnlens.network.network import Ref
from rnnlens.readers.rerolled.graph import Graph, Place

__all__ = ["Loop", "find_loops", "step_before"]

#: Nodes of one step; more would be no cell.
MOST_NODES = 400
#: Rounds of hashing by which nodes are grouped with those that are alike.
ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Loop:
    """A step as its last run has it, and where every run has the same."""

    #: The carried states: what the step gives, and what it took from the step before.
    states: tuple[tuple[Ref, Ref], ...]
    #: Every output within the last step, latest first.
    body: tuple[Ref, ...]
    places: dict[Ref, Place]
    shared: frozenset[Ref]
    #: Outputs of the last step that depend on a state that it took.
    inside: frozenset[Ref]
    #: For each step, oldest first: where it has each of the above, states taken included.
    steps: list[dict[Ref, Ref]] = field(default_factory=list)

    def given(self, number: int, state: int) -> Ref:
        """Give the output that is a state after a step."""
        return self.steps[number][self.states[state][0]]

    @property
    def starts(self) -> tuple[Ref, ...]:
        """What the first step takes as its states."""
        return tuple(self.steps[0][taken] for _, taken in self.states)


def find_loops(graph: Graph) -> Iterator[Loop]:
    """Give the loops of a graph, those of the fewest states and the most steps first."""
    found: dict[frozenset[tuple[Ref, Ref]], Loop] = {}
    for last, before in _neighbours(graph):
        loop = _paired(graph, last, before)
        if loop is not None:
            found.setdefault(frozenset(loop.states), loop)
    for loop in found.values():
        _follow_back(graph, loop)
    # a loop that is cut where its states are handed on has most steps, and one place a step
    ranked = sorted(
        found.values(), key=lambda loop: (_lags(loop), len(loop.states), -len(loop.steps))
    )
    yield from (loop for loop in ranked if len(loop.steps) >= 2)


def _lags(loop: Loop) -> int:
    """Count the places within a sequence that one step looks at: one, unless it is cut askew."""
    by_sequence: dict[tuple[Ref, int], set[int]] = {}
    for place in loop.places.values():
        by_sequence.setdefault((place.sequence, place.axis), set()).add(place.step)
    steps = {step for each in by_sequence.values() for step in each}
    return max(1, len(steps))


def _neighbours(graph: Graph) -> Iterator[tuple[Ref, Ref]]:
    """Give pairs of nodes that are alike, of which the later depends on the earlier."""
    for group in _groups(graph).values():
        members = set(group)
        for last in _ends(graph, group):
            before = _nearest(graph, last, members)
            if before is not None:
                # a cell that is called as a whole gives its first state after what it outputs
                number = 1 if isinstance(graph.nodes[last].layer, Recurrent) else 0
                yield (last, number), (before, number)


def _groups(graph: Graph) -> dict[object, list[str]]:
    """Group nodes by their layer and those of what they take, some rounds deep."""
    plain = {name: hash(key) for name, key in graph.keys.items()}
    marks = dict(plain)

    def mark(ref: Ref) -> int:
        place = graph.step_of(ref)
        return hash((marks[ref[0]], ref[1]) if place is None else place.along)

    for _ in range(ROUNDS):
        marks = {
            name: hash((plain[name], *map(mark, node.inputs))) for name, node in graph.nodes.items()
        }
    groups: dict[object, list[str]] = {}
    for name, same in marks.items():
        if graph.nodes[name].inputs and graph.step_of((name, 0)) is None:
            groups.setdefault(same, []).append(name)
    return {same: names for same, names in groups.items() if len(names) > 1}


def _ends(graph: Graph, group: list[str]) -> list[str]:
    """Give the members that no other member depends on: the last of each chain."""
    behind: set[str] = set()
    members, ends = set(group), []
    for last in reversed(group):
        if last in behind:
            continue
        ends.append(last)
        if len(ends) > 8:  # many that depend on none of each other: no loop
            return ends[:1]
        open_, seen = [last], {last}
        while open_:
            for name, _ in graph.nodes[open_.pop()].inputs:
                if name not in seen:
                    seen.add(name)
                    open_.append(name)
        behind |= seen & members
    return ends


def _nearest(graph: Graph, last: str, members: set[str]) -> str | None:
    """Find the latest member that a node depends on."""
    heap = [-graph.place[name] for name, _ in graph.nodes[last].inputs]
    names = list(graph.nodes)
    seen: set[int] = set()
    heap.sort()
    while heap:
        place = heappop(heap)
        if place in seen:
            continue
        seen.add(place)
        if len(seen) > MOST_NODES:
            return None
        name = names[-place]
        if name in members:
            return name
        for one, _ in graph.nodes[name].inputs:
            heappush(heap, -graph.place[one])
    return None


class _Comparison:
    """Two neighbouring steps, compared from what they give back to what they take."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        #: What the earlier step has for each output of the later.
        self.seen: dict[Ref, Ref] = {}
        #: The same, the other way round, for what a step computes.
        self.others: dict[Ref, Ref] = {}
        self.states: dict[Ref, Ref] = {}
        self.body: list[Ref] = []
        self.places: dict[Ref, Place] = {}
        self.shared: set[Ref] = set()

    def run(self, last: Ref, before: Ref) -> bool:
        """Compare, latest first; say whether both steps are the same."""
        heap = [(-self.graph.place[last[0]], 0, last, before)]
        count = 0
        while heap:
            _, _, mine, theirs = heappop(heap)
            if mine in self.seen:
                if self.seen[mine] != theirs:
                    return False
                continue
            if mine == theirs:
                self.shared.add(mine)
                continue
            self.seen[mine] = theirs
            inner = self._compare(mine, theirs)
            if inner is None or len(self.body) > MOST_NODES:
                return False
            for one, other in inner:
                count += 1
                heappush(heap, (-self.graph.place[one[0]], count, one, other))
        return True

    def _compare(self, mine: Ref, theirs: Ref) -> list[tuple[Ref, Ref]] | None:
        """Compare two outputs alone; give what they take, to be compared, or None."""
        graph = self.graph
        place, other = graph.step_of(mine), graph.step_of(theirs)
        if place is not None:
            if other is None or place.along != other.along:
                return None
            self.places[mine] = place
            return []
        if mine in self.others:
            self.states[self.others[mine]] = mine
            return []
        if other is not None or mine[1] != theirs[1]:
            return None
        taken, given = graph.node(mine).inputs, graph.node(theirs).inputs
        if graph.keys[mine[0]] != graph.keys[theirs[0]] or len(taken) != len(given):
            return None
        for number in range(len(graph.shapes[mine[0]])):
            self.others[theirs[0], number] = mine[0], number
        self.body.append(mine)
        return list(zip(taken, given, strict=True))


def _paired(graph: Graph, last: Ref, before: Ref) -> Loop | None:
    """Make a loop of two steps of an output and the one before it; None where it is none."""
    both = _Comparison(graph)
    if not both.run(last, before) or both.states.get(last) != before:
        return None
    for given, taken_before in both.states.items():
        # of a cell that is called as a whole, the one call may have been met by another output
        if given not in both.seen:
            both.seen[given] = taken_before
            both.body.append(given)
    taken = set(both.states.values())
    pairs = sorted(both.states.items(), key=lambda pair: graph.place[pair[0][0]], reverse=True)
    here = {ref: ref for ref in [*both.body, *both.places, *taken]}
    return Loop(
        tuple(pairs),
        tuple(both.body),
        both.places,
        frozenset(both.shared),
        _depends(graph, both.body, taken),
        [dict(both.seen), here],
    )


def _depends(graph: Graph, body: list[Ref], taken: set[Ref]) -> frozenset[Ref]:
    """Give the outputs of a step that depend on a state that it took."""
    inside = set()
    for ref in reversed(body):
        if any(one in taken or one in inside for one in graph.node(ref).inputs):
            inside.add(ref)
    return frozenset(inside)


def _follow_back(graph: Graph, loop: Loop) -> None:
    """Find the same step again before the earliest that is known, as often as it is there."""
    moves = _moves(graph, loop)
    if any(move == 0 for move in moves.values()):
        loop.steps.clear()
        return
    while (before := step_before(graph, loop, moves)) is not None:
        loop.steps.insert(0, before)


def _moves(graph: Graph, loop: Loop) -> dict[Ref, int]:
    """Say how far each place moves along its sequence from one step to the next."""
    return {
        ref: place.step - _step(graph, loop.steps[-2][ref]) for ref, place in loop.places.items()
    }


def step_before(
    graph: Graph, loop: Loop, moves: dict[Ref, int] | None = None
) -> dict[Ref, Ref] | None:
    """Find the same step before the earliest that is known; None where it is not there."""
    whole = [*loop.body, *loop.places]
    whole.sort(key=lambda ref: graph.place[ref[0]], reverse=True)
    later = loop.steps[0]
    here = {given: later[before] for given, before in loop.states}
    same = _matches(graph, loop, whole, here, moves or {})
    return here if same and all(before in here for _, before in loop.states) else None


def _step(graph: Graph, ref: Ref) -> int:
    place = graph.step_of(ref)
    assert place is not None
    return place.step


def _matches(
    graph: Graph,
    loop: Loop,
    whole: list[Ref],
    here: dict[Ref, Ref],
    moves: dict[Ref, int],
) -> bool:
    """Go through one earlier step beside the last one, and note where it has what."""
    back = len(loop.steps)
    for ref in whole:
        other = here.get(ref)
        if other is None:
            return False
        if ref in loop.places:
            place, theirs = loop.places[ref], graph.step_of(other)
            step = place.step - back * moves[ref]
            if theirs is None or (theirs.along, theirs.step) != (place.along, step):
                return False
            continue
        if ref[1] != other[1] or graph.keys[ref[0]] != graph.keys[other[0]]:
            return False
        mine, others = graph.node(ref).inputs, graph.node(other).inputs
        if len(mine) != len(others):
            return False
        for one, its in zip(mine, others, strict=True):
            if one in loop.shared:
                if one != its:
                    return False
            elif here.setdefault(one, its) != its:
                return False
    return True
