"""Decisions and shapes of small models, for the tests of fully connected layers."""

from fractions import Fraction

from hypothesis import strategies as st

from tokensieve.arch import load_arch
from tokensieve.workloads.complete import complete
from tokensieve.workloads.models import ModelShape
from tokensieve.workloads.schedule import Schedule
from tokensieve.workloads.workload import Workload

SPATTEN = load_arch("spatten")
TINY = ModelShape(name="tiny", layers=2, heads=2, head_dim=8, hidden=16, ffn=64)


def decisions(shape, phase="decode", keep=Fraction(1), heads=Fraction(1), length=12, bits=None):
    """Return decisions of `length` tokens (prefill) or of 3 steps after as many (decode); the first layer keeps all."""
    lengths = {"context": length} if phase == "prefill" else {"prompt": length, "steps": 3}
    token, head = ((Fraction(1), *[ratio] * (shape.layers - 1)) for ratio in (keep, heads))
    schedule = Schedule(token=token, head=head, interpolation="list")
    if bits is not None:
        schedule = schedule.model_copy(update={"bits": bits})
    return complete(Workload(model=shape, phase=phase, schedule=schedule, **lengths).counts(), SPATTEN.topk, 0)


shapes = st.builds(
    ModelShape,
    name=st.just("any"),
    layers=st.integers(1, 6),
    heads=st.integers(1, 6),
    head_dim=st.sampled_from([8, 32, 64]),
    hidden=st.integers(1, 300),
    ffn=st.integers(1, 600),
)
ratios = st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(1, 3)])
