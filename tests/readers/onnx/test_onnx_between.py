"""What stands between layers, as PyTorch exports it to ONNX, is what the module computes."""

import logging

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rnnlens.engine.backward import multipliers
from rnnlens.engine.forward import entries, forward
from rnnlens.readers.open import read
from torch_models import scrambled

pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch's exporters warn of each other


class Between(nn.Module):
    """Idioms side by side, by name, each from a window or from the states of a GRU."""

    def __init__(self):
        super().__init__()
        self.rnn, self.fc, self.score = (
            nn.GRU(3, 4, batch_first=True),
            nn.Linear(4, 2),
            nn.Linear(4, 1),
        )
        self.mha = nn.MultiheadAttention(4, 2, batch_first=True)
        self.block = nn.TransformerEncoderLayer(4, 2, 6, batch_first=True)
        self.pair, self.v = nn.Linear(8, 4), nn.Linear(4, 1)

    def idioms(self, x):
        o, h = self.rnn(x)
        mean, deviation = x.mean(1, keepdim=True), torch.sqrt(x.var(1, unbiased=False) + 1e-5)
        scale = x.abs().mean(1, keepdim=True) + 1
        last, newest = o[:, -1], x[:, -1, :2]
        query = h[-1].unsqueeze(1).repeat(1, o.size(1), 1)
        energy = self.v(torch.tanh(self.pair(torch.cat([query, o], 2)))).squeeze(2)
        hidden = torch.triu(torch.ones(x.size(1), x.size(1)), diagonal=1).bool()
        scores = (o @ o.transpose(1, 2)).masked_fill(hidden, float("-inf"))
        yield "RevIN", self.fc(last) * deviation[:, :2] + mean[:, 0, :2]
        yield "DeepAR scaling", self.fc(self.rnn(x / scale)[0][:, -1]) * scale[:, 0, :1]
        yield "softmax pooling", self.fc((torch.softmax(self.score(o), 1) * o).sum(1))
        yield "additive attention", torch.einsum("bt,bth->bh", F.softmax(energy, 1), o)
        yield "causal attention", torch.softmax(scores, -1) @ o
        yield "scaled dot products", F.scaled_dot_product_attention(o, o, o, is_causal=True)
        yield "multi-head attention", self.mha(o, o, o)[0]
        yield "its weights", self.mha(o, o, o)[1]
        yield "without weights", self.mha(query, o, o, need_weights=False, attn_mask=hidden)[0]
        yield "transformer block", self.block(o)
        yield "bilinear form", torch.einsum("bi,ij,btj->bt", last, self.pair.weight[:, :4], o)
        yield "choice", torch.where(newest > 0, self.fc(last), torch.zeros(2))
        yield "limits", torch.maximum(self.fc(last).clamp(max=0.1), newest.clamp(min=-0.3))
        yield "functions", torch.log1p(newest.abs()) + F.gelu(newest) + torch.sign(newest) ** 3
        yield "power", (newest.abs() + 1) ** self.fc(last) + torch.exp(newest) / (2 + newest**2)
        yield "norms", F.normalize(o, dim=-1) + o.norm(dim=1, keepdim=True)
        yield "extremes", torch.cat([o.amin(1), o.amax(2), torch.logsumexp(o, 1)], 1)
        yield "places", x[:, :, [2, 0, 1]]
        yield "running sum", torch.cumsum(self.fc(o), 1)
        yield "comparisons", ((newest > 0.1) & ~(newest >= 1)).float() * newest

    def forward(self, x):
        return tuple(value for _, value in self.idioms(x))


def test_idioms_of_an_exported_file_are_those_of_the_module_and_contributions_sum(rng, tmp_path):
    module, path = scrambled(Between()), tmp_path / "model.onnx"
    example = torch.as_tensor(rng.normal(size=(3, 5, 3)), dtype=torch.float32)
    logging.disable(logging.WARNING)
    try:
        torch.onnx.export(
            module,
            (example,),
            path,
            dynamo=False,
            input_names=["x"],
            dynamic_axes={"x": {0: "batch"}},
            opset_version=17,
        )
    finally:
        logging.disable(logging.NOTSET)
    network = read(path)
    x, x0 = rng.normal(size=(2, 4, 5, 3))
    run, run0 = (forward(network, entries(network, one)) for one in (x, x0))
    with torch.no_grad():
        theirs = list(module.double().idioms(torch.as_tensor(x)))
    for (name, their), ref in zip(theirs, network.outputs, strict=True):
        # the file's weights are float32, so are those of the module; both reckon in float64
        np.testing.assert_allclose(
            run.value(ref), their.numpy(), rtol=1e-6, atol=1e-6, err_msg=name
        )
        m = {ref: rng.normal(size=run.value(ref).shape)}
        change = m[ref] * (run.value(ref) - run0.value(ref))
        carried = multipliers(run, run0, m)["x", 0] * (x - x0)
        sums = carried.reshape(4, -1).sum(axis=1), change.reshape(4, -1).sum(axis=1)
        np.testing.assert_allclose(*sums, rtol=1e-9, atol=1e-10, err_msg=name)
