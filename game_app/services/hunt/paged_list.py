"""Lists that come in pages, of which one entry may be too long to be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from ..http_client import TooLargeError

T = TypeVar("T")
PAGE: Final = 20
"""Entries of a page: a pull request is told in 10 kB by Gitea and in 20 kB by GitHub, beside its own text."""
_SMALLER: Final = {PAGE: 5, 5: 1}
"""Size of a page to that of the pages in which it is read where it is too long."""


def read_pages(read: Callable[[int, int], Sequence[T]], most: int) -> list[T]:
    """Entries of a list, in its order, up to about a number of them.

    An entry that is longer by itself than what is read is left out: whoever writes one hides no other.

    read: entries of a page, given the size and the number of the page, from 1.
    """
    found: list[T] = []
    for number in range(1, -(-most // PAGE) + 1):
        entries, full = _page(read, PAGE, number)
        found += entries
        if not full:
            break
    return found


def _page(read: Callable[[int, int], Sequence[T]], size: int, number: int) -> tuple[list[T], bool]:
    """Entries of a page, and whether the page was full."""
    try:
        entries = list(read(size, number))
    except TooLargeError:
        if size == 1:
            return [], True
        return _in_parts(read, size, number)
    return entries, len(entries) == size


def _in_parts(read: Callable[[int, int], Sequence[T]], size: int, number: int) -> tuple[list[T], bool]:
    part, found = _SMALLER[size], list[T]()
    first = (number - 1) * (size // part) + 1
    for at in range(first, first + size // part):
        entries, full = _page(read, part, at)
        found += entries
        if not full:
            return found, False
    return found, True
