"""How an archive is cut into blocks, which decides the bytes of a result, and who does them."""

from __future__ import annotations

from dataclasses import dataclass, field

from rnnlens.arguments import FLAG, NAME, check_fields, instance, many, whole, word
from rnnlens.bulk.blocks import Part
from rnnlens.errors import InputError

__all__ = ["STORED", "Blocks", "Runner"]

#: What contributions may be stored in.
STORED = ("float32", "float64")
#: Bytes of a chunk of contributions, and what its windows are a multiple of where there are many.
CHUNK, EVEN = 1 << 24, 256

_KINDS = {
    "windows": whole(1, 1 << 20),
    "dtype": word(*STORED),
    "by": many(NAME, "names, such as season or basin", fewest=0),
    "memory": FLAG,
}
_RUNNER = {
    "scheduler": NAME,
    "workers": whole(1, 1 << 16),
    "part": instance(Part, "a rnnlens.bulk.Part, such as Part(3, 8)"),
}


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """How an archive is cut into blocks, and what is kept of each.

    Parameters
    ----------
    windows : int, optional
        About how many windows a block has; one block is one chunk of the result. As many as make a
        chunk of 16 MB where not given.
    dtype : {"float32", "float64"}
        What contributions are stored in; forecasts and residuals are float64 whatever it is.
    by : sequence of str
        What the summary is grouped by, besides all windows together: ``station``, ``season``,
        ``month``, or a variable of the archive that has one value a station, such as a basin.
    memory : bool
        Whether the forecasts are differentiated too, so that the summary holds how their
        derivative is spread over lags, as `rnnlens.memory` gives it; about the time of a forecast
        and its gradient for each window more.

    Raises
    ------
    InputError
        If an option is not what it must be.

    Examples
    --------
    >>> Blocks(by=["season"]).by
    ('season',)
    """

    windows: int | None = None
    dtype: str = "float32"
    by: tuple[str, ...] = ()
    memory: bool = False

    def __post_init__(self) -> None:
        check_fields(self, _KINDS)

    def windows_of(self, numbers: int) -> int:
        """Give how many windows a block has, of so many contributions each.

        Examples
        --------
        >>> Blocks().windows_of(24 * 10), Blocks().windows_of(365 * 30), Blocks().windows_of(10**8)
        (17408, 256, 1)
        """
        if self.windows is not None:
            return self.windows
        count = CHUNK // (numbers * (8 if self.dtype == "float64" else 4))
        return max(1, count // EVEN * EVEN or count)


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Who explains the blocks of an archive; it changes no byte of the result.

    Parameters
    ----------
    scheduler : str, optional
        The address of a Dask scheduler, such as ``"tcp://10.0.0.1:8786"``, or the path of the file
        that it wrote; its workers must see the archive and the result under the same paths.
    workers : int, optional
        Dask workers that are started on this machine, where no scheduler is named.
    part : Part, optional
        Which part of the blocks this process takes, where jobs know nothing of each other.

    Raises
    ------
    InputError
        If both are named.

    Examples
    --------
    >>> Runner(part=Part(2, 8)).part
    Part(number=2, of=8)
    """

    scheduler: str | None = None
    workers: int | None = None
    part: Part = field(default_factory=Part)

    def __post_init__(self) -> None:
        check_fields(self, _RUNNER)
        if self.scheduler is not None and self.workers is not None:
            raise InputError(
                "workers are started on this machine, and a scheduler has its own: name one of both"
            )
        if not 1 <= self.part.number <= self.part.of:
            raise InputError(
                f"a part is one of so many, counted from 1, such as 3/8, not {self.part.number}/"
                f"{self.part.of}"
            )
