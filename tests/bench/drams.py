"""Strategies of small DRAMs for the tests against plain versions."""

from hypothesis import strategies as st


def refreshing(fields):
    """Return the DRAMs of the strategy `fields`, with refresh or without, and an nREFI from the least one on."""
    return st.builds(
        lambda dram, refresh, more: dram.model_copy(
            update={"refresh": refresh, "nREFI": max(100, dram.least_nREFI) + more}
        ),
        fields,
        st.booleans(),
        st.integers(0, 60),
    )
