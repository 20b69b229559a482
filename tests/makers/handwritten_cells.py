"""Recurrent cells as people write them by hand, each in a loop of its own over the steps."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

FEATURES, UNITS, STATIC = 3, 4, 2


def parameter(*shape):
    return nn.Parameter(torch.randn(*shape) * 0.5)


class Hand(nn.Module):
    """A loop from zero states over `step`, and a linear head on the last hidden state."""

    states = 2

    def __init__(self):
        super().__init__()
        self.make()
        self.fc = nn.Linear(UNITS, 2)

    def forward(self, x):
        state = [torch.zeros(x.size(0), UNITS, dtype=x.dtype) for _ in range(self.states)]
        for t in range(x.size(1)):
            state = self.step(x[:, t], *state)
        return self.fc(state[0])


class PackedIFGO(Hand):
    """One product for the input and one for the state, gates i f g o."""

    def make(self):
        self.w, self.u = parameter(FEATURES, 4 * UNITS), parameter(UNITS, 4 * UNITS)
        self.b = parameter(4 * UNITS)

    def step(self, x, h, c):
        i, f, g, o = (x @ self.w + h @ self.u + self.b).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class PackedFOIG(PackedIFGO):
    """Gates f o i g, three sigmoids at once, taken apart by split."""

    def step(self, x, h, c):
        gates = x @ self.w + h @ self.u + self.b
        sigmoids, g = torch.split(gates, [3 * UNITS, UNITS], dim=1)
        f, o, i = torch.sigmoid(sigmoids).split(UNITS, dim=1)
        c = i * torch.tanh(g) + c * f
        return torch.tanh(c) * o, c


class LinearSlices(Hand):
    """Two nn.Linear, gates by slices."""

    def make(self):
        self.x2h, self.h2h = nn.Linear(FEATURES, 4 * UNITS), nn.Linear(UNITS, 4 * UNITS)

    def step(self, x, h, c):
        gates, n = self.x2h(x) + self.h2h(h), UNITS
        o, g = torch.sigmoid(gates[:, :n]), torch.tanh(gates[:, n : 2 * n])
        f, i = torch.sigmoid(gates[:, 2 * n : 3 * n] + 1.0), torch.sigmoid(gates[:, 3 * n :])
        c = f * c + i * g
        return o * c.tanh(), c


class OneLinearOfBoth(Hand):
    """nn.Linear on input and state side by side, one a gate."""

    def make(self):
        for name in "ifgo":
            setattr(self, name, nn.Linear(FEATURES + UNITS, UNITS))

    def step(self, x, h, c):
        xh = torch.cat([x, h], 1)
        i, f, o = (torch.sigmoid(gate(xh)) for gate in (self.i, self.f, self.o))
        c = f * c + i * torch.tanh(self.g(xh))
        return o * torch.tanh(c), c


class MatrixPerGate(Hand):
    """A matrix each, as textbooks have it; the state first in the concatenation of the sums."""

    def make(self):
        for name in "ifgo":
            setattr(self, f"W_{name}", parameter(FEATURES, UNITS))
            setattr(self, f"U_{name}", parameter(UNITS, UNITS))
            setattr(self, f"b_{name}", parameter(UNITS))

    def a(self, name, x, h):
        W, U, b = (getattr(self, f"{kind}_{name}") for kind in "WUb")
        return torch.mm(h, U) + torch.mm(x, W) + b

    def step(self, x, h, c):
        i, f, o = (torch.sigmoid(self.a(name, x, h)) for name in "ifo")
        c = f * c + i * torch.tanh(self.a("g", x, h))
        return o * torch.tanh(c), c


class Coupled(MatrixPerGate):
    """The input gate is one minus the forget gate."""

    def step(self, x, h, c):
        f, o = (torch.sigmoid(self.a(name, x, h)) for name in "fo")
        c = f * c + (1 - f) * torch.tanh(self.a("g", x, h))
        return o * torch.tanh(c), c


class Peephole(MatrixPerGate):
    """Gates that see the cell state: the old one, and the output gate the new one."""

    def make(self):
        super().make()
        self.V_i, self.V_f, self.V_o = parameter(UNITS), parameter(UNITS), parameter(UNITS)

    def step(self, x, h, c):
        i = torch.sigmoid(self.a("i", x, h) + self.V_i * c)
        f = torch.sigmoid(self.a("f", x, h) + self.V_f * c)
        c = f * c + i * torch.tanh(self.a("g", x, h))
        o = torch.sigmoid(self.a("o", x, h) + self.V_o * c)
        return o * torch.tanh(c), c


class Projected(PackedIFGO):
    """A hidden state that is projected before it is handed on."""

    def make(self):
        super().make()
        self.p = nn.Linear(UNITS, UNITS, bias=False)

    def step(self, x, h, c):
        h, c = super().step(x, h, c)
        return self.p(h), c


class HardGates(LinearSlices):
    """Keras 1's own activation in the gates, by PyTorch's name."""

    def step(self, x, h, c):
        i, f, g, o = (self.x2h(x) + self.h2h(h)).chunk(4, 1)
        c = F.hardsigmoid(f) * c + F.hardsigmoid(i) * torch.tanh(g)
        return F.hardsigmoid(o) * torch.tanh(c), c


class GRUAfter(Hand):
    """The reset gate acts on the product, as in PyTorch."""

    states = 1

    def make(self):
        self.x2h, self.h2h = nn.Linear(FEATURES, 3 * UNITS), nn.Linear(UNITS, 3 * UNITS)

    def step(self, x, h):
        (xr, xz, xn), (hr, hz, hn) = self.x2h(x).chunk(3, 1), self.h2h(h).chunk(3, 1)
        r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
        n = torch.tanh(xn + r * hn)
        return ((1 - z) * n + z * h,)


class GRUBefore(Hand):
    """The reset gate acts on the state; the update gate multiplies the candidate."""

    states = 1

    def make(self):
        for name in "zrn":
            setattr(self, name, nn.Linear(FEATURES + UNITS, UNITS))

    def step(self, x, h):
        xh = torch.cat((h, x), dim=-1)
        z, r = torch.sigmoid(self.z(xh)), torch.sigmoid(self.r(xh))
        n = torch.tanh(self.n(torch.cat((r * h, x), dim=-1)))
        return ((1 - z) * h + z * n,)


class GRULerp(GRUAfter):
    """The new state as a step from the old one to the candidate."""

    def step(self, x, h):
        (xr, xz, xn), (hr, hz, hn) = self.x2h(x).chunk(3, 1), self.h2h(h).chunk(3, 1)
        z = torch.sigmoid(xz + hz)
        n = torch.tanh(xn + torch.sigmoid(xr + hr) * hn)
        return (n + z * (h - n),)


class MinimalGated(Hand):
    """One gate for both jobs of a GRU."""

    states = 1

    def make(self):
        self.f, self.n = (nn.Linear(FEATURES + UNITS, UNITS) for _ in range(2))

    def step(self, x, h):
        f = torch.sigmoid(self.f(torch.cat([x, h], 1)))
        n = torch.tanh(self.n(torch.cat([x, f * h], 1)))
        return ((1 - f) * h + f * n,)


class Elman(Hand):
    """A plain cell."""

    states = 1

    def make(self):
        self.i2h, self.h2h = nn.Linear(FEATURES, UNITS), nn.Linear(UNITS, UNITS, bias=False)

    def step(self, x, h):
        return (torch.tanh(self.i2h(x) + self.h2h(h)),)


class Independent(Hand):
    """A plain cell whose units see themselves alone."""

    states = 1

    def make(self):
        self.i2h, self.u = nn.Linear(FEATURES, UNITS), parameter(UNITS)

    def step(self, x, h):
        return (torch.relu(self.i2h(x) + self.u * h),)


#: Each cell, what it is read as, and one minus which of its gates another is.
KNOWN = {
    PackedIFGO: "LSTM",
    PackedFOIG: "LSTM",
    LinearSlices: "LSTM",
    OneLinearOfBoth: "LSTM",
    MatrixPerGate: "LSTM",
    Coupled: "LSTM",
    Peephole: "LSTM",
    Projected: "LSTM",
    HardGates: "LSTM",
    GRUAfter: "GRU",
    GRUBefore: "GRU",
    GRULerp: "GRU",
    MinimalGated: "GRU",
    Elman: "SimpleRNN",
    Independent: "SimpleRNN",
}


class LayerNormed(Hand):
    """Norms on both products and on the cell state."""

    def make(self):
        self.x2h, self.h2h = nn.Linear(FEATURES, 4 * UNITS), nn.Linear(UNITS, 4 * UNITS)
        self.nx, self.nh, self.nc = (nn.LayerNorm(n * UNITS) for n in (4, 4, 1))
        for norm in (self.nx, self.nh, self.nc):
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)

    def step(self, x, h, c):
        i, f, g, o = (self.nx(self.x2h(x)) + self.nh(self.h2h(h))).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.nc(c)), c


class OldPeephole(MatrixPerGate):
    """The output gate sees the cell state before the step."""

    def step(self, x, h, c):
        i, f = torch.sigmoid(self.a("i", x, h)), torch.sigmoid(self.a("f", x, h))
        o = torch.sigmoid(self.a("o", x, h) + self.b_g * c)
        c = f * c + i * torch.tanh(self.a("g", x, h))
        return o * torch.tanh(c), c


class Simple2018(Hand):
    """The simple recurrent unit: gates of the input alone, and a way past the cell."""

    def make(self):
        self.w, self.f, self.r = (nn.Linear(FEATURES, UNITS) for _ in range(3))
        self.past = nn.Linear(FEATURES, UNITS, bias=False)

    def step(self, x, h, c):
        f, r = torch.sigmoid(self.f(x)), torch.sigmoid(self.r(x) + h * self.w.bias)
        c = f * c + (1 - f) * self.w(x)
        return r * torch.tanh(c) + (1 - r) * self.past(x), c


class Leaky(Hand):
    """A plain cell in continuous time."""

    states = 1

    def make(self):
        self.i2h, self.h2h = nn.Linear(FEATURES, UNITS), nn.Linear(UNITS, UNITS)

    def step(self, x, h):
        return (0.8 * h + 0.2 * torch.tanh(self.i2h(x) + self.h2h(h)),)


class Update(Hand):
    """The update gate recurrent unit: one gate, and no reset."""

    states = 1

    def make(self):
        self.g, self.n = (nn.Linear(FEATURES + UNITS, UNITS) for _ in range(2))

    def step(self, x, h):
        xh = torch.cat([x, h], 1)
        g = torch.sigmoid(self.g(xh))
        return (g * h + (1 - g) * torch.tanh(self.n(xh)),)


#: Cells that no name is known for, and the gates that are named all the same.
DESCRIBED = {
    LayerNormed: {"input", "forget", "cell", "output"},
    OldPeephole: {"input", "forget", "cell", "output"},
    Simple2018: {"update"},
    Leaky: {"tanh_1"},
    Update: {"update", "candidate"},
}


class Decoder(nn.Module):
    """An encoder, and a cell that is fed its own forecast."""

    HORIZONS = 4

    def __init__(self, cell):
        super().__init__()
        self.encoder = getattr(nn, cell)(FEATURES, UNITS, batch_first=True)
        self.cell, self.fc = getattr(nn, f"{cell}Cell")(1, UNITS), nn.Linear(UNITS, 1)

    def forward(self, x):
        _, state = self.encoder(x)
        state = tuple(one[-1] for one in state) if isinstance(state, tuple) else state[-1]
        y, given = x[:, -1, :1], []
        for _ in range(self.HORIZONS):
            state = self.cell(y, state)
            y = self.fc(state[0] if isinstance(state, tuple) else state)
            given.append(y)
        return torch.stack(given, 1)


class HandDecoder(nn.Module):
    """A decoder whose cell is written by hand: a GRU whose reset gate acts on the state."""

    HORIZONS = 4

    def __init__(self):
        super().__init__()
        self.encoder = nn.GRU(FEATURES, UNITS, batch_first=True)
        self.z, self.r, self.n = (nn.Linear(1 + UNITS, UNITS) for _ in range(3))
        self.fc = nn.Linear(UNITS, 1)

    def forward(self, x):
        h, y, given = self.encoder(x)[1][-1], x[:, -1, :1], []
        for _ in range(self.HORIZONS):
            z, r = (torch.sigmoid(gate(torch.cat([y, h], 1))) for gate in (self.z, self.r))
            h = z * h + (1 - z) * torch.tanh(self.n(torch.cat([y, r * h], 1)))
            y = self.fc(h)
            given.append(y)
        return torch.cat(given, 1)


class Prepared(nn.Module):
    """Whole cells of PyTorch, one above the other, with layers before them at every step."""

    def __init__(self):
        super().__init__()
        self.before, self.lstm = nn.Linear(FEATURES, 5), nn.LSTMCell(5, UNITS)
        self.gru, self.fc = nn.GRUCell(UNITS, UNITS), nn.Linear(UNITS, 1)

    def forward(self, x):
        h, c, g = (torch.zeros(x.size(0), UNITS, dtype=x.dtype) for _ in range(3))
        given = []
        for t in range(x.size(1)):
            h, c = self.lstm(torch.relu(self.before(x[:, t])), (h, c))
            g = self.gru(torch.tanh(h), g)
            given.append(self.fc(g))
        return torch.cat(given, 1)


class Hidden(nn.Module):
    """A cell of which two inner values are used outside that no cut of its step has together."""

    def __init__(self):
        super().__init__()
        self.x2h, self.h2h = nn.Linear(FEATURES, UNITS), nn.Linear(UNITS, UNITS)
        self.fc = nn.Linear(UNITS, 1)

    def forward(self, x):
        h = torch.zeros(x.size(0), UNITS, dtype=x.dtype)
        gates, candidates = [], []
        for t in range(x.size(1)):
            gates.append(torch.sigmoid(self.x2h(x[:, t]) + self.h2h(h)))
            candidates.append(torch.tanh(self.h2h(gates[-1])))
            h = torch.sigmoid(self.h2h(torch.tanh(candidates[-1])))
        return self.fc(h) + self.fc(gates[1] * gates[-2]) + self.fc(candidates[2] * candidates[-2])


class EntityAware(nn.Module):
    """An LSTM whose input gate sees static features alone (Kratzert et al. 2019)."""

    def __init__(self):
        super().__init__()
        self.wi = nn.Linear(STATIC, UNITS)
        self.w, self.u = parameter(FEATURES, 3 * UNITS), parameter(UNITS, 3 * UNITS)
        self.b, self.fc = parameter(3 * UNITS), nn.Linear(UNITS, 1)

    def forward(self, x, z):
        i = torch.sigmoid(self.wi(z))
        h, c = (torch.zeros(x.size(0), UNITS, dtype=x.dtype) for _ in range(2))
        for t in range(x.size(1)):
            f, o, g = (self.b + x[:, t] @ self.w + h @ self.u).chunk(3, 1)
            c = torch.sigmoid(f) * c + i * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return self.fc(h)


class Stacking(nn.Module):
    """Gives the states after every step, beside a head on them: what a loop may hand on."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, x, *z):
        count = getattr(self.cell, "states", 2)
        state = [torch.zeros(x.size(0), UNITS, dtype=x.dtype) for _ in range(count)]
        kept = []
        for t in range(x.size(1)):
            state = self.cell.step(x[:, t], *state, *z)
            kept.append(state)
        sequences = [torch.stack(one, 1) for one in zip(*kept, strict=True)]
        return self.cell.fc(sequences[0])[:, -1], *sequences


class EntityAwareStep(EntityAware):
    """The same, a step at a time."""

    def step(self, x, h, c, z):
        f, o, g = (self.b + x @ self.w + h @ self.u).chunk(3, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(self.wi(z)) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class WholeCell(nn.Module):
    """PyTorch's own LSTM cell."""

    def __init__(self):
        super().__init__()
        self.cell, self.fc = nn.LSTMCell(FEATURES, UNITS), nn.Linear(UNITS, 2)

    def step(self, x, h, c):
        return self.cell(x, (h, c))
