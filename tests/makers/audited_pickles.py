"""Read pickles that attack or are damaged, while Python tells everything that is imported or run.

Run as a program it prints JSON: what was imported or run, and what came of each pickle::

    python tests/makers/audited_pickles.py 300        # all attacks, and 300 mutations
    python tests/makers/audited_pickles.py 0 pickle   # the attacks by Python's own unpickler

The second shows that the first would notice: it runs what the attacks hold, within a module that
does nothing.
"""

from __future__ import annotations

import codecs
import json
import pickle
import sys
import time
import types

import numpy as np

from pickle_attacks import MARK, attacks, mutated, sound_pickle
from rnnlens.errors import RnnlensError, UnreadableFile
from rnnlens.series.scalers.read import read_content

#: Events of Python's audit that reading bytes into numbers never has.
TELLING = (
    "import",
    "exec",
    "compile",
    "os.",
    "subprocess.",
    "open",
    "pickle.",
    "socket.",
    "ctypes.",
)


def read_all(pickles, read):
    """Read each pickle and give what happened, by name, and every telling event."""
    events, outcomes = [], {}
    listening = True

    def hear(event, arguments):
        if listening and event.startswith(TELLING):
            events.append(f"{event} {arguments[:1]}")

    sys.addaudithook(hear)
    before = set(sys.modules)
    for name, data in pickles.items():
        begun = time.perf_counter()
        try:
            read(data)
            said = "read"
        except RnnlensError as error:
            kind = UnreadableFile if isinstance(error, UnreadableFile) else type(error)
            said = f"{kind.__name__}: {error}"
        except Exception as error:  # whatever else comes out is what the test is about
            said = f"not ours: {type(error).__name__}: {error}"
        outcomes[name] = (said, time.perf_counter() - begun)
    listening = False
    new = sorted(set(sys.modules) - before)
    return {"events": events, "modules": new, "outcomes": outcomes}


def harmless():
    """Put a module in place that the attacks can import without harm."""
    module = types.ModuleType(MARK)
    module.run = lambda *_: None
    sys.modules[MARK] = module


def main(count, reader):
    """Read the attacks, and so many mutations of sound pickles."""
    # Python loads the code of an encoding when it first meets it; no file chooses which.
    codecs.lookup("raw_unicode_escape")
    rng = np.random.default_rng(20)
    pickles = dict(attacks())
    if reader == "pickle":
        harmless()
        pickles = {name: data for name, data in pickles.items() if MARK.encode() in data}
        read = pickle.loads
    else:
        read = read_content
        sound = [sound_pickle(4), sound_pickle(2)]
        pickles |= {f"mutation {n}": mutated(sound[n % 2], rng) for n in range(count)}
    read(sound_pickle(4) if reader != "pickle" else pickle.dumps(1))
    print(json.dumps(read_all(pickles, read)))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "ours")
