"""What stands between layers, in plain loops over samples and places."""

import math

import numpy as np


def _pairs(a, b):
    rank = max(a.ndim, b.ndim)
    a, b = (x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:]) for x in (a, b))
    shape = tuple(max(m, n) for m, n in zip(a.shape, b.shape, strict=True))
    for place in np.ndindex(*shape):
        yield (
            place,
            *(
                x[tuple(0 if n == 1 else k for k, n in zip(place, x.shape, strict=True))]
                for x in (a, b)
            ),
        )


def _each(function, a, b):
    found = {place: function(float(u), float(v)) for place, u, v in _pairs(a, b)}
    made = np.zeros(tuple(max(k) + 1 for k in zip(*found, strict=True)))
    for place, number in found.items():
        made[place] = number
    return made


def divide(layer, a, b):
    return _each(lambda u, v: u / v, a, b)


def power(layer, a, b):
    return _each(math.pow, a, b)


def maximum(layer, a, b):
    return _each(max, a, b)


def minimum(layer, a, b):
    return _each(min, a, b)


def where(layer, condition, a, b):
    chosen = _each(lambda c, u: u if c else math.nan, condition, a)
    other = _each(lambda c, v: math.nan if c else v, condition, b)
    made = chosen.copy()
    for place in np.ndindex(*made.shape):
        if math.isnan(made[place]):
            made[place] = other[place]
    return made


def _moments(numbers, correction):
    mean = sum(numbers) / len(numbers)
    return sum((one - mean) ** 2 for one in numbers) / (len(numbers) - correction)


def reduction(layer, x):
    of = {
        "sum": math.fsum,
        "max": max,
        "min": min,
        "product": math.prod,
        "variance": lambda numbers: _moments(numbers, layer.correction),
        "logsumexp": lambda numbers: math.log(math.fsum(map(math.exp, numbers))),
    }[layer.kind]
    axes = [axis % x.ndim for axis in layer.axes]
    kept = [1 if k in axes else n for k, n in enumerate(x.shape)]
    lists = {place: [] for place in np.ndindex(*kept)}
    for place in np.ndindex(*x.shape):
        home = tuple(0 if k in axes else at for k, at in enumerate(place))
        lists[home].append(float(x[place]))
    made = np.zeros(kept)
    for place, numbers in lists.items():
        made[place] = of(numbers)
    if layer.keepdims:
        return made
    return made.reshape([n for k, n in enumerate(kept) if k not in axes])


def cumulative(layer, x):
    axis, made = layer.axis % x.ndim, np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        upto = range(place[axis], x.shape[axis]) if layer.reverse else range(place[axis] + 1)
        made[place] = math.fsum(x[*place[:axis], k, *place[axis + 1 :]] for k in upto)
    return made


def einsum(layer, a, b):
    inputs, out = layer.equation.split("->")
    of_a, of_b = inputs.split(",")
    size = dict(zip(of_a + of_b, a.shape + b.shape, strict=True))
    letters = sorted(size)
    made = np.zeros([size[c] for c in out])
    for place in np.ndindex(*(size[c] for c in letters)):
        at = dict(zip(letters, place, strict=True))
        product = a[tuple(at[c] for c in of_a)] * b[tuple(at[c] for c in of_b)]
        made[tuple(at[c] for c in out)] += product
    return made


def take(layer, x):
    axis = layer.axis % x.ndim
    rows = [x[*(slice(None),) * axis, place] for place in layer.places]
    return np.stack(rows, axis=axis)


def repeat(layer, x, like=None):
    times = like.shape[layer.axis] if layer.times is None else layer.times
    return np.concatenate([x] * times, axis=layer.axis)


def function(phi, a):
    """One function, number by number, by the mathematics of Python."""

    def clip(number):
        return min(max(number, phi["min_value"]), phi["max_value"])

    one = {
        "abs": abs,
        "arctan": math.atan,
        "ceil": math.ceil,
        "clip": clip,
        "cos": math.cos,
        "erf": math.erf,
        "expm1": math.expm1,
        "floor": math.floor,
        "is_zero": lambda number: float(number == 0),
        "log": math.log,
        "log1p": math.log1p,
        "power": lambda number: number ** phi["exponent"],
        "reciprocal": lambda number: 1 / number,
        "round": round,
        "sign": lambda number: (number > 0) - (number < 0),
        "sin": math.sin,
        "sqrt": math.sqrt,
        "step": lambda number: float(number > 0),
        "truncate": math.trunc,
    }[phi.name]
    return np.array([one(float(number)) for number in a])


def attention(q, k, v, heads):
    """Scaled dot-product attention: q, k, v (sample, step, head * unit)."""
    width = q.shape[-1] // heads
    made = np.zeros_like(q)
    for n, t, h in np.ndindex(*q.shape[:2], heads):
        part = slice(h * width, (h + 1) * width)
        scores = [q[n, t, part] @ row[part] / math.sqrt(width) for row in k[n]]
        weights = [math.exp(s - max(scores)) for s in scores]
        total = sum(w * row[part] for w, row in zip(weights, v[n], strict=True))
        made[n, t, part] = total / sum(weights)
    return made
