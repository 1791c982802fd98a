"""What was seen in two runs of a unit, compared."""

import numpy as np


def same_record(left, right):
    """Return whether two records say the same of every cycle."""
    plain = ("transfers", "events", "broken", "cycles", "complete")
    return all(getattr(left, name) == getattr(right, name) for name in plain) and all(
        np.array_equal(getattr(left, kind)[name], getattr(right, kind)[name])
        for kind in ("valid", "ready")
        for name in left.transfers
    )
