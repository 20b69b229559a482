"""Feed the readers damaged and hostile files: every answer must be a network or one sentence.

Each round takes a good model file, damages it (bytes flipped, cut, doubled, zeroed; members of an
archive rewritten so that its checksums hold; values of the JSON inside replaced), and reads it. A
crash, an error that is not rnnlens's own, a read of over 10 seconds or one that takes over 1 GiB
more memory is a finding: the file is kept in ``fuzz/findings`` and the script ends with 1.

    .venv/bin/python fuzz/mutate.py --count 100000 --jobs 2
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
ROOT = Path(__file__).resolve().parents[1]
FINDINGS = Path(__file__).parent / "findings"
SECONDS = 10
MEMORY = 1 << 30
#: Numbers that have broken parsers before.
NUMBERS = (0, -1, 1, 2**31 - 1, 2**31, 2**63, -(2**63), 10**30, 0.5, 1e308, float("nan"))


class TooSlowError(Exception):
    """A read took longer than it may."""


def seeds() -> list[Path]:
    """Give the good files that are damaged: those that ship, and those beside the repository."""
    found = list((ROOT / "src/rnnlens/demo").glob("weather.keras"))
    shared = ROOT.parent / "shared" / "models"
    kinds = {".h5", ".keras", ".pt", ".pth", ".onnx", ".json", ".safetensors", ".npz"}
    found += sorted(path for path in shared.rglob("*") if path.suffix in kinds)
    return [path for path in found if path.stat().st_size < 300_000]


def damage_bytes(data: bytes, rng: random.Random) -> bytes:
    """Change a few bytes of a file, wherever they are."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(changed) or 1)
        size = rng.choice((1, 1, 2, 4, 8, 64, 512))
        match rng.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([changed[at] ^ (1 << rng.randrange(8))])
            case 1:
                changed[at : at + size] = rng.randbytes(size)
            case 2:
                del changed[at : at + size]
            case 3:
                changed[at:at] = changed[at : at + size]
            case 4:
                changed[at : at + size] = bytes(min(size, len(changed) - at))
            case _:
                del changed[rng.randrange(len(changed) or 1) :]
        if not changed:
            return b""
    return bytes(changed)


def damage_value(value: object, rng: random.Random) -> object:
    """Replace one value somewhere in a JSON document."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        if rng.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: damage_value(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        return [*value[:at], damage_value(value[at], rng), *value[at + 1 :]]
    others = (None, True, "", "lstm", "../../x", "\x00", [], {}, [[]], {"class_name": "Lambda"})
    return rng.choice((*others, *NUMBERS, [value] * 3, "x" * 5000))


def damage_json(text: bytes, rng: random.Random) -> bytes:
    """Change values of a JSON text, or its bytes."""
    try:
        document = json.loads(text)
    except ValueError:
        return damage_bytes(text, rng)
    for _ in range(rng.choice((1, 1, 2, 4))):
        document = damage_value(document, rng)
    return json.dumps(document).encode()


def damage_zip(data: bytes, rng: random.Random) -> bytes:
    """Rewrite one member of an archive, so that the archive itself stays whole."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        chosen = rng.choice(names)
        for name in names:
            body = old.read(name)
            if name == chosen:
                body = damage_json(body, rng) if name.endswith(".json") else damage_bytes(body, rng)
            if name != chosen or rng.random() > 0.05:
                new.writestr(name, body)
    return out.getvalue()


def damage_hdf5(data: bytes, rng: random.Random) -> bytes:
    """Change the architecture that an HDF5 file states, through HDF5 itself."""
    import h5py

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.h5"
        path.write_bytes(data)
        with h5py.File(path, "r+") as file:
            if "model_config" not in file.attrs:
                return damage_bytes(data, rng)
            config = file.attrs["model_config"]
            raw = config if isinstance(config, bytes) else str(config).encode()
            file.attrs["model_config"] = damage_json(raw, rng).decode(errors="replace")
        return path.read_bytes()


def damaged(path: Path, rng: random.Random) -> bytes:
    """Give a damaged copy of a file."""
    data = path.read_bytes()
    ways: list[Callable[[bytes, random.Random], bytes]] = [damage_bytes]
    if zipfile.is_zipfile(path):
        ways += [damage_zip, damage_zip]
    if data.startswith(b"\x89HDF"):
        ways += [damage_hdf5]
    if path.suffix == ".json":
        ways += [damage_json]
    return rng.choice(ways)(data, rng)


def _too_slow(*_: object) -> None:
    raise TooSlowError


def attempt(path: Path) -> str:
    """Read one file and say what came of it; anything but a sentence is named by its type."""
    import rnnlens
    from rnnlens.errors import RnnlensError

    signal.alarm(SECONDS)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        rnnlens.read(path)
    except RnnlensError as error:
        outcome = "refused" if "\n" not in str(error) else "FINDING more than one line"
    except TooSlowError:
        outcome = f"FINDING over {SECONDS} s"
    except BaseException as error:  # every other error is what this script looks for
        outcome = f"FINDING {type(error).__name__}: {str(error)[:100]}"
    else:
        outcome = "read"
    finally:
        signal.alarm(0)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    return f"FINDING {grown >> 20} MiB more" if grown > MEMORY else outcome


def work(job: tuple[int, int, list[Path]]) -> Counter[str]:
    """Damage and read a number of files, with a seed of one's own."""
    seed, count, files = job
    rng = random.Random(seed)
    signal.signal(signal.SIGALRM, _too_slow)
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            source = rng.choice(files)
            path = Path(folder) / f"damaged{source.suffix}"
            path.write_bytes(damaged(source, rng))
            outcome = attempt(path)
            outcomes[outcome] += 1
            if outcome.startswith("FINDING"):
                FINDINGS.mkdir(exist_ok=True)
                kept = FINDINGS / f"{seed}-{number}-{source.name}"
                kept.write_bytes(path.read_bytes())
    return outcomes


def main() -> int:
    """Run the rounds and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="only good files whose name holds this")
    options = parser.parse_args()
    files = [path for path in seeds() if options.only in path.name]
    size = 500
    jobs = [(options.seed + k, size, files) for k in range(-(-options.count // size))]
    start = time.perf_counter()
    total: Counter[str] = Counter()
    with multiprocessing.Pool(options.jobs) as pool:
        for outcomes in pool.imap_unordered(work, jobs):
            total += outcomes
    seconds = time.perf_counter() - start
    print(f"{total.total():,} damaged copies of {len(files)} files in {seconds:.0f} s")
    for outcome, count in total.most_common():
        print(f"{count:8,} {outcome}")
    return int(any(outcome.startswith("FINDING") for outcome in total))


if __name__ == "__main__":
    sys.exit(main())
