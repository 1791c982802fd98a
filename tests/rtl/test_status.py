"""Codes of illegal commands: designs and drivers hold them as numbers, so that none may ever change."""

from tokensieve.arch.status import Status


def test_codes_are_the_numbers_that_the_pages_print():
    assert {status.name: status.value for status in Status} == {
        "NONE_OFFERED": 1, "TOO_MANY": 2, "EMPTY_SET": 3, "ROW_BYTES": 4, "GROW": 5, "UNKNOWN": 6
    }  # fmt: skip
