"""CPUs and GPUs by their peak numbers."""

import pytest

from tokensieve.arch.device import device_names, find_device
from tokensieve.arch.errors import ArchError


def test_every_shipped_device_says_where_its_numbers_are_from():
    devices = [find_device(name) for name in device_names()]

    assert [d.name for d in devices] == ["titan-xp", "xeon-e5-2640v4", "jetson-nano", "raspberry-pi-4"]
    assert all("maker's specifications" in d.source for d in devices)


@pytest.mark.parametrize(
    ("name", "gflops", "gb_per_s"),
    [
        ("titan-xp", 3840 * 2 * 1.582, 547.7),
        ("xeon-e5-2640v4", 10 * 32 * 2.4, 4 * 8 * 2.133),
        ("jetson-nano", 128 * 2 * 0.921, 8 * 3.2),
        ("raspberry-pi-4", 4 * 8 * 1.5, 4 * 3.2),
    ],
)
def test_the_peaks_are_what_their_sources_multiply_to(name, gflops, gb_per_s):
    device = find_device(name)

    assert device.gflops == pytest.approx(gflops, rel=1e-3)
    assert device.gb_per_s == pytest.approx(gb_per_s, rel=1e-3)


def test_two_numbers_are_a_device():
    device = find_device("1e3, 25.6")

    assert (device.gflops, device.gb_per_s, device.name) == (1000, 25.6, "1e3 GFLOP/s, 25.6 GB/s")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("titan-x", "got 'titan-x'; did you mean 'titan-xp'?"),
        ("1,2,3", "roofline must be one of titan-xp, xeon-e5-2640v4, jetson-nano, raspberry-pi-4 or GFLOPS,GB_PER_S"),
        ("5,", "got '5,'"),
        ("0,5", "gflops must be"),
        ("5,-1", "gb_per_s must be"),
        ("nan,5", "gflops"),
        ("5,inf", "gb_per_s"),
    ],
)
def test_anything_else_is_refused(given, message):
    with pytest.raises(ArchError) as refused:
        find_device(given)

    assert message in str(refused.value)
