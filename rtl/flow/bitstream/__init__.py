"""From a unit and a board to a bitstream: synthesis, place and route with several seeds, a clock that was met."""
