"""A callback of Keras that does something after every batch that was trained on."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["after_batches"]


def after_batches(
    due: Callable[[], bool], record: Callable[[], object], end: Callable[[], None]
) -> object:
    """Make a callback that counts batches, and records after those that are due."""
    import keras

    class AfterBatches(keras.callbacks.Callback):
        """Records after batches, and ends the record with the training."""

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            if due():
                # with JAX a model's variables are brought up to date when that is asked for
                getattr(self.model, "jax_state_sync", lambda: None)()
                record()

        def on_train_end(self, logs: object = None) -> None:
            end()

    return AfterBatches()
