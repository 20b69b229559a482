"""Progress is one for all parts of a verb: it never goes back, and is whole at the end alone."""

import numpy as np
import pytest

import rnnlens
from rnnlens.demo.weather import demo_files
from rnnlens.engine.schedule.progress import WHOLE, Parts

WINDOWS = 60


@pytest.fixture
def asked(weather):
    """The demo's network and some of the windows that its training did not see."""
    return rnnlens.read(demo_files().network), weather.newest(WINDOWS)


@pytest.fixture(scope="module")
def weather():
    from rnnlens.demo.weather import weather_windows

    return weather_windows()


def ask(verb, network, windows, tell, folder):
    """Ask a question with all of its parts."""
    few = rnnlens.Test(replacements=50)
    one = rnnlens.Certificates(windows=1, range=0.1, together=False, budget=2)
    asked = {"target": "temp", "progress": tell}
    match verb:
        case "explain":
            rnnlens.explain(network, windows, **asked)
        case "explain by a method without progress":
            rnnlens.explain(network, windows, method="occlusion", **asked)
        case "lags":
            rnnlens.lags(network, windows, test=few, certificates=one, **asked)
        case "lags without tests":
            rnnlens.lags(network, windows, test=None, certificates=None, **asked)
        case "certify":
            sensor = rnnlens.Certificates(range=0.1, budget=2)
            rnnlens.certify(network, windows.newest(2), lag=[1, 2], certificates=sensor, **asked)
        case "trust":
            rnnlens.trust(network, windows, windows=10, **asked)
        case "report":
            rnnlens.report(network, windows, folder / "page.html", **asked)


VERBS = {  # and how many times each must tell at the least: a bar that stands still helps nobody
    "explain": 3,
    "explain by a method without progress": 1,
    "lags": 15,
    "lags without tests": 3,
    "certify": 2,
    "trust": 6,
    "report": 10,
}


@pytest.mark.parametrize("verb", VERBS)
def test_progress_never_goes_back_and_is_whole_at_the_end_alone(verb, asked, tmp_path):
    told = []
    ask(verb, *asked, lambda done, whole: told.append((done, whole)), tmp_path)
    shares = np.array([done / whole for done, whole in told])
    assert len({whole for _, whole in told}) == 1
    assert np.all(np.diff(shares) > 0)
    assert shares[-1] == 1.0
    assert np.all(shares[:-1] < 1.0)
    assert len(told) >= VERBS[verb]


def test_parts_of_parts_tell_of_the_whole():
    told = []
    with Parts(lambda *done: told.append(done), first=1, second=3) as parts:
        with Parts(parts.of("first"), a=1, b=1) as inner:
            inner.of("a")(2, 2)
        parts.of("second")(1, 3)
        parts.of("second")(0, 3)  # late news from another thread
    assert told == [(WHOLE // 8, WHOLE), (WHOLE // 4, WHOLE), (WHOLE // 2, WHOLE), (WHOLE, WHOLE)]


def test_work_that_fails_is_never_said_to_be_done():
    told = []

    def fail():
        with Parts(lambda *done: told.append(done), only=1) as parts:
            parts.of("only")(1, 1)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert told == [(WHOLE - 1, WHOLE)]
