"""A trace follows the schedule that stands in it, or is refused."""

from dataclasses import replace

import pytest

from tokensieve.arch import WorkloadError
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.wholevalues import with_whole_values


def under(decisions, schedule, **meta):
    return replace(decisions, meta={**decisions.meta, "schedule": schedule, **meta})


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"token": ["0.1"]}, r"keys_kept must be what meta\.schedule keeps, 3 keys in step 1, layer 0, got 28"),
        ({"head": ["1"]}, r"heads_alive must be .*, 4 live heads of 4 in step 0, layer 2, got 2"),
        ({"value": ["0.25"]}, r"values_kept must be .*, 7 values of a query in step 0, layer 0, got 15"),
        ({"start_step": 0}, r"keys_kept must be .*, 27 keys in step 0, layer 0, got 31"),
        ({"token": ["0.9", "0.6"]}, r"meta\.schedule\.token must have one ratio, or one per layer \(3\), got 2"),
        ({"threshold": "0.5"}, r"meta\.threshold must be that of meta\.schedule, 0\.5, got 0\.1"),
    ],
)
def test_decisions_that_do_not_follow_their_schedule_are_refused(decode, changed, says):
    whole = decode.meta["schedule"]

    under(decode, whole).validate()
    with pytest.raises(WorkloadError, match=rf"decisions: {says}$"):
        under(decode, whole | changed).validate()


def test_a_threshold_without_one_in_the_schedule_is_refused(prefill):
    with pytest.raises(WorkloadError, match=r"meta\.threshold must be that of meta\.schedule, null, got 0\.5"):
        under(prefill, prefill.meta["schedule"], threshold=0.5).validate()


def test_what_the_schedule_does_not_name_and_a_schedule_of_others_are_taken(decode, prefill):
    under(prefill, {"head": ["1"]}).validate()
    under(prefill, {"pruned by": "hand", "token": ["0.1"]}).validate()
    under(decode, None, threshold=None).validate()
    with_whole_values(decode).validate()


def test_a_file_that_contradicts_its_schedule_is_named(prefill, tmp_path, monkeypatch):
    path = tmp_path / "mine.npz"
    with monkeypatch.context() as unchecked:
        unchecked.setattr(Decisions, "validate", lambda self: self)
        under(prefill, {"token": ["0.1"]}).save(path)

    with pytest.raises(
        WorkloadError, match=r"mine\.npz: decisions: keys_kept must be .*, 2 keys in step 0, layer 1, got 12"
    ):
        Decisions.load(path)
