"""What the DRAM controllers remember: one flat array, and the names of its places.

The state is one array, because numba counts references to every array that a call passes. It begins with the
configuration and what is counted; the tables follow, each from the place that O_... holds, in lines of N_... columns.
So a column is read in two steps: ``kb = m[s.O_BANK] + b * s.N_BANK`` is where the line of bank `b` begins, and
``m[kb + s.ROW]`` its row. `dram_idle` makes the array. Times are DRAM clocks.
"""

from tokensieve.arch.mapping import ADDRESS_PARTS
from tokensieve.sim.kernels.columns import I64, Columns
from tokensieve.sim.kernels.step import kernel

FAR = 1 << 60
"""A time that never comes."""

CONTROLLERS = ("frfcfs", "bank-queues", "active-buffer")
FRFCFS = CONTROLLERS.index("frfcfs")
BANK_QUEUES = CONTROLLERS.index("bank-queues")
ACTIVE_BUFFER = CONTROLLERS.index("active-buffer")

BUSES = ("pseudo-channel", "channel", "single")
CHANNEL_BUS = BUSES.index("channel")
SINGLE_BUS = BUSES.index("single")

# Configuration: fields of `Dram`, timings under their JEDEC symbols.
_state = Columns()
CH = _state.take()
PC = _state.take()  # pseudo-channels of a channel
BG = _state.take()  # bank groups of a pseudo-channel
BA = _state.take()  # banks of a bank group
BANKS = _state.take()  # banks of a pseudo-channel
BL = _state.take()
CL = _state.take()
CWL = _state.take()
RCD = _state.take()
RCD_WR = _state.take()
RP = _state.take()
RAS = _state.take()
RC = _state.take()
CCD_S = _state.take()
CCD_L = _state.take()
RRD_S = _state.take()
RRD_L = _state.take()
FAW = _state.take()
RTP = _state.take()
WR = _state.take()
WTR_S = _state.take()
WTR_L = _state.take()
TURN = _state.take()
REFRESH = _state.take()
RFC = _state.take()
REFI = _state.take()
ACT_CLOCKS = _state.take()
BACK = _state.take()  # clocks from the end of the data to the requester
CONTROLLER = _state.take()
BUS = _state.take()
CLOSED = _state.take()  # whether a row is closed with its last column access
WINDOW = _state.take()
FIFO = _state.take()  # requests that wait in front of a channel's window
QUEUE = _state.take()  # requests in the queue of a bank
HIT_LIMIT = _state.take()
LISTS, ROOM = _state.block(2)  # lists of a channel that is stepped by the clock, and the most requests of one
SLOTS = _state.take()
LOG = _state.take()  # commands that the log has room for
JOINED = _state.take()  # most requests that may have joined others at one time
NUM, DEN = _state.block(2)  # a cycle of the accelerator is NUM / DEN DRAM clocks
GRANULE_SHIFT = _state.take()
SHIFT = _state.take(len(ADDRESS_PARTS))  # of each part of an address, counted from the granule upwards
MASK = _state.take(len(ADDRESS_PARTS))
# Where the tables begin.
O_BANK = _state.take()
O_GROUP = _state.take()
O_PSEUDO = _state.take()
O_ENTRY = _state.take()
O_CHANNEL = _state.take()
O_FIFO = _state.take()
O_SLOT = _state.take()
O_DONE = _state.take()  # slots that are complete
O_LOG = _state.take()
O_LIST = _state.take()
O_COUNT = _state.take()  # length of each list
O_JOINED = _state.take()
# What is counted.
ACTS = _state.take()
READS, WRITES = _state.block(2)  # READS + write
JOINED_READS, JOINED_WRITES = _state.block(2)  # served without an access of their own
HITS, MISSES, CONFLICTS = _state.block(3)  # HITS + kind of the first command that a request needs
REFS = _state.take()
LAST = _state.take()  # end of the last data
DONE = _state.take()  # slots in O_DONE
LOGGED = _state.take()  # commands issued, logged or not
JOIN_FREE = _state.take()  # first line of O_JOINED that was given back, + 1
JOIN_USED = _state.take()  # lines of O_JOINED ever used
HEADER = _state.count

# Parts of an address, as offsets of SHIFT and MASK.
RO_ = ADDRESS_PARTS.index("ro")
BA_ = ADDRESS_PARTS.index("ba")
BG_ = ADDRESS_PARTS.index("bg")
PC_ = ADDRESS_PARTS.index("pc")
CH_ = ADDRESS_PARTS.index("ch")

COMMANDS = ("ACT", "PRE", "RD", "WR", "PREA", "REF", "RDA", "WRA")
"""Names of the commands of the log, by code."""

C_ACT = COMMANDS.index("ACT")
C_PRE = COMMANDS.index("PRE")
C_RD = COMMANDS.index("RD")  # + write
C_WR = COMMANDS.index("WR")
C_PREA = COMMANDS.index("PREA")
C_REF = COMMANDS.index("REF")
C_RDA = COMMANDS.index("RDA")  # + write

# Kind of command that a request needs next: it hits the open row, misses, or is in conflict with it.
_kind = Columns()
NEXT_COL, NEXT_ACT, NEXT_PRE = _kind.block(3)
NEXT_REF = _kind.take()

# Bank of a pseudo-channel (g = channel x pseudo-channels + pseudo-channel).
_bank = Columns()
ROW = _bank.take()  # -1 closed
ACT_OK = _bank.take()  # from when a row may be activated
COL_OK, WR_OK = _bank.block(2)  # from when it may be read, or written: COL_OK + write
PRE_OK = _bank.take()  # from when it may be closed
OPENED = _bank.take()  # kind of the first command that the next column access needed
HIT_R, HIT_W = _bank.block(2)  # `frfcfs`: reads and writes of the window for the open row: HIT_R + write
HEAD = _bank.take()  # `frfcfs`: oldest request of the window; -1 none
CAND, KIND, SEQ = _bank.block(3)  # `frfcfs`: request that is served next, -1 none; its next command, and its age
GROUP = _bank.take()  # its line in the table of groups
PLACE = _bank.take()  # `frfcfs`: its place among the banks that have requests
LISTED = _bank.take()  # `frfcfs`, of line k: the k-th bank that has requests
TAIL = _bank.take()  # `frfcfs`: youngest request of the window
USED = _bank.take()  # columns since its row was opened
N_BANK = _bank.count

# Bank group; line 0 holds the last of all groups.
_group = Columns()
ACT_AT = _group.take()
COL_AT = _group.take()
WRITE_END = _group.take()
N_GROUP = _group.count

FAW_ACTS = 4
"""Activates of which the first must be nFAW old."""

_pseudo = Columns()
P_ROW_BUS = _pseudo.take()  # from when the row command bus is free
P_NOW = _pseudo.take()  # clock of the last command
P_NEXT_REF = _pseudo.take()
P_WAIT = _pseudo.take()  # a refresh is due
P_READ_AT = _pseudo.take()
P_FAW = _pseudo.take(FAW_ACTS)  # the last activates, a ring
P_OLDEST = _pseudo.take()  # place of the oldest of them
# What only `frfcfs` has.
P_N, P_WRITES = _pseudo.block(2)  # requests in the window, and how many of them write
P_FREE = _pseudo.take()  # first free line of its requests
P_LISTED = _pseudo.take()  # banks that have requests
P_DRAIN = _pseudo.take()  # whether writes are served
P_SEEN = _pseudo.take()  # last clock at which a request entered
P_DIRTY = _pseudo.take()  # whether the plan no longer holds; else time, bank and kind of the next command
P_TIME, P_BANK, P_KIND = _pseudo.block(3)
N_PSEUDO = _pseudo.count

# Request in the window, linked by bank in order of age, or in a list (BANK then counts on over pseudo-channels).
_entry = Columns()
ARRIVAL = _entry.take()
BANK = _entry.take()
E_ROW = _entry.take()
SLOT = _entry.take()
E_SEQ = _entry.take()
WRITE = _entry.take()
LINK = _entry.take()  # next younger request of the bank, or next free line; -1 none
# What only a list has.
ADDRESS = _entry.take()  # in bytes
FIRST = _entry.take()  # line of the first request that joined it, + 1
CLASSED = _entry.take()  # whether it has been counted as hit, miss or conflict
N_ENTRY = _entry.count

# Request that joined another.
_joined = Columns()
J_SLOT = _joined.take()
J_NEXT = _joined.take()  # next one that joined the same, + 1
N_JOINED = _joined.count

_channel = Columns()
IN_FIFO = _channel.take()
FIFO_HEAD = _channel.take()
IN_WINDOW = _channel.take()
NEXT_SEQ = _channel.take()
NEXT = _channel.take()  # clock of its next command, or before it; FAR while it has nothing to do
# What only those have that are stepped by the clock.
CLOCK = _channel.take()  # next clock to be done
ROW_BUS = _channel.take()  # from when the row command bus is free
TURN_OF = _channel.take()  # queue that had its turn
DRAIN = _channel.take()  # writes still to be served before reads
N_CHANNEL = _channel.count

# Lists of a channel stepped by the clock: reads and writes (by the code of a write), then requests with an open row
# (`active-buffer`), or the queues of the banks.
_list = Columns()
L_READ, L_WRITE = _list.block(2)
L_ACTIVE = L_BANK = _list.take()

# Request in the FIFO.
_waiting = Columns()
F_ARRIVAL = _waiting.take()
F_PSEUDO = _waiting.take()  # `frfcfs` only
F_BANK = _waiting.take()  # where stepped by the clock: over pseudo-channels
F_ROW = _waiting.take()
F_ADDRESS = _waiting.take()  # where stepped by the clock
F_SLOT = _waiting.take()
F_WRITE = _waiting.take()
N_FIFO = _waiting.count

# Slot, the unit of completion.
_slot = Columns()
LEFT = _slot.take()  # granules outstanding
END = _slot.take()  # end of the last data
N_SLOT = _slot.count

_log = Columns()
LOG_CLOCK = _log.take()
LOG_PSEUDO = _log.take()  # over all channels
LOG_COMMAND = _log.take()
LOG_BANK = _log.take()
LOG_ROW = _log.take()
N_LOG = _log.count


def command_log(m: I64) -> I64:
    """Return the commands issued so far, shape (n, N_LOG); -1 where one has no bank or row."""
    n = int(min(m[LOGGED], m[LOG]))
    return m[m[O_LOG] : m[O_LOG] + n * N_LOG].reshape(n, N_LOG)


@kernel
def to_dram(m: I64, core: int) -> int:
    """Return the DRAM clock at or after a cycle of the accelerator."""
    return -((-core * m[NUM]) // m[DEN])


@kernel
def to_core(m: I64, clock: int) -> int:
    """Return the accelerator cycle at or after a DRAM clock."""
    return -((-clock * m[DEN]) // m[NUM])
