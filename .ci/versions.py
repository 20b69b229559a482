"""Build a wheel and use it, outside the clone, with each Python that rnnlens names.

The interpreters are ``python3.11`` and so on where they are on the PATH, or those named::

    python .ci/versions.py [/path/to/python3.12 ...]

One that is not found is said; the exit code is 1 where one fails, or none is found.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIRST_STEPS = Path(__file__).with_name("first_steps.py")
PIP = ("-m", "pip", "-q", "--disable-pip-version-check")
#: What would let a Python see more than its own environment.
ELSEWHERE = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


class Failed(Exception):
    """A command that ended badly."""


def run(*command: str | Path, folder: Path) -> None:
    """Run a command, whose output is shown where it ends badly."""
    environment = {k: value for k, value in os.environ.items() if k not in ELSEWHERE}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        print(done.stdout)
        raise Failed(f"exit code {done.returncode} of {' '.join(map(str, command))}")


def supported() -> list[str]:
    """Give the versions of Python that the project names, as in 3.12."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = re.compile(r"Programming Language :: Python :: (3\.\d+)")
    return [found[1] for each in project["classifiers"] if (found := named.fullmatch(each))]


def version_of(interpreter: str) -> str | None:
    """Give the version of an interpreter, as in 3.12, or None where it does not run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.check_output(
            [interpreter, "-c", code], text=True, stderr=subprocess.DEVNULL
        ).strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def use(wheel: Path, interpreter: str, folder: Path) -> None:
    """Install a wheel into an environment of its own, and do with it what a user does first."""
    environment, empty = folder / "environment", folder / "empty"
    empty.mkdir(parents=True)
    run(interpreter, "-m", "venv", environment, folder=folder)
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    run(python, *PIP, "install", f"{wheel}[demo]", folder=empty)
    run(scripts / "rnnlens", "demo", folder=empty)
    run(python, "-I", FIRST_STEPS, folder=empty)


def main(named: list[str]) -> int:
    """Try every version, and say how each went."""
    wanted = supported()
    asked = named or [f"python{version}" for version in wanted]
    # a path may be relative to where make was called
    paths = {each: shutil.which(each) or shutil.which(Path(each).expanduser()) for each in asked}
    versions = {each: path and version_of(path) for each, path in paths.items()}
    said = {
        version: f"not tried: no python{version} was found;"
        f" name one, as in make versions VERSIONS=/path/to/python{version}"
        for version in wanted
    }
    failed = False
    with tempfile.TemporaryDirectory(prefix="rnnlens-versions-") as made:
        folder = Path(made)
        run(sys.executable, *PIP, "wheel", "--no-deps", "-w", folder, ROOT, folder=folder)
        (wheel,) = folder.glob("*.whl")
        print(f"built {wheel.name}", flush=True)
        for name, version in versions.items():
            if version is None:
                if named:
                    said[name] = "not tried: it is not there, or does not run"
                continue
            try:
                use(wheel, str(paths[name]), folder / version)
                said[version] = "passed"
            except Failed as error:
                failed = True
                said[version] = f"FAILED: {error}"
            print(f"Python {version}, {paths[name]}: {said[version]}", flush=True)
    for version, how in said.items():
        print(f"{version:<6} {how}")
    return int(failed or "passed" not in said.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
