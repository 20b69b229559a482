"""The fast path of recurrent layers: the equations of `rnnlens.engine.step`, compiled.

`run` is the door. Behind it: `course` loops over blocks of samples and steps, `lstm`, `gru` and
`simple_rnn` take one step with a block, `ahead` asks memory for the inputs of steps to come, `tile`
multiplies matrices, `slabs` applies activations, `curves` and `functions` hold them.
"""
