"""What the released design remembers: one flat array, and the names of its places.

Names of registers and queues follow the list of blocks in docs/explanation/released-rtl.md. An empty register holds -1.

The state is one array, because numba counts references to every array that a call passes. It begins with the
configuration and the registers; the tables follow, each from the place that O_... holds, in lines of N_... columns, and
the FIFOs, each from the place that F_... holds. ..._MASK: the places of a ring, a power of two, less one.
`released_reset` makes the array.
"""

from tokensieve.sim.kernels.columns import I64, Columns

FUSED = 2
"""Heads that may share a fetch; so many write ports and banks has a buffer (`maxFusedMatrix` of the release)."""

_state = Columns()
NOW = _state.take()
PROGRESS = _state.take()  # last cycle in which something moved
DONE = _state.take()  # rows answered
NEXT_ROW = _state.take()  # next row of the request list
READS = _state.take()  # addresses handed to the ports
# Configuration.
ROWS = _state.take()
PORTS = _state.take()
CHANNELS = _state.take()
LANES = _state.take()  # keys, or values, of a buffer line
LINES = _state.take()  # of a buffer
LINE_MASK = _state.take()
GROUPS = _state.take()  # groups of lanes that the ports make
INDEXES = _state.take()  # in the index memory
RAM_READY, MANAGER_READY = _state.block(2)  # cycle from which the buffers' memories are initialised, and the allocators
ADDRESSES, FLIGHT, RESPONSES = _state.block(3)  # depths of a port's FIFOs: addresses, requests in flight, responses
HANDLES = _state.take()  # of an allocator
REPLAYS = _state.take()  # reads that a buffer's replay queue holds
REPLAY_MASK = _state.take()
PENDING = _state.take()  # most requests of a channel on their way
ID_MASK = _state.take()
BEAT_MASK = _state.take()
ELEMENT_PORTS = _state.take()  # ports whose data make an element of the realigner
PUSHED_ELEMENTS = _state.take()  # elements of a beat
ELEMENTS = _state.take()  # elements that the realigner holds
PRODUCT_TREE, MAXIMUM_TREE = _state.block(2)  # registers of the tree of sums, and of that of maxima
VALUE_STAGES = _state.take()  # registers from the values to the response
LSB_BITS = _state.take()
# Where the tables begin, and the FIFOs.
O_ROW = _state.take()
O_INDEX = _state.take()  # index memory
O_KEYS, O_VALUES = _state.block(2)  # the two buffers, and the allocators of their lines
O_KEY_LINES, O_VALUE_LINES = _state.block(2)
O_REQUEST = _state.take()
O_PORT = _state.take()
O_BEAT = _state.take()
O_ADDRESS = _state.take()
O_CHANNEL = _state.take()
O_ID = _state.take()  # of each channel, ports in the order in which they asked
O_READY = _state.take()  # of each channel, when its answers are complete
O_ELEMENT = _state.take()  # elements of the realigner: final + 2 x padding
O_PRODUCT, O_MAXIMUM = _state.block(2)  # registers of the trees
F_HEADS = _state.take()  # heads from admission to the decision
F_SCORES = _state.take()  # lines of scores that wait for their maximum
F_HELD = _state.take()  # lines of heads that wait for second passes
F_SELECT = _state.take()  # lines in front of the dummy top-k
F_WEIGHTS = _state.take()  # kept lines that wait for their values
F_CONTEXT = _state.take()  # fetches on their way: elements of two lines x 2 + whether they are values
# Registers of the key side, from the test bench to the decision.
ACCEPTED = _state.take()
# Heads that go round again: in front of admission, in a place beside it, and come in this cycle.
SECOND, SECOND_SKID, SECOND_NEW = _state.block(3)
ADMIT_LOCK = _state.take()  # who enters until it is done: 0 a second pass, 1 a new head
TO_HEADS, TO_DISPATCH = _state.block(2)  # whether the FIFO of heads has taken the head that enters, and the dispatcher
DISPATCHED = _state.take()  # head that is fetched and multiplied
_link = Columns()
LINK_WRITER = _link.take()
LINK_FETCHER = _link.take()
LINK_READER = _link.take()
LINK_MULTIPLIER = _link.take()
N_LINK = _link.count
LINK = _state.take(N_LINK)  # whether each of these has taken the dispatched head
WRITER_LINK = _state.take(FUSED)  # whether each write port has
KEY_LINE = _state.take()  # line of indices to be read next
KEY_REQUEST, KEY_FETCH = _state.block(2)  # request on its way to the fetcher, and in front of it
PRODUCT = _state.take()  # line in front of the trees
IN_TREES = _state.take()  # lines in and in front of them
MID_HEAD = _state.take()  # whether the multiplier is within a head
MAXIMUM = _state.take()  # whether the maximum of the oldest scores is known
DECIDED = _state.take()
REPORTED, PASSED_ON = _state.block(2)  # whether `report` and `keep_order` are done with the decided line
HELD_LOCK = _state.take()  # who passes until its head is over: 0 a head that waited, 1 a second pass
SECONDS_DUE, SECONDS_DONE = _state.block(2)  # second passes since the last head that was put aside, asked for and made
BUFFERED = _state.take()  # four registers on the way of a line to top-k
REBATCHED = _state.take()
PART_NEXT = _state.take()  # place of the next head in its batch of values
RELOAD_1, RELOAD_2 = _state.block(2)
TRIMMED = _state.take()  # lines that the head in the last of them has sent on
# Registers of the value side, from top-k to the multiplier.
IN_SELECT = _state.take()  # heads in the dummy top-k
WAITED = _state.take()  # cycles that the oldest line has waited there
SELECT_LINE = _state.take()  # its place in its head
SELECT_LOCK = _state.take()  # who passes until its head is over: 0 top-k, 1 the bypass
KEPT = _state.take()
V_LINK = _state.take(N_LINK)  # whether writer, ... have taken the kept line
V_WRITER_LINK = _state.take(FUSED)
GATHER_FULL = _state.take()  # whether the group of kept lines that is fetched next is complete
GATHERED = _state.take()  # its lines so far
GATHER_LINE = _state.take()  # place of the next line in its head
GATHER_REQUEST = _state.take()  # its request
VALUE_FETCH = _state.take()  # request in front of the fetcher
# Registers of the fetcher.
REQUESTS_MADE = _state.take(2)  # of keys, of values
FETCH_LOCK = _state.take()  # who is fetched until its head is over: 0 keys, 1 values
FETCH_LAST = _state.take()
PIECE = _state.take()  # next beat of the request
SPLIT_1, SPLIT_1_PIECE = _state.block(2)  # request and beat, two registers
SPLIT_2, SPLIT_2_PIECE = _state.block(2)
FIRST_BEAT = _state.take()  # whether the next beat begins a fetch
PUSHED, POPPED = _state.block(2)  # beats handed to the ports, and whose data were taken from them
RESULT = _state.take()  # beat of data in front of the realigner
IN_REALIGN = _state.take()  # elements held
REALIGN_HEAD, REALIGN_TAIL = _state.block(2)  # places of the oldest and of the next one
REALIGNED, CONVERTED = _state.block(2)  # lines on their way to a buffer: value x 2 + final
DELIVERED = _state.take(FUSED)  # whether each write port has taken the converted line
# Allocation of both sides: number, first line and handle of the last batch.
KEY_BATCH, KEY_START, KEY_HANDLE = _state.block(3)
VALUE_BATCH, VALUE_START, VALUE_HANDLE = _state.block(3)
HEADER = _state.count

# Row of the request list; the first N_GIVEN columns are given.
_row = Columns()
KEYS, VALUES = _row.block(2)
KEY_BITS, VALUE_BITS = _row.block(2)
SECOND_PASS = _row.take()
LATENCY = _row.take()  # of top-k
LAST = _row.take()  # whether it is the last head of its batch
KEY_BASE, LSB_BASE, VALUE_BASE = _row.block(3)
N_GIVEN = _row.count
ACCEPT, RESPONSE = _row.block(2)  # cycles; -1 not yet
PART = _row.take()  # place in a batch of fused heads
BATCH, HANDLE, START = _row.block(3)  # number, handle and first line of the batch
# The same after the batches are formed anew for the values.
V_PART, V_LAST = _row.block(2)
V_BATCH, V_HANDLE, V_START = _row.block(3)
N_ROW = _row.count

# A line of a head on its way: head x 4 + FIRST + FINAL; heads of the key side are row x 2 + second pass.
FINAL, FIRST = 1, 2

# FIFO with a register behind its memory. Every ring has a power of two of places.
_fifo = Columns()
F_W, F_R = _fifo.block(2)  # entries written, and read
F_VALID, F_TAKEN = _fifo.block(2)  # whether the register is full, and whether it was read this cycle
F_DEPTH = _fifo.take()
F_DATA, F_MASK = _fifo.block(2)  # where the entries begin, and the mask of a place
N_FIFO = _fifo.count

# Write port of a buffer: lines still to come of the head that is written, then the way to the banks.
_port_in = Columns()
W_LINES = _port_in.take()  # of the head; 0 none
W_FROM, W_STEP = _port_in.block(2)  # where its first line goes, and how far the next ones are apart
W_TAG = _port_in.take()
W_OFFSET, W_COUNT = _port_in.block(2)  # of the next line, and how many there were
W_DATA = _port_in.take()  # fetched line that waits: whether it is the last one
W_SKID, W_SKID_TAG = _port_in.block(2)
W_PIPE, W_PIPE_TAG = _port_in.block(2)
N_W_PORT = _port_in.count

# Bank of a buffer, as the write ports see it.
_bank = Columns()
K_LINE, K_TAG, K_PORT = _bank.block(3)  # line in front of it, its tag, and the port that it came from
K_REPLY = _bank.take()  # port that has an answer
K_LAST, K_LOCKED = _bank.block(2)  # port that was chosen last, and whether that still holds
K_STORE, K_STORE_TAG = _bank.block(2)  # line that is stored at the end of the cycle
N_W_BANK = _bank.count

# Read in the replay queue.
_replay = Columns()
REPLAY_LINE = _replay.take()
REPLAY_TAG = _replay.take()
REPLAY_FINAL = _replay.take()
N_REPLAY = _replay.count

# Buffer (keys or values): first the reader. A read on its way is matched + 2 x final + 4 x its flag.
_buffer = Columns()
R_LINES, R_FROM, R_TAG, R_NEXT = _buffer.block(4)  # head that is read: lines (0 none), first line, tag, next line
G_LINE, G_TAG, G_FINAL = _buffer.block(3)  # its next line, on the way to the replay queue
COMMIT, ISSUE, TAIL = _buffer.block(3)  # the replay queue: oldest read without a match, next one to be issued, end
BLOCKED = _buffer.take()  # whether its only read came in the last cycle: it is issued one later
ISSUE_FLAG, RETURN_FLAG = _buffer.block(2)  # change when the reader begins anew: reads with another flag are dropped
P_LINE, P_TAG, P_FINAL, P_FLAG = _buffer.block(4)  # next speculative read
B_1 = _buffer.take(FUSED)  # two registers behind each bank, and the one that both share
B_2 = _buffer.take(FUSED)
B_3 = _buffer.take()
B_LOCK = _buffer.take()  # bank whose read was chosen and could not move on
READ = _buffer.take()  # matched line for the multiplier: whether it is the last one
W_PORT = _buffer.take(FUSED * N_W_PORT)
W_BANK = _buffer.take(FUSED * N_W_BANK)
REPLAY = _buffer.count  # the replay queue, and then the tag of each line

# Allocator of lines.
_allocator = Columns()
L_HANDLES, L_LINES = _allocator.block(2)  # handles and lines in use
L_OLDEST, L_NEXT = _allocator.block(2)  # oldest and next handle
L_LINE = _allocator.take()  # next line
L_TABLE = _allocator.count  # the handles

_handle = Columns()
H_LINES = _handle.take()
H_FREE_AT = _handle.take()  # cycle from which its lines may be taken back
N_HANDLE = _handle.count

# Request for the rows of one line of indices.
REQUEST_RING = 8  # more than there are registers for requests of one side
_request = Columns()
T_ROWS = _request.take()
T_PIECES, T_BYTES = _request.block(2)  # of 32 bytes, and bytes, of a row
T_BASE = _request.take()
T_VALUE = _request.take()  # whether it fetches values
T_FINAL = _request.take()  # whether it is the last one of its head
T_ELEMENTS = _request.take()  # of two lines
T_INDEX = _request.count  # for each group of lanes the first index

# Port of the fetcher: FIFOs of addresses (which all ports fill together), of requests in flight and of responses
# (which they empty together). ..._W, ..._R: entries written and read; ..._VALID: whether the register behind is full.
_port = Columns()
A_R = _port.take()
A_VALID = _port.take()
A_TAKEN = _port.take()  # whether it was read this cycle
A_NEXT = _port.take()  # beat on its way to the requests in flight
A_REQUEST = _port.take()  # address on its way to its channel
Q_W, Q_R, Q_VALID = _port.block(3)
D_W, D_VALID = _port.block(2)
D_LOCK, D_FROM = _port.block(2)  # channel whose answer waits, and the one that answers in this cycle
N_PORT = _port.count

# Beat: one address for each port.
_beat = Columns()
E_COUNT = _beat.take()  # ports that have one; the others get padding
E_FINAL = _beat.take()
N_BEAT = _beat.count

_address = Columns()
X_CHANNEL = _address.take()
X_BANK = _address.take()  # over the pseudo-channels of the channel
X_ROW = _address.take()
X_BYTE = _address.take()
N_ADDRESS = _address.count

_channel = Columns()
C_RESPONSE, C_TAKEN = _channel.block(2)  # whether its response register is full, and taken
C_STALLED = _channel.take()  # request that the controller did not take yet: where its address is
C_PENDING = _channel.take()  # requests on their way
C_ID_W, C_ID_R = _channel.block(2)  # entries of O_ID and O_READY written and read
C_READY_W, C_READY_R = _channel.block(2)
C_LOCK = _channel.take()  # port whose request is on offer
N_CHANNEL = _channel.count
FIRED = -2  # of C_LOCK: a request went this cycle


def row_table(m: I64) -> I64:
    """Return the rows of the request list, shape ``(rows, N_ROW)``, as a view."""
    return m[m[O_ROW] : m[O_ROW] + m[ROWS] * N_ROW].reshape(-1, N_ROW)
