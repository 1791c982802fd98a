"""What bitstreams of the fixed-length pruner take and how fast they are, recorded with the versions of the tools.

``python -m tokensieve.pages.bitstreams FILE`` builds those that `FILE` lacks, or has of other sources, and writes it
after each (`make fpga`; two hours of CPU, less what is cached). With ``--show`` it prints the file as a table and
builds nothing.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokensieve.arch import load_arch
from tokensieve.pages.recorded import Row, command, markdown, save

if TYPE_CHECKING:
    from tokensieve.rtl.flow.bitstream.devices import Device
    from tokensieve.rtl.flow.bitstream.request import Request

_WANTED = (
    ("ice40-hx8k", 64, 32, 1, 3),
    ("ice40-up5k", 64, 32, 1, 3),
    ("gw2a-18c", 64, 32, 1, 1),
    ("ecp5-85k", 128, 64, None, 3),
    ("ecp5-85k", 512, 128, None, 3),
)
"""Device, longest sequence, tokens kept, search engines (None: as many as the input rate needs), seeds."""

_COLUMNS = {
    "device": "device", "LUT": "lut", "FF": "ff", "BRAM": "bram", "DSP": "dsp", "clock": "clock_mhz",
}  # fmt: skip


_TIMES = ("seconds", "stage_seconds")
"""Not recorded: what is cached takes none."""


def wanted() -> "Iterator[Request]":
    """Yield what is to be built."""
    from tokensieve.rtl.flow.bitstream.request import Request
    from tokensieve.rtl.flow.bitstream.toolchain import native_wanted

    for device, tokens, keep, engines, seeds in _WANTED:
        sets = [f"pruner.max_tokens={tokens}", f"pruner.keep={keep}"]
        sets += [] if engines is None else [f"pruner.engines={engines}"]
        yield Request(
            unit="fixed-length-pruner", arch=load_arch("spatten", sets), device=device, board=None, link="uart",
            baud=1_000_000, seeds=seeds, clock_mhz=None, native=native_wanted(),
        )  # fmt: skip


def write(file: Path) -> None:
    """Build every bitstream, and write `file` after each."""
    from tokensieve.rtl.flow.bitstream.build import build
    from tokensieve.rtl.flow.bitstream.request import asked
    from tokensieve.rtl.flow.bitstream.result import as_object

    before = {_key(row): row for row in (json.loads(file.read_text()) if file.exists() else [])}
    for request in wanted():
        one = asked(request)
        built = build(one.plan, partial(_tell, request))
        row = {name: value for name, value in as_object(one, built).items() if name not in _TIMES}
        before[_key(row)] = row
        save(file, list(before.values()))


def _tell(request: "Request", text: str) -> None:
    print(f"{request.device}, N = {request.arch.pruner.max_tokens}: {text}", file=sys.stderr, flush=True)


def _key(row: Row) -> str:
    return json.dumps([row["device"], row["parameters"]])


def show(rows: Sequence[Row]) -> str:
    """Return the recorded rows as a table, and how full each device is with them as another one."""
    built = markdown(
        ["N", "K", "R", *_COLUMNS, "Fmax", "by seed", "slack", "sequences/s"], [_shown(row) for row in rows]
    )
    return f"{built}\n\n{fits(rows)}"


def fits(rows: Sequence[Row]) -> str:
    """Return how full each device is with what was built for one of its family: its scarcest resource."""
    from tokensieve.rtl.flow.bitstream.devices import DEVICES

    told: dict[tuple[int, ...], dict[str, str]] = {}
    for row in rows:
        sizes = row["parameters"]
        family = DEVICES[row["device"]].family
        cells = told.setdefault((sizes["max_tokens"], sizes["keep"], sizes["engines"]), {})
        shares = {one.name: _share(row, one) for one in DEVICES.values() if one.family == family}
        cells.update({name: share for name, share in shares.items() if name == row["device"] or name not in cells})
    names = [one for one in DEVICES if any(one in cells for cells in told.values())]
    table: list[Row] = [
        {**dict(zip("NKR", sizes, strict=True)), **dict.fromkeys(names, ""), **told[sizes]} for sizes in sorted(told)
    ]
    return markdown(["N", "K", "R", *names], table)


def _share(row: Row, device: "Device") -> str:
    have = {"lut": device.lut, "ff": device.ff, "bram": device.bram, "dsp": device.dsp}
    scarce = max(("lut", "ff", "bram", "dsp"), key=lambda kind: row[kind] / have[kind] if have[kind] else row[kind])
    share = row[scarce] / have[scarce] if have[scarce] else float("inf")
    return f"{share:.0%} of {scarce.upper()}" if share <= 1 else "no"


def _shown(row: Row) -> dict[str, Any]:
    told = {title: row[name] for title, name in _COLUMNS.items()}
    sizes, seeds = row["parameters"], row["fmax_mhz_per_seed"].values()
    note = "" if row["fmax_trusted"] else " (not to be trusted)"
    return {
        "N": sizes["max_tokens"], "K": sizes["keep"], "R": sizes["engines"], **told,
        "clock": f"{row['clock_mhz']:.2f}", "Fmax": f"{row['fmax_mhz']:.1f}{note}",
        "by seed": " / ".join(f"{mhz:.1f}" for mhz in seeds), "slack": f"{row['slack_ns']:.2f}",
        "sequences/s": f"{row['throughput']['compute']:,.0f}",
    }  # fmt: skip


def main() -> None:
    """Build bitstreams of the fixed-length pruner and record the figures, or print what is recorded."""
    command("tokensieve.pages.bitstreams", main.__doc__, write, show)


if __name__ == "__main__":
    main()
