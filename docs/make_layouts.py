"""Write ``layouts.md``: which block of which array is which gate, from the table of the readers.

Run it from the repository's root, where rnnlens is installed::

    .venv/bin/python docs/make_layouts.py
"""

from __future__ import annotations

from pathlib import Path

from rnnlens.names import GATE_LETTERS
from rnnlens.readers.layouts import (
    CUDNN,
    KERAS,
    KERAS1,
    KERAS1_GPU,
    ONNX,
    ONNX_PEEPHOLES,
    TORCH,
    GateLayout,
)

__all__ = ["page"]

HERE = Path(__file__).parent

#: Each source: its layouts, where its gates lie, and the shapes of its arrays.
SOURCES: dict[str, tuple[dict[str, GateLayout], str]] = {
    "Keras 2, Keras 3, tf.keras": (
        KERAS,
        "side by side in the last axis of `kernel` (F, G H), `recurrent_kernel` (H, G H) and "
        "`bias` (G H); of a GRU with `reset_after` `bias` is (2, G H), the input's row first",
    ),
    "Keras 1": (
        KERAS1,
        "one W (F, H), U (H, H) and b (H) for each gate, in this order in the file",
    ),
    'Keras 1, `consume_less="gpu"`': (KERAS1_GPU, "side by side, as in Keras 2"),
    "`CuDNNLSTM`, `CuDNNGRU`": (
        CUDNN,
        "side by side, each block turned round; the bias is the input's half, then the "
        "recurrent half",
    ),
    "PyTorch": (
        TORCH,
        "one below the other in the first axis of `weight_ih` (G H, F), `weight_hh` (G H, H), "
        "`bias_ih` and `bias_hh` (G H), which are added; a GRU's candidate keeps both",
    ),
    "ONNX": (
        ONNX,
        "in the second axis of `W` (directions, G H, F) and `R` (directions, G H, H); `B` "
        "(directions, 2 G H) is the input's side of every gate, then the recurrent side",
    ),
}

#: What each cell computes; the letters are those of the tables.
EQUATIONS = {
    "LSTM": r"""```math
\begin{aligned}
i &= \sigma(x W_i + h U_i + V_i \odot c + b_i) \\
f &= \sigma(x W_f + h U_f + V_f \odot c + b_f) \\
g &= \phi(x W_c + h U_c + b_c) \\
c' &= f \odot c + i \odot g \\
o &= \sigma(x W_o + h U_o + V_o \odot c' + b_o) \\
h' &= o \odot \phi(c')
\end{aligned}
```

$x$ is the step's input, $h$ and $c$ are the hidden and the cell state before it, and $h'$ and $c'$
after it; $g$ is the candidate, called *cell* below. $\sigma$ is the recurrent activation, $\phi$
the activation, each as the file states it. $V$ is zero but in an LSTM with peepholes.""",
    "GRU": r"""```math
\begin{aligned}
z &= \sigma(x W_z + h U_z + b_z) \\
r &= \sigma(x W_r + h U_r + b_r) \\
h' &= z \odot h + (1 - z) \odot n
\end{aligned}
```

The candidate $n$ is reset before the product with $U_n$ or after it, which is not the same:

```math
\begin{aligned}
\text{before} &: & n &= \phi(x W_n + (r \odot h) \, U_n + b_n) \\
\text{after} &: & n &= \phi(x W_n + b_n + r \odot (h U_n + b_{rn}))
\end{aligned}
```

Before: Keras 1, Keras 2 and 3 with `reset_after=False`, ONNX with `linear_before_reset=0`. After:
Keras 2 and 3 with `reset_after=True`, CuDNN, PyTorch, ONNX with `linear_before_reset=1`.""",
    "SimpleRNN": r"""```math
h' = \phi(x W + h U + b)
```""",
}

TOP = """# Gate layouts

Which block of which array is which gate, in each format. F is the number of features, H of units,
G of gates. Gate number k, from 0, has the block `[k H : (k+1) H]` of the axis that holds the gates.
*cell* is the candidate of an LSTM, which PyTorch calls g. `rnnlens inspect model` names the blocks
of your own file, and `rnnlens.weights(net)` gives them.

Made by `docs/make_layouts.py` from the table that the readers use. Each row was read off the
source's own code, which is named below; that a network so read gives its source's outputs is
tested ([support](support.md)).
"""


def page() -> str:
    """Lay the table out.

    Returns
    -------
    str
        The page in Markdown.
    """
    lines, proofs = [TOP], []
    for kind in ("LSTM", "GRU", "SimpleRNN"):
        lines += [f"## {kind}", "", EQUATIONS[kind], ""]
        lines += ["| source | gates, in order | letters |", "|---|---|---|"]
        for source, (layouts, _) in SOURCES.items():
            layout = layouts.get(kind)
            if layout is None:
                continue
            letters = " ".join(GATE_LETTERS[kind][gate] for gate in layout.gates).strip()
            shown = f"`{letters}`" if letters else "none: one gate"
            lines.append(f"| {source} | {', '.join(layout.gates)} | {shown} |")
            proofs.append(f"- {source}, {kind}: {layout.proof}.")
        lines.append("")
        if kind == "LSTM":
            lines += [
                "The peepholes of ONNX's LSTM, `P` (directions, 3 H), are in the order "
                f"{', '.join(ONNX_PEEPHOLES)}.",
                "",
            ]
    lines += ["## Where they lie", ""]
    lines += [f"- {source}: {where}." for source, (_, where) in SOURCES.items()]
    lines += ["", "## Where the sources say so", "", *proofs, ""]
    return "\n".join(lines)


def main() -> None:
    """Write the page."""
    path = HERE / "layouts.md"
    path.write_text(page(), encoding="utf-8")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
