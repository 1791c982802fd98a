"""Where data waits: DRAM, the fetcher in front of it, and the on-chip memories."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tokensieve.arch.base import ArchModel, bounds
from tokensieve.arch.mapping import address_order

Timing = Annotated[int, Field(ge=0, le=1 << 20)]


def is_power_of_two(value: int) -> bool:
    """Return whether `value` is a power of two."""
    return value > 0 and value & (value - 1) == 0


def require_powers_of_two(model: ArchModel, *names: str) -> None:
    """Raise `ValueError` naming the first field of `names` that is not a power of two."""
    for name in names:
        value = getattr(model, name)
        if not is_power_of_two(value):
            raise ValueError(f".{name} must be a power of two {bounds(type(model), (name,))}, got {value}")


class Dram(ArchModel):
    """DRAM organisation and JEDEC timings of one stack. Timings are in DRAM clocks (`tCK_ps`)."""

    standard: Literal["HBM2", "DDR4", "LPDDR4"] = "HBM2"
    """Which standard the organisation follows: JESD235, JESD79-4 or JESD209-4."""

    channels: Annotated[int, Field(ge=1, le=256)] = 16
    """Independent channels."""

    pseudo_channels: Annotated[int, Field(ge=1, le=4)] = 2
    """Pseudo-channels of a channel, each with its own banks and data bus; they share the request window."""

    bank_groups: Annotated[int, Field(ge=1, le=16)] = 4
    """Bank groups of a pseudo-channel."""

    banks_per_group: Annotated[int, Field(ge=1, le=16)] = 4
    """Banks of a bank group."""

    rows: Annotated[int, Field(ge=1, le=1 << 24)] = 32768
    """DRAM rows of a bank. They set the capacity. A run that needs more is refused; in `tokensieve dram` an address
    beyond it begins again at the first byte."""

    row_bytes: Annotated[int, Field(ge=64, le=1 << 16)] = 1024
    """DRAM row (page) of one bank of a pseudo-channel, in bytes."""

    granule_bytes: Annotated[int, Field(ge=8, le=256)] = 32
    """Bytes of one column access (burst); consecutive granules go to consecutive channels."""

    mapping: str = "ro-ba-bg-co-pc-ch"
    """Address fields above the granule offset, highest first: parts joined by - or a name such as RoBaRaCoCh."""

    controller: Literal["frfcfs", "bank-queues", "active-buffer"] = "frfcfs"
    """How a channel chooses its next command (docs/reference/dram.md): first ready, first come within a window; a queue
    for each bank, served in turn, as in DRAMsim3; a buffer of requests whose row was opened before all others, as in
    Ramulator 2."""

    window: Annotated[int, Field(ge=1, le=1024)] = 64
    """Requests of a channel among which its controller may choose; except for `frfcfs`, reads and writes apart."""

    bank_queue: Annotated[int, Field(ge=1, le=256)] = 8
    """Requests in the queue of each bank (`bank-queues` only)."""

    row_hit_limit: Annotated[int, Field(ge=0, le=1 << 16)] = 4
    """Columns after which an open row gives way to an older request; 0 for no limit (`bank-queues` only)."""

    command_bus: Literal["pseudo-channel", "channel", "single"] = "pseudo-channel"
    """Commands in a clock: a row and a column command for each pseudo-channel (`frfcfs`), for the channel, or one."""

    act_clocks: Annotated[int, Field(ge=1, le=16)] = 1
    """Clocks that an activate holds the row command bus."""

    return_clocks: Annotated[int, Field(ge=0, le=1 << 10)] = 0
    """Clocks from the end of the data to the requester, spent in the controller."""

    page: Literal["open", "closed"] = "open"
    """Whether a row stays open, or is closed with the last of the column accesses that wait for it."""

    refresh: bool = True
    """Whether all banks of a pseudo-channel are refreshed every nREFI."""

    tCK_ps: Annotated[int, Field(ge=100, le=100_000)] = 1000
    """DRAM clock period, in ps."""

    nBL: Annotated[int, Field(ge=1, le=64)] = 2
    """Clocks that one burst holds the data bus."""

    nCL: Timing = 14
    """Read command to first data."""

    nCWL: Timing = 4
    """Write command to first data."""

    nRCD: Timing = 14
    """Activate to column command, same bank."""

    nRCD_WR: Annotated[int | None, Field(ge=0, le=1 << 20)] = None
    """Activate to write where it is not `nRCD` too; none by default."""

    nRP: Timing = 14
    """Precharge to activate, same bank."""

    nRAS: Timing = 34
    """Activate to precharge, same bank."""

    nRC: Timing = 48
    """Activate to activate, same bank."""

    nCCD_S: Timing = 1
    """Column to column command, other bank group."""

    nCCD_L: Timing = 2
    """Column to column command, same bank group."""

    nRRD_S: Timing = 4
    """Activate to activate, other bank group."""

    nRRD_L: Timing = 6
    """Activate to activate, same bank group."""

    nFAW: Timing = 30
    """Window that holds at most four activates of a pseudo-channel; 0 lifts the limit."""

    nRTP: Timing = 6
    """Read to precharge, same bank."""

    nWR: Timing = 16
    """End of write data to precharge, same bank."""

    nWTR_S: Timing = 6
    """End of write data to read command, other bank group."""

    nWTR_L: Timing = 8
    """End of write data to read command, same bank group."""

    nTurn: Annotated[int, Field(ge=0, le=64)] = 1
    """Idle clocks of the data bus between the data of a read and of a write."""

    nRFC: Timing = 260
    """Refresh to activate."""

    nREFI: Annotated[int, Field(ge=100, le=1 << 20)] = 3900
    """Average interval between two refreshes; long enough for a row to be opened, used and closed in between."""

    @property
    def banks(self) -> int:
        """Banks of a pseudo-channel."""
        return self.bank_groups * self.banks_per_group

    @property
    def capacity(self) -> int:
        """Capacity of all channels, in bytes."""
        return self.channels * self.pseudo_channels * self.banks * self.rows * self.row_bytes

    @property
    def columns(self) -> int:
        """Granules of a row."""
        return self.row_bytes // self.granule_bytes

    @property
    def order(self) -> tuple[str, ...]:
        """Parts of an address above the granule offset, highest first; the one rank has no part."""
        return address_order(self.mapping)

    @property
    def held(self) -> int:
        """Most requests that the controller of a channel holds, less those in front of it."""
        if self.controller == "frfcfs":
            return self.window
        return 2 * self.window + max(self.window, self.pseudo_channels * self.banks * self.bank_queue)

    @property
    def channel_shift(self) -> int:
        """Bits of a granule's number below its channel; 0 where consecutive granules go to consecutive channels."""
        sizes = {"co": self.columns, "pc": self.pseudo_channels, "bg": self.bank_groups, "ba": self.banks_per_group}
        sizes["ro"] = self.rows
        below = self.order[self.order.index("ch") + 1 :]
        return sum(sizes[part].bit_length() - 1 for part in below)

    @property
    def least_nREFI(self) -> int:  # noqa: N802  (JEDEC's symbol)
        """Smallest nREFI with which a refresh leaves time for an access, whatever the controller.

        From a refresh on, a bank waits nRFC to open a row and nRCD to use it, and to be closed and refreshed again nRAS
        and nRP, or nRC, from when the row was opened. Rows of other banks, opened before, keep it waiting for nRRD or
        nFAW. Beyond that the command bus may be busy with the other banks that share it: one ACT and one PRE each
        (`bank-queues`, which closes row by row and gives each queue its turn), or one of all rows.
        """
        use = max(self.nRCD, self.nRCD_WR or 0)
        cycle = max(self.nRC, self.nRAS + self.nRP) + self.nRFC
        sharing = {"frfcfs": 1, "active-buffer": self.pseudo_channels}.get(
            self.controller, self.pseudo_channels * self.banks
        )
        return max(cycle, self.nRRD_S, self.nRRD_L, self.nFAW) + use + sharing * (self.act_clocks + 2) + 1

    @property
    def peak_gb_per_s(self) -> float:
        """Peak bandwidth of all channels, in GB/s (10^9 bytes)."""
        return self.channels * self.pseudo_channels * self.granule_bytes / (self.nBL * self.tCK_ps * 1e-3)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_powers_of_two(
            self, "channels", "pseudo_channels", "bank_groups", "banks_per_group", "rows", "row_bytes", "granule_bytes"
        )
        try:
            address_order(self.mapping)
        except ValueError as problem:
            raise ValueError(f".mapping {problem}") from None
        if (self.controller == "frfcfs") != (self.command_bus == "pseudo-channel"):
            allowed = "pseudo-channel" if self.controller == "frfcfs" else "channel or single"
            raise ValueError(
                f".command_bus must be {allowed} for the controller {self.controller}, got {self.command_bus!r}"
            )
        if self.row_bytes < self.granule_bytes:
            raise ValueError(f".row_bytes must be at least granule_bytes = {self.granule_bytes}, got {self.row_bytes}")
        if self.refresh and self.nREFI < self.least_nREFI:
            raise ValueError(
                f".nREFI must be at least {self.least_nREFI} for a row to be opened, used and closed between two "
                f"refreshes (nRFC + max(nRC, nRAS + nRP) + nRCD and the command bus), got {self.nREFI}"
            )
        return self


class Fetcher(ArchModel):
    """The Q/K/V fetcher and its two crossbars, which turn vectors into DRAM granules (paper IV-A, Table I).

    It takes one request of a line (as many vectors as the Q x K array uses in a cycle) at a time, round robin over the
    K, LSB, V and output streams, and offers up to `ports` granules a cycle to the channels.
    """

    ports: Annotated[int, Field(ge=1, le=256)] = 32
    """Addresses per cycle (the crossbar is ports x channels)."""

    fifo_depth: Annotated[int, Field(ge=1, le=4096)] = 64
    """Requests that wait in front of a channel's window before the fetcher stalls."""

    request_stages: Annotated[int, Field(ge=0, le=64)] = 3
    """Registers from token id to channel: address, split, crossbar (MatrixFetcher and Crossbar of the release)."""

    return_stages: Annotated[int, Field(ge=1, le=64)] = 5
    """Registers from DRAM data to SRAM: crossbar, FIFO, realign, bit-width conversion, write."""


class Sram(ArchModel):
    """On-chip memory of one operand (K or V), used as two halves (double buffering, paper V-C)."""

    kib: Annotated[int, Field(ge=1, le=1 << 16)] = 192
    """Capacity, in KiB (1,024 bytes)."""

    banks: Annotated[int, Field(ge=1, le=256)] = 24
    """RAM blocks that the capacity is cut into; sets the energy of an access."""

    ports: Annotated[int, Field(ge=1, le=4)] = 2
    """Ports of a bank. With two, a line is written and another one read in the same cycle; with one, they take turns;
    more cost area and gain nothing."""

    read_latency: Annotated[int, Field(ge=1, le=8)] = 1
    """Cycles from address to data."""

    @property
    def writes_beside_reads(self) -> bool:
        """Whether a line can be written in a cycle in which another one is read."""
        return self.ports > 1

    @property
    def bytes(self) -> int:
        """Capacity, in bytes."""
        return self.kib * 1024
