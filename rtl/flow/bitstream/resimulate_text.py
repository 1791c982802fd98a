"""Verilog of the test bench that plays bytes to a netlist."""

BENCH = """\
module bench(input clk);
  reg [39:0] sent [0:PLACES-1];  // bytes that must have come before, and the byte
  integer cycle = 0, silent = 0, index = 0, came = 0, sents, awaited;
  initial begin
    $readmemh("sent.hex", sent);
    if (!$value$plusargs("sent=%d", sents)) sents = 0;
    if (!$value$plusargs("awaited=%d", awaited)) awaited = 0;
  end
  wire [39:0] next = sent[index];
  wire goes = cycle > RESET && index < sents && came >= next[39:8];
  wire takes, comes;
  wire [7:0] byte_out;
  always @(posedge clk) begin
    cycle <= cycle + 1;
    silent <= comes || takes || cycle <= RESET ? 0 : silent + 1;
    if (takes) index <= index + 1;
    if (comes) begin
      $display("BYTE %02x", byte_out);
      came <= came + 1;
    end
    if ((came == awaited && index == sents) || silent == SILENCE) begin
      $display("END %0d", cycle);
      $finish;
    end
  end
PORT
endmodule
"""
"""What both kinds of port share; `goes`: a byte waits to be sent, `takes`: it is taken, `comes`: one has come."""

PARALLEL = """\
  reg in_req = 0, out_ack = 0;
  reg [7:0] in_data = 0;
  reg [1:0] step = 0;
  wire in_ack, out_req;
  wire [7:0] out_data;
  top top(.clk(clk), .in_data(in_data), .in_req(in_req), .in_ack(in_ack), .out_data(out_data), .out_req(out_req),
          .out_ack(out_ack));
  assign takes = step == 0 && goes && !in_ack;
  assign comes = out_req && !out_ack;
  assign byte_out = out_data;
  always @(posedge clk) begin
    out_ack <= out_req;
    case (step)
      0: if (takes) begin
        in_data <= next[7:0];
        step <= 1;
      end
      1: begin
        in_req <= 1;
        if (in_ack) begin
          in_req <= 0;
          step <= 2;
        end
      end
      default: if (!in_ack) step <= 0;
    endcase
  end"""

UART = """\
  reg rx = 1;
  reg [9:0] shifted = 10'h3ff;
  reg [7:0] byte_in = 0;
  integer out_count = 0, out_bit = 10, in_count = 0, in_bit = 0;
  wire tx;
  top top(.clk(clk), .rx(rx), .tx(tx));
  assign takes = out_bit == 10 && goes;
  assign comes = in_bit == 10 && tx;
  assign byte_out = byte_in;
  always @(posedge clk) begin
    if (takes) begin
      shifted <= {1'b1, next[7:0], 1'b0};
      out_bit <= 0;
      out_count <= 0;
    end else if (out_bit < 10) begin
      rx <= shifted[0];
      out_count <= out_count + 1;
      if (out_count == DIVISOR - 1) begin
        out_count <= 0;
        out_bit <= out_bit + 1;
        shifted <= {1'b1, shifted[9:1]};
      end
    end
    if (in_bit == 0) begin
      in_count <= 0;
      if (!tx) in_bit <= 1;
    end else if (in_bit == 10) begin
      if (tx) in_bit <= 0;
    end else begin
      in_count <= in_count + 1;
      if (in_count == DIVISOR + DIVISOR / 2 - 1) begin
        if (in_bit < 9) byte_in <= {tx, byte_in[7:1]};  // the ninth is the stop bit
        in_count <= DIVISOR / 2;
        in_bit <= in_bit + 1;
      end
    end
  end"""
