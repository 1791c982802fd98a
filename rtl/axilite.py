"""AXI4-Lite registers in place of a unit's command stream, beside AXI4-Stream for its data."""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, ClockDomain, DomainRenamer, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tokensieve.rtl.axi import AxiStreamUnit, bus_wires, to_bus

WORD = 32
ADDRESS_BITS = 7
FIRST_FIELD = 0x20
"""Byte address of the command's first field."""

OKAY, SLVERR = 0, 2

_CONTROL, _STATUS, _CYCLES = 0x04, 0x08, 0x0C

_CONTROL_SAYS = (
    "write 1 to bit 0 to send the command; while one waits, that is dropped. Bit 1 enables the interrupt. Bit 0 reads 0"
)
_STATUS_SAYS = (
    "bit 0 waits: a command was sent and is not taken yet, bit 1 busy: the packet of a command that was taken has not "
    "ended, bit 2 done: a packet has ended on o, bit 3 dropped: a command was sent while one waited, bits 6:4 the code "
    "of the latest illegal command, 0 without one. Bits 2 to 6 stay until they are cleared: 1 to bit 2 or 3 clears "
    "it, 1 to any of bits 6:4 clears the code. What happens in the cycle that clears it is kept"
)
_CYCLES_SAYS = (
    "read only, set where a packet ends: cycles from the one after that in which the unit, not busy, took a command, "
    "to that in which the packet's last beat moved. A command that is taken while it is busy does not start it anew"
)
_FIELDS_SAY = "held while a command waits"


@dataclass(frozen=True)
class Register:
    """A register of the block."""

    address: int
    """In bytes."""

    name: str
    says: str


@dataclass(frozen=True)
class _Place:
    """A register with bits of a field of the command."""

    address: int
    name: str
    field: str
    low: int
    """Its lowest bit in the field."""

    width: int
    lsb: int
    """Its lowest bit in the command."""

    @property
    def says(self) -> str:
        """What the header says of it."""
        bits = f"bits {self.low + self.width - 1}:{self.low} of {self.field}"
        most = (1 << self.width) - 1
        return f"{bits}, {_FIELDS_SAY}" + (f"; a value above {most} counts as {most}" if self.width < WORD else "")


class AxiLiteUnit(wiring.Component):
    """Gives a unit that answers each command with one packet on ``o`` a register block and AXI4-Stream ports.

    Timing
    ------
    As the unit's; a command is on offer from the cycle after the write that sends it. One write and one read may be
    under way; each is answered in the cycle after its transfer.

    Parameters
    ----------
    unit : `wiring.Component`
        A unit with a stream `command` and packets on `o`.
    version : int
        What the register VERSION holds.

    Members
    -------
    aclk, aresetn : ``In(1)``
        Clock, and reset, active low and synchronous.
    s_axi_awaddr, ... :
        AXI4-Lite, 32 bits wide; `registers` lists what is there. An address without a register is answered by SLVERR.
    irq : ``Out(1)``
        High while STATUS.done and CONTROL.enable are set.
    s_axis_NAME_tdata, ..., NAME_FIELD :
        As those of `AxiStreamUnit`, without `command`.
    """

    def __init__(self, unit: wiring.Component, version: int) -> None:
        self.axi = AxiStreamUnit(unit)
        self._version, layout = version, unit.command.payload.shape()
        self._fields = [(str(name), field.offset, field.width) for name, field in layout]
        rest = {name: member for name, member in self.axi.signature.members.items() if not _is_command(name)}
        super().__init__({**rest, **_LITE})

    @property
    def registers(self) -> list[Register]:
        """The register block, by address."""
        found = [
            Register(0x00, "VERSION", "read only: major, minor and patch in bits 23:16, 15:8 and 7:0"),
            Register(_CONTROL, "CONTROL", _CONTROL_SAYS),
            Register(_STATUS, "STATUS", _STATUS_SAYS),
            Register(_CYCLES, "CYCLES", _CYCLES_SAYS),
            Register(0x10, "ENDED", "read only: packets that have ended on o since reset"),
        ]  # fmt: skip
        return found + [Register(place.address, place.name.upper(), place.says) for place in self._places()]

    def _places(self) -> list[_Place]:
        """Return where the command's fields are in the register block."""
        found = list[_Place]()
        for name, offset, width in self._fields:
            for low in range(0, width, WORD):
                own = name if width <= WORD else f"{name}_{low // WORD}"
                address = FIRST_FIELD + 4 * len(found)
                found.append(_Place(address, own, name, low, min(WORD, width - low), offset + low))
        assert FIRST_FIELD + 4 * len(found) <= 1 << ADDRESS_BITS, "the command has more fields than there are addresses"
        return found

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains += (domain := ClockDomain("lite", local=True))
        m.d.comb += [domain.clk.eq(self.aclk), domain.rst.eq(~self.aresetn)]
        m.submodules.unit = self.axi
        for name, member in self.signature.members.items():
            if name not in _LITE:
                inner, outer = getattr(self.axi, name), getattr(self, name)
                m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)
        m.submodules.block = DomainRenamer("lite")(self._block())
        return m

    def _block(self) -> Module:
        """Return the registers."""
        m = Module()
        command = Signal(self.axi.unit.command.payload.shape())
        pending = Signal()
        enable = Signal()
        done = Signal()
        dropped = Signal()
        code = Signal(3)
        under_way = Signal(8)
        cycles = Signal(WORD)
        ended = Signal(WORD)
        wires, out = bus_wires(self.axi, "command"), bus_wires(self.axi, "o")
        to_bus(m, self.axi.buses["command"], command, wires)
        m.d.comb += [wires["tvalid"].eq(pending), self.irq.eq(done & enable)]
        taken = Signal()
        ends = Signal()
        m.d.comb += taken.eq(pending & wires["tready"])
        m.d.comb += ends.eq(out["tvalid"] & out["tready"] & out["tlast"])
        m.d.sync += under_way.eq(under_way + taken - ends)
        with m.If(taken):
            m.d.sync += pending.eq(0)
        with m.If(under_way != 0):
            m.d.sync += cycles.eq(cycles + 1)
        with m.Elif(taken):
            m.d.sync += cycles.eq(0)
        latest = Signal(WORD)
        with m.If(ends):
            m.d.sync += [ended.eq(ended + 1), latest.eq(cycles + 1)]
        values = {
            0x00: self._version, _CONTROL: Cat(0, enable), _STATUS: Cat(pending, under_way != 0, done, dropped, code),
            _CYCLES: latest, 0x10: ended,
        }  # fmt: skip
        fields = {place.address: Signal(WORD, name=place.name) for place in self._places()}
        self._reads(m, {**values, **fields})
        writes = self._writes(m, [*values, *fields])
        strobes = Cat(strobe.replicate(8) for strobe in self.s_axi_wstrb)
        for address, field in fields.items():
            with m.If(writes[address] & ~pending):
                m.d.sync += field.eq(field & ~strobes | self.s_axi_wdata & strobes)
        for place in self._places():  # a number that does not fit must not become a small one
            field, part = fields[place.address], Value.cast(command)[place.lsb :][: place.width]
            m.d.comb += part.eq(field[: place.width] | field[place.width :].any().replicate(place.width))
        cleared = Mux(self.s_axi_wstrb[0], self.s_axi_wdata, 0)
        with m.If(writes[_CONTROL] & self.s_axi_wstrb[0]):
            m.d.sync += enable.eq(self.s_axi_wdata[1])
            with m.If(self.s_axi_wdata[0] & ~pending):
                m.d.sync += pending.eq(1)
            with m.If(self.s_axi_wdata[0] & pending):
                m.d.sync += dropped.eq(1)
        with m.If(writes[_STATUS]):
            m.d.sync += [done.eq(done & ~cleared[2]), dropped.eq(dropped & ~cleared[3])]
            with m.If(cleared[4:7].any()):
                m.d.sync += code.eq(0)
        with m.If(ends):  # an end in the cycle that clears the one before counts
            m.d.sync += done.eq(1)
        if hasattr(self.axi, "status_code"):
            with m.If(self.axi.status_valid):
                m.d.sync += code.eq(self.axi.status_code)
        return m

    def _reads(self, m: Module, values: dict[int, Any]) -> None:
        """Answer reads in the cycle after each."""
        m.d.comb += self.s_axi_arready.eq(~self.s_axi_rvalid | self.s_axi_rready)
        with m.If(self.s_axi_arready):
            m.d.sync += [self.s_axi_rvalid.eq(self.s_axi_arvalid), self.s_axi_rdata.eq(0), self.s_axi_rresp.eq(SLVERR)]
            with m.Switch(self.s_axi_araddr[2:]):
                for address, value in values.items():
                    with m.Case(address >> 2):
                        m.d.sync += [self.s_axi_rdata.eq(value), self.s_axi_rresp.eq(OKAY)]

    def _writes(self, m: Module, addresses: list[int]) -> dict[int, Value]:
        """Answer writes in the cycle after each; return, for each address, whether it is written in this cycle."""
        write = Signal()
        m.d.comb += write.eq(self.s_axi_awvalid & self.s_axi_wvalid & (~self.s_axi_bvalid | self.s_axi_bready))
        m.d.comb += [self.s_axi_awready.eq(write), self.s_axi_wready.eq(write)]
        with m.If(write | self.s_axi_bready):
            m.d.sync += [self.s_axi_bvalid.eq(write), self.s_axi_bresp.eq(SLVERR)]
        hits = {}
        for address in addresses:
            hits[address] = hit = Signal(name=f"write_{address:02x}")
            m.d.comb += hit.eq(write & (self.s_axi_awaddr[2:] == address >> 2))
            with m.If(hit):
                m.d.sync += self.s_axi_bresp.eq(OKAY)
        return hits


def _is_command(port: str) -> bool:
    return port.startswith("s_axis_command_")


_LITE: dict[str, wiring.Member] = {
    "s_axi_awaddr": In(ADDRESS_BITS), "s_axi_awvalid": In(1), "s_axi_awready": Out(1),
    "s_axi_wdata": In(WORD), "s_axi_wstrb": In(WORD // 8), "s_axi_wvalid": In(1), "s_axi_wready": Out(1),
    "s_axi_bresp": Out(2), "s_axi_bvalid": Out(1), "s_axi_bready": In(1),
    "s_axi_araddr": In(ADDRESS_BITS), "s_axi_arvalid": In(1), "s_axi_arready": Out(1),
    "s_axi_rdata": Out(WORD), "s_axi_rresp": Out(2), "s_axi_rvalid": Out(1), "s_axi_rready": In(1),
    "irq": Out(1),
}  # fmt: skip
LITE_PORTS = tuple(_LITE)
"""Ports of the register block and its interrupt."""
