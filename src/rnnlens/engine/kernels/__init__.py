"""The fast path of recurrent layers: the equations of `rnnlens.engine.step`, compiled.

`run` is the door. Behind it: `step_loop` loops over blocks of samples and steps, `cells` take one
step with a block, `products` let cells read what was multiplied before, `leaves` walk a tree of
coalitions, `tile` multiplies matrices, `buffers` apply activations, `pointwise` and `functions`
hold them. `affine` and `norm` serve layers without memory. `lowlevel` alone knows Numba.
"""
