"""What kernels are made of besides loops: generated, or in plain Numba."""

from __future__ import annotations

from rnnlens.engine.kernels.lowlevel.gate import INTERNALS

if INTERNALS:
    from rnnlens.engine.kernels.lowlevel.generated.arithmetic import (
        add_in_any_order,
        polynomial,
        power_of_two,
        with_sign,
    )
    from rnnlens.engine.kernels.lowlevel.generated.hints import (
        always_inline,
        never_inline,
        no_alias,
    )
    from rnnlens.engine.kernels.lowlevel.generated.loops import activation_loops
    from rnnlens.engine.kernels.lowlevel.generated.memory import give_back, lent
    from rnnlens.engine.kernels.lowlevel.generated.parts import in_line, part, rest
    from rnnlens.engine.kernels.lowlevel.generated.prefetch import prefetch_block
    from rnnlens.engine.kernels.lowlevel.generated.registers import ROWS, columns_of
    from rnnlens.engine.kernels.lowlevel.generated.tiles import (
        BLOCK,
        COLUMNS_ABREAST,
        tile,
        tile_column,
        tile_columns,
        tile_of_lines,
    )
else:
    from rnnlens.engine.kernels.lowlevel.plain.arithmetic import (
        add_in_any_order,
        polynomial,
        power_of_two,
        with_sign,
    )
    from rnnlens.engine.kernels.lowlevel.plain.hints import (
        always_inline,
        never_inline,
        no_alias,
    )
    from rnnlens.engine.kernels.lowlevel.plain.loops import activation_loops
    from rnnlens.engine.kernels.lowlevel.plain.memory import give_back, lent
    from rnnlens.engine.kernels.lowlevel.plain.parts import in_line, part, rest
    from rnnlens.engine.kernels.lowlevel.plain.prefetch import prefetch_block
    from rnnlens.engine.kernels.lowlevel.plain.tiles import (
        BLOCK,
        COLUMNS_ABREAST,
        ROWS,
        columns_of,
        tile,
        tile_column,
        tile_columns,
        tile_of_lines,
    )

__all__ = [
    "BLOCK",
    "COLUMNS_ABREAST",
    "ROWS",
    "activation_loops",
    "add_in_any_order",
    "always_inline",
    "columns_of",
    "give_back",
    "in_line",
    "lent",
    "never_inline",
    "no_alias",
    "part",
    "polynomial",
    "power_of_two",
    "prefetch_block",
    "rest",
    "tile",
    "tile_column",
    "tile_columns",
    "tile_of_lines",
    "with_sign",
]
