"""The list of slow tests names tests that there are."""

from __future__ import annotations


def test_every_name_is_of_a_test(slow_names_of_no_test: list[str]) -> None:
    assert not slow_names_of_no_test, "names in tests/slow.txt that no test has"
