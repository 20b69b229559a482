"""The verbs of rnnlens. Each loads what it needs when it is called."""

from rnnlens.api.forecast.certify import certify
from rnnlens.api.forecast.check import check
from rnnlens.api.forecast.compare_baselines import compare_baselines
from rnnlens.api.forecast.explain import explain
from rnnlens.api.forecast.explain_archive import explain_archive
from rnnlens.api.forecast.explainer import explainer
from rnnlens.api.forecast.interactions import interactions
from rnnlens.api.forecast.lags import lags
from rnnlens.api.forecast.open import open
from rnnlens.api.forecast.report import report
from rnnlens.api.forecast.trust import trust
from rnnlens.api.inside.bifurcations import bifurcations
from rnnlens.api.inside.compare_weights import compare_weights
from rnnlens.api.inside.fixed_points import fixed_points
from rnnlens.api.inside.gate_contributions import gate_contributions
from rnnlens.api.inside.gate_effects import gate_effects
from rnnlens.api.inside.intervene import intervene
from rnnlens.api.inside.memory import memory
from rnnlens.api.inside.paths import paths
from rnnlens.api.inside.probe import probe
from rnnlens.api.inside.record import record
from rnnlens.api.inside.summarize_weights import summarize_weights
from rnnlens.api.inside.trace import trace
from rnnlens.api.network.convert import convert
from rnnlens.api.network.describe import describe
from rnnlens.api.network.fidelity import fidelity
from rnnlens.api.network.identify import identify
from rnnlens.api.network.init import init
from rnnlens.api.network.on_device import on_device
from rnnlens.api.network.predict import predict
from rnnlens.api.network.read import read
from rnnlens.api.network.weights import weights
from rnnlens.api.network.windows import windows
from rnnlens.attribution.options import Effort, Intervention, Target
from rnnlens.evidence.options import Certificates, Shares, Test

__all__ = [
    "Certificates",
    "Effort",
    "Intervention",
    "Shares",
    "Target",
    "Test",
    "bifurcations",
    "certify",
    "check",
    "compare_baselines",
    "compare_weights",
    "convert",
    "describe",
    "explain",
    "explain_archive",
    "explainer",
    "fidelity",
    "fixed_points",
    "gate_contributions",
    "gate_effects",
    "identify",
    "init",
    "interactions",
    "intervene",
    "lags",
    "memory",
    "on_device",
    "open",
    "paths",
    "predict",
    "probe",
    "read",
    "record",
    "report",
    "summarize_weights",
    "trace",
    "trust",
    "weights",
    "windows",
]
