"""Naive twins for games of players: from the definitions, subset by subset, no code of rnnlens.

A game is a function ``v`` of a frozenset of players.
"""

import math
from itertools import combinations, permutations


def subsets(players):
    players = list(players)
    return [frozenset(c) for size in range(len(players) + 1) for c in combinations(players, size)]


def weight(size, count):
    return math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)


def owen_by_subsets(v, unions):
    """Owen's formula; ``unions`` is a list of lists of players. A dict from player to value."""
    found = {}
    for k, union in enumerate(unions):
        others = [u for j, u in enumerate(unions) if j != k]
        for player in union:
            mates = [p for p in union if p != player]
            total = 0.0
            for outer in subsets(range(len(others))):
                whole = frozenset(p for j in outer for p in others[j])
                for inner in subsets(mates):
                    w = weight(len(outer), len(unions)) * weight(len(inner), len(union))
                    total += w * (v(whole | inner | {player}) - v(whole | inner))
            found[player] = total
    return found


def interaction_by_subsets(v, players):
    """The Shapley interaction index of every pair; a dict from (j, k) to value."""
    players, found = list(players), {}
    for j, k in permutations(players, 2):
        rest = [p for p in players if p not in {j, k}]
        total = 0.0
        for S in subsets(rest):
            w = math.factorial(len(S)) * math.factorial(len(rest) - len(S))
            w /= math.factorial(len(players) - 1)
            total += w * (v(S | {j, k}) - v(S | {j}) - v(S | {k}) + v(S))
        found[j, k] = total
    return found


def best_and_worst_by_subsets(v, players):
    """For each size, the smallest and the largest distance of v(S) from v(all)."""
    whole = v(frozenset(players))
    found = []
    for size in range(len(players) + 1):
        away = [abs(v(S) - whole) for S in subsets(players) if len(S) == size]
        found.append((min(away), max(away)))
    return found
