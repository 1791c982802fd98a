"""What a unit says of a command that it cannot obey. Hardware raises it, golden awaits it."""

from enum import IntEnum


class Status(IntEnum):
    """Why a command was not obeyed: the code of the `status` event."""

    NONE_OFFERED = 1
    """`n` is 0 where something must follow."""

    TOO_MANY = 2
    """`n` is above the maximum."""

    EMPTY_SET = 3
    """There is nothing alive to keep any of, or to add to."""

    ROW_BYTES = 4
    """The bytes of a vector are 0 or above `gather.max_row_bytes`."""

    GROW = 5
    """More would be alive than there may be."""

    UNKNOWN = 6
    """A field has a value that the unit does not know: an operation, a width."""
