"""Every Keras layer that rnnlens reads, by class, and why it refuses the best known others."""

from __future__ import annotations

from collections.abc import Callable

from rnnlens.network.layers import Embedding, Masking, TimeDistributed
from rnnlens.readers.keras.layers import plain, weighted
from rnnlens.readers.keras.layers.activations import ACTIVATION_LAYERS
from rnnlens.readers.keras.layers.recurrent import RECURRENT, bidirectional
from rnnlens.readers.keras.layers.spec import BuiltLayer, LayerSpec, class_of, spec_of

__all__ = ["BUILDERS", "build"]

#: What stands in the way of the layers that users ask for most.
REASONS = {
    "TensorFlowOpLayer": "it is an operation outside any layer; replace it by a layer of Keras",
    "ConvLSTM1D": "its recurrence is over images, not vectors",
    "ConvLSTM2D": "its recurrence is over images, not vectors",
    "ConvLSTM3D": "its recurrence is over images, not vectors",
    "GroupQueryAttention": (
        "of attention, rnnlens reads Attention, AdditiveAttention and MultiHeadAttention"
    ),
}

#: Layers of Keras itself that are not read, one line a kind.
UNREAD = frozenset([
    "SeparableConv1D",
    "DepthwiseConv1D",
    "Conv1DTranspose",
    "LocallyConnected1D",
    "Conv2D",
    "Conv3D",
    "SeparableConv2D",
    "DepthwiseConv2D",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "MaxPooling2D",
    "MaxPooling3D",
    "AveragePooling2D",
    "AveragePooling3D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "AdaptiveAveragePooling1D",
    "AdaptiveMaxPooling1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "Cropping2D",
    "Cropping3D",
    "UpSampling2D",
    "UpSampling3D",
    "GroupNormalization",
    "RMSNormalization",
    "UnitNormalization",
    "SpectralNormalization",
    "Discretization",
    "CategoryEncoding",
    "Hashing",
    "HashedCrossing",
    "IntegerLookup",
    "StringLookup",
    "TextVectorization",
    "EinsumDense",
    "ReversibleEmbedding",
])


def time_distributed(spec: LayerSpec) -> BuiltLayer:
    """Build a TimeDistributed layer."""
    entry = spec.options.values["layer"]
    spec.options.take("layer")
    spec.options.finish()
    kind = class_of(entry)
    if kind == "TimeDistributed":
        raise spec.refuse(f"it wraps a {kind}; rnnlens reads it around a layer or a model")
    inner = spec_of(
        entry,
        name=spec.name,
        path=spec.path,
        store=spec.store.sublayer("layer"),
        keras_version=spec.keras_version,
    )
    layer, sources = build(inner)
    makes_mask = isinstance(layer, Masking) or (isinstance(layer, Embedding) and layer.mask_zero)
    if makes_mask or kind in {"Softmax", *MANY_INPUTS}:
        raise spec.refuse(f"it wraps {kind}, which rnnlens does not apply step by step")
    return BuiltLayer(TimeDistributed(layer), sources)


#: Layers that take several inputs.
MANY_INPUTS = frozenset({*plain.MERGES, "Concatenate"})

#: Builders by Keras class.
BUILDERS: dict[str, Callable[[LayerSpec], BuiltLayer]] = {
    **RECURRENT,
    "Bidirectional": bidirectional,
    "TimeDistributed": time_distributed,
    "Dense": weighted.dense,
    "Embedding": weighted.embedding,
    "Conv1D": weighted.conv1d,
    "Convolution1D": weighted.conv1d,
    "PReLU": weighted.prelu,
    "BatchNormalization": weighted.batch_normalization,
    "BatchNormalizationV1": weighted.batch_normalization,
    "BatchNormalizationV2": weighted.batch_normalization,
    "LayerNormalization": weighted.layer_normalization,
    "Normalization": weighted.normalization,
    "Rescaling": weighted.rescaling,
    "Masking": plain.masking,
    "Flatten": plain.flatten,
    "Reshape": plain.reshape,
    "Permute": plain.permute,
    "RepeatVector": plain.repeat_vector,
    "Concatenate": plain.concatenate,
    "MaxPooling1D": plain.pooling,
    "AveragePooling1D": plain.pooling,
    "GlobalMaxPooling1D": plain.global_pooling,
    "GlobalAveragePooling1D": plain.global_pooling,
    **dict.fromkeys(plain.AT_REST, plain.at_rest),
    **dict.fromkeys(plain.MERGES, plain.merge),
    **dict.fromkeys(ACTIVATION_LAYERS, plain.activate),
}


def build(spec: LayerSpec) -> BuiltLayer:
    """Build one layer."""
    builder = BUILDERS.get(spec.kind)
    if builder is None:
        if spec.kind in UNREAD:
            raise spec.refuse(
                "rnnlens does not read this layer of Keras; read the model up to the layer before "
                "it with until= (--until)"
            )
        usual = (
            "rnnlens does not read layers of this class; if it is your own and computes what one "
            f"of Keras's does, say so with same_as={{{spec.kind!r}: 'LSTM'}} (--same-as "
            f"{spec.kind}=LSTM)"
        )
        raise spec.refuse(REASONS.get(spec.kind, usual))
    return builder(spec)
