"""Feed the readers inputs that are guided by the lines of rnnlens that they reach.

Where ``mutate.py`` damages good files blindly, atheris (libFuzzer) watches which branches of the
readers an input takes, keeps those that take new ones, and goes on from them. Some of the changes
are libFuzzer's own; the others are those of ``damage.py``, which keep the checksums of an archive,
the JSON within it, a message of ONNX or an HDF5 file whole, so that the inputs get past them. A
finding is what it is for ``mutate.py``; one that ends or blocks the process, or takes over 4 GiB,
is caught by libFuzzer. The files are kept in ``fuzz/findings`` and the script ends with 1.

    .venv/bin/python -m pip install -r fuzz/requirements.txt
    .venv/bin/python fuzz/guided.py --format keras --seconds 60 [folder of inputs to begin with]

Inputs that reach something new are written into the folder, where one is named. An architecture in
JSON ends with as many spaces as the number of its weights among those of the good files: libFuzzer
knows but one file.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import pkgutil
import platform
import random
import re
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")
sys.path.insert(0, str(Path(__file__).parent))

from damage import damage
from good import LARGEST, seeds, weights_of
from mutate import FINDINGS, SECONDS, attempt

FORMATS = ("keras", "h5", "json", "npz", "safetensors", "onnx", "pt", "tflite", "scaler", "inputs")
#: What a read can come to, as `attempt` calls it, and how often it did.
OUTCOMES = ("read", "arrays named", "refused", "FINDING")
MEGABYTES = 4096
#: What libFuzzer prints of the inputs so far: their number, and the branches that they reach.
STATUS = re.compile(r"^#(\d+)\s+(\w+)\s+cov: (\d+)", re.MULTILINE)


def good(kind: str, folder: Path) -> tuple[list[bytes], list[Path]]:
    """Give the good files of a format, and the weights that architectures in JSON belong to."""
    files = [path for path in seeds(folder) if path.suffix in {f".{kind}", f".{kind}h"}]
    weights = [found for path in files if (found := weights_of(path))]
    contents = [path.read_bytes() for path in files]
    if weights:
        contents = [data.rstrip() + b" " * number for number, data in enumerate(contents)]
    return contents, weights


def fuzz(kind: str, seconds: int, seed: int, corpus: Path, log: Path, counts: Any) -> None:
    """Fuzz one format in this process, which libFuzzer ends; what it prints goes to a log."""
    with log.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    warnings.simplefilter("ignore")
    atheris = watching()
    folder = corpus.parent
    path, seen = folder / f"input.{kind}", set[str]()
    contents, weights = good(kind, folder)
    for number, data in enumerate(contents):
        (corpus / f"good-{number:02}").write_bytes(data)
        path.write_bytes(data)
        attempt(path, weights[number] if weights else None)  # what the libraries take as they load

    def one(data: bytes) -> None:
        path.write_bytes(data)
        spaces = len(data) - len(data.rstrip(b" "))
        outcome = attempt(path, weights[spaces % len(weights)] if weights else None)
        counts[OUTCOMES.index(outcome.partition(" ")[0] if "FIND" in outcome else outcome)] += 1
        what = outcome.partition(":")[0]
        if what.startswith("FINDING") and what not in seen:
            seen.add(what)
            kept = FINDINGS / f"guided-{seed}-{len(seen)}.{kind}"
            kept.write_bytes(data)
            print(f"{outcome} ({kept})", flush=True)

    limits = [f"-timeout={SECONDS}", f"-rss_limit_mb={MEGABYTES}", f"-max_len={2 * LARGEST}"]
    length = [f"-max_total_time={seconds}", f"-seed={seed}", f"-artifact_prefix={FINDINGS}/{kind}-"]
    change = changing(atheris, kind, contents)
    atheris.Setup([sys.argv[0], *limits, *length, str(corpus)], one, custom_mutator=change)
    atheris.Fuzz()


def watching() -> Any:
    """Import the readers so that atheris sees the branches they take, and give atheris."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["rnnlens"]):
        package = importlib.import_module("rnnlens.readers")
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"rnnlens.readers.{module.name}")
    return atheris


def changing(atheris: Any, kind: str, contents: list[bytes]) -> Callable[[bytes, int, int], bytes]:
    """Give what makes a new input from one, for libFuzzer: it states the most bytes and a seed."""

    def raw(data: bytes, rng: random.Random) -> bytes:
        return atheris.Mutate(data, len(data) + rng.choice((0, 16, 512)))

    def change(data: bytes, most: int, number: int) -> bytes:
        rng = random.Random(number)
        if rng.random() < 0.25:  # what is damaged in many places gets no further than the first
            data = rng.choice(contents)
        bare = data.rstrip(b" ") if kind == "json" else data
        try:
            changed = damage(bare, f".{kind}", rng, raw)
        except Exception:  # an input that is damaged already may not open
            changed = raw(bare, rng)
        return (changed + b" " * (len(data) - len(bare)))[:most]

    return change


def run(kind: str, seconds: int, seed: int, given: Path | None) -> tuple[str, int]:
    """Fuzz one format in a process of its own; say what came of it, and how many findings."""
    context = multiprocessing.get_context("spawn")
    counts = context.Array("q", len(OUTCOMES), lock=False)
    with tempfile.TemporaryDirectory() as name:
        corpus, log = Path(name) / "corpus", Path(name) / "log"
        corpus.mkdir()
        if given:
            shutil.copytree(given, corpus, dirs_exist_ok=True)
        process = context.Process(target=fuzz, args=(kind, seconds, seed, corpus, log, counts))
        process.start()
        process.join()
        printed = log.read_text(encoding="utf-8", errors="replace")
        if given:
            shutil.copytree(corpus, given, dirs_exist_ok=True)
    status = STATUS.findall(printed)
    if not status:
        raise RuntimeError(f"nothing was fuzzed:\n{printed[-3000:]}")
    began = next((int(cov) for _, what, cov in status if what == "INITED"), 0)
    found = list(findings(printed, process.exitcode))
    of = Counter(dict(zip(OUTCOMES, counts, strict=True)))
    line = (
        f"{kind:12}{int(status[-1][0]):9,}{began:8,}{int(status[-1][2]):8,}"
        f"{of['read']:9,}{of['arrays named']:9,}{of['refused']:9,}{len(found):9,}"
    )
    return "\n".join([line, *found]), len(found)


def findings(printed: str, ended: int | None) -> Iterator[str]:
    """Give the findings in what libFuzzer and the harness printed, and a process that died."""
    yield from re.findall(r"^FINDING .*$", printed, re.MULTILINE)
    if ended:
        kept = re.findall(r"Test unit written to (\S+)", printed)
        yield f"FINDING process ended {ended} ({', '.join(kept) or 'no input kept'})"
        yield from re.findall(r"^(?:SUMMARY|ALARM|==\d+== ERROR).*$", printed, re.MULTILINE)


def main() -> int:
    """Fuzz one format or all of them, one after the other, and print what came of it."""
    parser = argparse.ArgumentParser(description="Fuzz the readers, guided by coverage.")
    parser.add_argument("--format", choices=[*FORMATS, "all"], default="all")
    parser.add_argument("--seconds", type=int, default=60, help="for each format")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("corpus", type=Path, nargs="?", help="folder of inputs of one format")
    options = parser.parse_args()
    if options.corpus and options.format == "all":
        parser.error("a folder of inputs is of one format: name it with --format")
    FINDINGS.mkdir(exist_ok=True)
    libraries = ("atheris", "numpy", "h5py", "torch")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in libraries)
    print(f"{options.seconds} s a format (Python {platform.python_version()}, {versions})")
    print("format         inputs  branches: good, then   read    named  refused findings")
    total = 0
    for kind in FORMATS if options.format == "all" else (options.format,):
        line, found = run(kind, options.seconds, options.seed, options.corpus)
        print(line, flush=True)
        total += found
    return int(total > 0)


if __name__ == "__main__":
    sys.exit(main())
