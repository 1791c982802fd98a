"""Situations of the cascade pruner's AXI4-Stream wrapper: those of the unit are in its own table."""

from tokensieve.verify.situations.base import Situation

SITUATIONS = (
    Situation("a command asks for a fetch", "last-field-lost",
              lambda seen: any(fetch.any() for fetch in seen.items("fetch"))),
)  # fmt: skip
