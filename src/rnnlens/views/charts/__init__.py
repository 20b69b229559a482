"""Charts of results: each takes a Dataset and returns an Altair chart."""

from rnnlens.views.charts.bifurcations import bifurcations
from rnnlens.views.charts.certificates import certificates
from rnnlens.views.charts.fixed_points import fixed_points
from rnnlens.views.charts.forecast import forecast
from rnnlens.views.charts.gate_contributions import gate_contributions
from rnnlens.views.charts.gates import gates
from rnnlens.views.charts.inside.compared_weights import compared_weights
from rnnlens.views.charts.inside.probe import probe
from rnnlens.views.charts.inside.record import record
from rnnlens.views.charts.inside.summarized_weights import summarized_weights
from rnnlens.views.charts.lag_contributions import lag_contributions
from rnnlens.views.charts.lag_feature import lag_feature
from rnnlens.views.charts.lag_shares import lag_shares
from rnnlens.views.charts.memory import memory
from rnnlens.views.charts.weights import weights

__all__ = [
    "bifurcations",
    "certificates",
    "compared_weights",
    "fixed_points",
    "forecast",
    "gate_contributions",
    "gates",
    "lag_contributions",
    "lag_feature",
    "lag_shares",
    "memory",
    "probe",
    "record",
    "summarized_weights",
    "weights",
]
