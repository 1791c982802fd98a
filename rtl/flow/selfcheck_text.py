"""Pieces of Verilog of which `selfcheck` puts a test bench together. ``{{`` stands for a brace."""

FRAME = """\
// Self-checking test bench of {name}. Verilog-2005; it reads the .hex files beside it, and needs nothing else.
//
// First every vector runs alone, from reset and without pauses: beats in their order, their payloads and the cycles of
// the law must be right. Then all vectors run back to back, with pauses on both sides of every stream. The last line
// begins with PASS or FAIL; after FAIL the simulator's exit code is not 0.

`timescale 1ns / 1ps

// What gives an exit code: Icarus Verilog would wait for its user at $stop, $finish alone says 0.
`ifdef __ICARUS__
`define FAILED $finish_and_return(1);
`else
`define FAILED begin $stop; $finish; end
`endif

module {name}_bench;
  localparam VECTORS = {vectors};
  localparam COLUMNS = {columns};
  localparam RESET_CYCLES = {resets};
  localparam TAIL = {tail};
  localparam LIMIT = {limit};

  reg clk = 1'b0;
  always #5 clk = !clk;

  reg        rst = 1'b1;
  reg        running = 1'b0;  // reset is released
  reg        alone = 1'b1;    // vectors run one by one
  reg [31:0] noise = 32'h2545f491;
  integer    vector = 0;
  integer    cycle = 0;
  integer    idle = 0;
  integer    errors = 0;
  integer    spent = 0;
  integer    latency = 0;
  integer    place;
  integer    chunk;
  reg [31:0] total;

  // One line a vector: where its beats end in each stream, and its cycles.
  reg [31:0] numbers [0:VECTORS * COLUMNS - 1];

  function integer number(input integer of_vector, input integer column);
    number = of_vector < 0 ? 0 : numbers[of_vector * COLUMNS + column];
  endfunction

  function [31:0] stirred(input [31:0] word);
    begin
      stirred = word ^ (word << 13);
      stirred = stirred ^ (stirred >> 17);
      stirred = stirred ^ (stirred << 5);
    end
  endfunction
{declared}
  {name} unit (
{pins}
  );

  wire complete = {complete};

  initial begin
    $readmemh("{table}.hex", numbers);
    total = 0;
    for (place = 0; place < VECTORS * COLUMNS; place = place + 1)
      total = {{total[30:0], total[31]}} ^ numbers[place];
    if (total !== 32'h{sum}) begin
      errors = errors + 1;
      $display("{table}.hex is not as it was written");
    end{checked}
  end

  always @(posedge clk) begin
    noise <= stirred(noise);
    cycle <= cycle + 1;
    if (!running) begin
      if (cycle == RESET_CYCLES - 1) begin
        rst <= 1'b0;
        running <= 1'b1;
        cycle <= 0;
        idle <= 0;{started}
      end
    end else begin{stepped}
      if (complete) idle <= idle + 1;
      if (idle == TAIL || cycle == LIMIT) begin
        if (!complete) begin
          errors = errors + 1;
          $display("%0s %0d: beats are missing after %0d cycles", alone ? "vector" : "vectors up to", vector, cycle);
        end else if (alone) begin{laws}
        end
        rst <= 1'b1;
        running <= 1'b0;
        cycle <= 0;
        spent = spent + cycle;
        if (!alone) begin
          if (errors == 0) begin
            $display("PASS: %0d vectors alone and back to back, %0d beats out, %0d cycles", VECTORS, {beats}, spent);
            $finish;
          end else begin
            $display("FAIL: %0d errors", errors);
            `FAILED
          end
        end
        vector <= vector == VECTORS - 1 ? vector : vector + 1;
        alone <= vector != VECTORS - 1;
      end
      if (errors > 20) begin
        $display("FAIL: %0d errors, given up", errors);
        `FAILED
      end
    end
  end
endmodule
"""

_MEMORY = """
  reg [{top}:0] {stream}_beat [0:{words}];
  reg [{span}:0] {stream}_probe;
  integer    {stream}_next = 0;
  integer    {stream}_stop = 0;
"""

_CHECKED = """
    $readmemh("{stream}.hex", {stream}_beat);
    total = 0;
    for (place = 0; place < {held}; place = place + 1) begin
      {stream}_probe = {stream}_beat[place];
      total = {{total[30:0], total[31]}} ^ {stream}_probe[31:0];
      for (chunk = 1; chunk < {chunks}; chunk = chunk + 1) begin
        {stream}_probe = {stream}_probe >> 32;
        if ({stream}_probe != 0) total = {{total[30:0], total[31]}} ^ {stream}_probe[31:0];
      end
    end
    if (total !== 32'h{sum}) begin
      errors = errors + 1;
      $display("{stream}.hex is not as it was written");
    end"""

_STARTED = """
        {stream}_next <= alone ? number(vector - 1, {column}) : 0;
        {stream}_stop <= alone ? number(vector, {column}) : number(VECTORS - 1, {column});"""

_COMPARED = """
        if ({stream}_next >= {stream}_stop) begin
          errors = errors + 1;
          $display("vector %0d, cycle %0d: {stream} gives a beat too many: %h", vector, cycle, {stream}_word);
        end else if ((({stream}_word ^ EXPECTED) & MASK) !== 0) begin
          errors = errors + 1;
          $display("vector %0d, cycle %0d: beat %0d of {stream} is %h, expected %h where %h is set", vector, cycle,
            {stream}_next, {stream}_word, EXPECTED, MASK);
        end
        {stream}_next <= {stream}_next + 1;
        {stream}_at <= cycle;{keeps}
      end""".replace("EXPECTED", "{stream}_beat[2 * {stream}_next]").replace(
    "MASK", "{stream}_beat[2 * {stream}_next + 1]"
)

SOURCE = {
    "declared": "\n  // {stream}, into the unit. A payload that is not on offer is unknown."
    + _MEMORY
    + """\
  integer    {stream}_pause = 0;
  integer    {stream}_from = 0;
{memory}  wire {stream}_ready;
  wire {stream}_valid = running && {stream}_next < {stream}_stop && {stream}_pause == 0{answers};
  wire [{top}:0] {stream}_word = {stream}_valid ? {stream}_beat[{stream}_next] : {{{bits}{{1'bx}}}};
""",
    "checked": _CHECKED,
    "started": _STARTED
    + """
        {stream}_pause <= 0;{latency}""",
    "stepped": """
      if ({stream}_pause != 0) {stream}_pause <= {stream}_pause - 1;
      if ({stream}_ready === 1'bx) begin
        errors = errors + 1;
        $display("vector %0d, cycle %0d: {stream}_ready is unknown", vector, cycle);
      end
      if ({stream}_valid && {stream}_ready) begin
        if ({stream}_next == number(vector - 1, {column})) {stream}_from <= cycle;
        {stream}_next <= {stream}_next + 1;{keeps}
        if (!alone && noise[{low} +: 2] == 0) {stream}_pause <= noise[{low} + 2 +: 4];
      end""",
}
"""A stream into the unit."""

SINK = {
    "declared": "\n  // {stream}, out of the unit: payload and mask of each beat lie one behind the other."
    + _MEMORY
    + """\
  integer    {stream}_pause = 0;
  integer    {stream}_at = 0;
  reg        {stream}_waits = 1'b0;
  reg [{top}:0] {stream}_offer;
{memory}  wire [{top}:0] {stream}_word;
  wire {stream}_valid;
  wire {stream}_ready = running && {stream}_pause == 0;
""",
    "checked": _CHECKED,
    "started": _STARTED
    + """
        {stream}_pause <= 0;
        {stream}_waits <= 1'b0;""",
    "stepped": """
      if ({stream}_pause != 0) {stream}_pause <= {stream}_pause - 1;
      else if (!alone && noise[{low} +: 3] == 0) {stream}_pause <= noise[{low} + 3 +: 5];
      if ({stream}_valid === 1'bx) begin
        errors = errors + 1;
        $display("vector %0d, cycle %0d: {stream}_valid is unknown", vector, cycle);
      end
      if ({stream}_waits && ({stream}_valid !== 1'b1 || {stream}_word !== {stream}_offer)) begin
        errors = errors + 1;
        $display("vector %0d, cycle %0d: {stream} takes back or changes a beat on offer", vector, cycle);
      end
      {stream}_waits <= {stream}_valid && !{stream}_ready;
      {stream}_offer <= {stream}_word;
      if ({stream}_valid && {stream}_ready) begin"""
    + _COMPARED,
}
"""A stream out of the unit."""

EVENT = {
    "declared": "\n  // {stream}, an event: payloads, each with its mask behind it."
    + _MEMORY
    + """\
  integer    {stream}_at = 0;
  wire [{top}:0] {stream}_word;
  wire {stream}_valid;
""",
    "checked": _CHECKED,
    "started": _STARTED,
    "stepped": """
      if ({stream}_valid === 1'bx) begin
        errors = errors + 1;
        $display("vector %0d, cycle %0d: {stream}_valid is unknown", vector, cycle);
      end
      if ({stream}_valid) begin"""
    + _COMPARED,
}
"""An event of the unit."""
