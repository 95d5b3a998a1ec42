"""Sorting on disk: just what sorting in memory would give, and nothing is left behind."""

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.storage.sorting import Row, Sorter, joined

GROUP_MAX = 1000
texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=6)
rows = st.lists(st.tuples(texts, texts), max_size=60)
narrow = st.lists(
    st.tuples(st.sampled_from(["", "a", "ab", "b", "b ", "茶", "😀"]), texts), max_size=60
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let every sorter's files lie where they can be seen."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def sorted_on_disk(given_rows: list[tuple[str, str]], rows_a_run: int) -> list[tuple[str, ...]]:
    with Sorter(rows_a_run=rows_a_run) as sorter:
        for row in given_rows:
            sorter.add(row)
        return [tuple(row) for _, group in sorter.groups() for row in group]


@given(st.one_of(rows, narrow), st.integers(1, 20))
def test_it_is_sorted_by_the_first_text(given_rows: list[tuple[str, str]], rows_a_run: int) -> None:
    found = sorted_on_disk(given_rows, rows_a_run)
    assert Counter(found) == Counter(given_rows)
    assert [first for first, _ in found] == sorted(first for first, _ in given_rows)


@given(narrow, st.integers(1, 20))
def test_groups_are_whole(given_rows: list[tuple[str, str]], rows_a_run: int) -> None:
    with Sorter(rows_a_run=rows_a_run) as sorter:
        for row in given_rows:
            sorter.add(row)
        found = {first: [tuple(row) for row in group] for first, group in sorter.groups()}
    assert list(found) == sorted({first for first, _ in given_rows})
    for first, group in found.items():
        assert Counter(group) == Counter(row for row in given_rows if row[0] == first)


@pytest.mark.parametrize("runs", [0, 1, 63, 64, 65, 128, 129, 200])
def test_more_runs_than_files_may_be_open(runs: int, folder: Path) -> None:
    numbers = [f"{number * 7919 % 1_000_003:07}" for number in range(runs * 5 + 3)]
    with Sorter(rows_a_run=5) as sorter:
        for number in numbers:
            sorter.add((number, "x"))
        assert len(list(folder.glob("shoukuan-sort-*/*"))) == runs
        found = []
        for first, group in sorter.groups():
            assert len(list(folder.glob("shoukuan-sort-*/*"))) <= 64 + 1
            found += [first] * len(group)
    assert found == sorted(numbers)
    assert list(folder.iterdir()) == []


def test_a_group_of_thousands_comes_in_parts() -> None:
    with Sorter(rows_a_run=300) as sorter:
        for number in range(2500):
            sorter.add(("same", str(number)))
        sorter.add(("then", ""))
        parts = list(sorter.groups())
    assert [(first, len(group)) for first, group in parts] == [
        ("same", GROUP_MAX),
        ("same", GROUP_MAX),
        ("same", 500),
        ("then", 1),
    ]
    assert {row[1] for _, group in parts[:3] for row in group} == {str(n) for n in range(2500)}


def filled(sorter: Sorter) -> Sorter:
    for number in range(100):
        sorter.add((str(number), ""))
    return sorter


def test_a_reader_that_stops_early_leaves_nothing_behind(folder: Path) -> None:
    with Sorter(rows_a_run=10) as sorter:
        groups = filled(sorter).groups()
        assert next(groups)[0] == "0"
    assert list(folder.iterdir()) == []
    del groups  # an open file that is forgotten would warn, and a warning is an error


def test_an_error_that_passes_leaves_nothing_behind(folder: Path) -> None:
    def breaks() -> None:
        with Sorter(rows_a_run=10) as sorter:
            for first, _ in filled(sorter).groups():
                raise KeyError(first)

    with pytest.raises(KeyError):
        breaks()
    assert list(folder.iterdir()) == []


def test_whoever_adds_and_never_reads_leaves_nothing_behind(folder: Path) -> None:
    with Sorter(rows_a_run=10) as sorter:
        filled(sorter)
        assert list(folder.iterdir())
    assert list(folder.iterdir()) == []


def peak(number: int) -> int:
    tracemalloc.start()
    try:
        with Sorter(rows_a_run=500) as sorter:
            for n in range(number):
                sorter.add((f"{n * 7919 % 1_000_003:07}", "x" * 50))
            assert sum(len(group) for _, group in sorter.groups()) == number
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_is_what_a_run_takes_and_the_files_that_are_open() -> None:
    peak(1000)
    assert peak(60_000) < peak(30_000) + 200_000


sides = st.dictionaries(st.sampled_from("abcdefgh"), st.lists(texts, min_size=1, max_size=3))


def groups_of(side: dict[str, list[str]]) -> Iterator[tuple[str, list[Row]]]:
    return ((key, [(key, text) for text in side[key]]) for key in sorted(side))


@given(sides, sides)
def test_two_sides_are_joined_as_dictionaries_would_be(
    left: dict[str, list[str]], right: dict[str, list[str]]
) -> None:
    found = list(joined(groups_of(left), groups_of(right)))
    assert [key for key, _, _ in found] == sorted(left.keys() | right.keys())
    for key, here, there in found:
        assert [row[1] for row in here] == left.get(key, [])
        assert [row[1] for row in there] == right.get(key, [])


def in_parts(key: str, *sizes: int) -> Iterator[tuple[str, list[Row]]]:
    return ((key, [(key, "")] * size) for size in sizes)


def test_parts_of_a_group_meet_in_their_order() -> None:
    """Of a thing that is there thousands of times, nothing is matched that should not be."""
    found = [
        (key, len(here), len(there))
        for key, here, there in joined(in_parts("a", 1000, 2), in_parts("a", 1000, 1000, 1))
    ]
    assert found == [("a", 1000, 1000), ("a", 2, 1000), ("a", 0, 1)]
    counted = {
        key: sum(size for _, _, size in part) for key, part in groupby(found, lambda one: one[0])
    }
    assert counted == {"a": 2001}
