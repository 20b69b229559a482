"""The blocks that an archive is cut into: the unit of work, of writing and of resuming.

An archive is a grid of stations by rows of time. A block is a rectangle of it: some rows of one
station, or all rows of some where series are short. Its borders follow from the archive's shape and
the size that was asked for, and from nothing of the machine.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Block", "Grid", "Part"]


@dataclass(frozen=True)
class Block:
    """A rectangle of the grid.

    Parameters
    ----------
    number : int
        Its place in the list of all blocks.
    stations, rows : tuple of int
        The first of each, and the one after the last.
    """

    number: int
    stations: tuple[int, int]
    rows: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """How many stations and rows it has."""
        return self.stations[1] - self.stations[0], self.rows[1] - self.rows[0]


@dataclass(frozen=True)
class Grid:
    """An archive's shape, and that of its blocks.

    Parameters
    ----------
    stations, rows : int
        Of the archive.
    block_stations, block_rows : int
        Of a block; those at the end may be smaller.
    """

    stations: int
    rows: int
    block_stations: int
    block_rows: int

    @classmethod
    def of(cls, stations: int, rows: int, windows: int) -> Grid:
        """Cut an archive into blocks of about so many windows.

        Examples
        --------
        >>> Grid.of(1, 100_000, 8192)
        Grid(stations=1, rows=100000, block_stations=1, block_rows=8192)
        >>> Grid.of(500, 1000, 8192)
        Grid(stations=500, rows=1000, block_stations=8, block_rows=1000)
        """
        own = min(rows, windows)
        return cls(stations, rows, min(stations, max(1, windows // own)), own)

    @property
    def across(self) -> int:
        """How many blocks lie behind one another in time."""
        return -(-self.rows // self.block_rows)

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return -(-self.stations // self.block_stations) * self.across

    @property
    def windows(self) -> int:
        """How many windows there would be if every row ended one."""
        return self.stations * self.rows

    def block(self, number: int) -> Block:
        """Give a block by its number.

        Examples
        --------
        >>> Grid(3, 10, 2, 10).block(1)
        Block(number=1, stations=(2, 3), rows=(0, 10))
        """
        down, along = self.place(number)
        first, begin = down * self.block_stations, along * self.block_rows
        return Block(
            number,
            (first, min(first + self.block_stations, self.stations)),
            (begin, min(begin + self.block_rows, self.rows)),
        )

    def place(self, number: int) -> tuple[int, int]:
        """Give a block's place among the blocks of stations and of rows."""
        return divmod(number, self.across)


@dataclass(frozen=True)
class Part:
    """One of several equal parts of the list of blocks, for jobs that know nothing of each other.

    Parameters
    ----------
    number, of : int
        Which, from 1, of how many.
    """

    number: int = 1
    of: int = 1

    def numbers(self, count: int) -> range:
        """Give the blocks of this part, which lie together.

        Examples
        --------
        >>> [list(Part(k, 3).numbers(7)) for k in (1, 2, 3)]
        [[0, 1], [2, 3], [4, 5, 6]]
        """
        return range((self.number - 1) * count // self.of, self.number * count // self.of)
