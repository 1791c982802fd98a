// Models of ECP5 cells that Yosys ships as black boxes, for simulation. Only what this project's netlists use is
// modelled; a setting beyond that ends the simulation.

module DP16KD(
  input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
  input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
  input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
  input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
  parameter DATA_WIDTH_A = 18;
  parameter DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG";
  parameter REGMODE_B = "NOREG";
  parameter RESETMODE = "SYNC";
  parameter ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000";
  parameter CSDECODE_B = "0b000";
  parameter WRITEMODE_A = "NORMAL";
  parameter WRITEMODE_B = "NORMAL";
  parameter CLKAMUX = "CLKA";
  parameter CLKBMUX = "CLKB";
  parameter GSR = "ENABLED";
  parameter WID = 0;
  parameter [319:0] INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0, INITVAL_04 = 0, INITVAL_05 = 0, INITVAL_06 = 0, INITVAL_07 = 0;
  parameter [319:0] INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0, INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0;
  parameter [319:0] INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0, INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0;
  parameter [319:0] INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0, INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0;
  parameter [319:0] INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0, INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0;
  parameter [319:0] INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0, INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0;
  parameter [319:0] INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0, INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0;
  parameter [319:0] INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0, INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0;
  localparam [64*320-1:0] initial_bits = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
    INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
    INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
    INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
    INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
    INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
    INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
    INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
  };
  wire [17:0] dia = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [17:0] dib = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
  wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire selected_a = {CSA2, CSA1, CSA0} == 0;
  wire selected_b = {CSB2, CSB1, CSB0} == 0;
  wire cleared_a = RESETMODE == "ASYNC" && RSTA;
  wire cleared_b = RESETMODE == "ASYNC" && RSTB;
  wire reads_a = CEA && selected_a && (!WEA || WRITEMODE_A == "READBEFOREWRITE");
  wire reads_b = CEB && selected_b && (!WEB || WRITEMODE_B == "READBEFOREWRITE");

  // 1,024 words of 18 bits. With 36 bits, two of them are one word; with fewer than 18, each holds several, and below 9
  // bits the ninth one of a byte is not used.
  reg [17:0] memory [0:1023];
  reg [17:0] read_a, out_a;
  reg [35:0] read_b, out_b;
  integer i;
  initial begin
    if ((RESETMODE != "SYNC" && RESETMODE != "ASYNC") || CSDECODE_A != "0b000" || CSDECODE_B != "0b000" ||
        (WRITEMODE_A != "NORMAL" && WRITEMODE_A != "READBEFOREWRITE") || CLKAMUX != "CLKA" ||
        (WRITEMODE_B != "NORMAL" && WRITEMODE_B != "READBEFOREWRITE") || CLKBMUX != "CLKB") begin
      $display("FAIL: a setting of DP16KD %m is not modelled");
      $finish;
    end
    for (i = 0; i < 1024; i = i + 1)
      memory[i] = initial_bits[i / 16 * 320 + i % 16 * 20 +: 18];
    read_a = 0;
    out_a = 0;
    read_b = 0;
    out_b = 0;
  end

  function [17:0] part(input [17:0] word, input integer width, input [3:0] place);
    case (width)
      9: part = word[9 * place[3] +: 9];
      4: part = word[9 * place[3] + 4 * place[2] +: 4];
      2: part = word[9 * place[3] + 2 * place[2:1] +: 2];
      1: part = word[9 * place[3] + place[2:0] +: 1];
      default: part = word;
    endcase
  endfunction

  function [17:0] put(input [17:0] word, input [17:0] data, input integer width, input [3:0] place);
    begin
      put = word;
      case (width)
        9: put[9 * place[3] +: 9] = data[8:0];
        4: put[9 * place[3] + 4 * place[2] +: 4] = data[3:0];
        2: put[9 * place[3] + 2 * place[2:1] +: 2] = data[1:0];
        1: put[9 * place[3] + place[2:0]] = data[0];
        default: begin  // the lowest address pins enable the bytes
          if (place[0]) put[8:0] = data[8:0];
          if (place[1]) put[17:9] = data[17:9];
        end
      endcase
    end
  endfunction

  always @(posedge CLKA) begin
    if (CEA && WEA && selected_a) begin
      if (DATA_WIDTH_A == 36) begin
        memory[{ada[13:5], 1'b0}] <= put(memory[{ada[13:5], 1'b0}], dia, 18, {2'b0, ada[1:0]});
        memory[{ada[13:5], 1'b1}] <= put(memory[{ada[13:5], 1'b1}], dib, 18, {2'b0, ada[3:2]});
      end else
        memory[ada[13:4]] <= put(memory[ada[13:4]], dia, DATA_WIDTH_A, ada[3:0]);
    end
  end

  always @(posedge CLKA or posedge cleared_a) begin
    if (cleared_a || RSTA) read_a <= 0;
    else if (reads_a) read_a <= part(memory[ada[13:4]], DATA_WIDTH_A, ada[3:0]);
    if (cleared_a || RSTA) out_a <= 0;
    else if (OCEA) out_a <= read_a;
  end

  always @(posedge CLKB) begin
    if (CEB && WEB && selected_b && DATA_WIDTH_A != 36)
      memory[adb[13:4]] <= put(memory[adb[13:4]], dib, DATA_WIDTH_B, adb[3:0]);
  end

  always @(posedge CLKB or posedge cleared_b) begin
    if (cleared_b || RSTB) read_b <= 0;
    else if (reads_b) begin
      if (DATA_WIDTH_B == 36) read_b <= {memory[{adb[13:5], 1'b1}], memory[{adb[13:5], 1'b0}]};
      else read_b <= {18'b0, part(memory[adb[13:4]], DATA_WIDTH_B, adb[3:0])};
    end
    if (cleared_b || RSTB) out_b <= 0;
    else if (OCEB) out_b <= read_b;
  end

  wire [17:0] told_a = REGMODE_A == "OUTREG" ? out_a : read_a;
  wire [35:0] told_b = REGMODE_B == "OUTREG" ? out_b : read_b;
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = DATA_WIDTH_B == 36 ? told_b[17:0] : told_a;
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = DATA_WIDTH_B == 36 ? told_b[35:18] : told_b[17:0];
endmodule

module MULT18X18D(
  input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
  input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
  input C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
  input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  input CLK3, CLK2, CLK1, CLK0, CE3, CE2, CE1, CE0, RST3, RST2, RST1, RST0,
  output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
  output P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
  parameter REG_INPUTA_CLK = "NONE";
  parameter REG_INPUTB_CLK = "NONE";
  parameter REG_PIPELINE_CLK = "NONE";
  parameter REG_OUTPUT_CLK = "NONE";
  parameter RESETMODE = "SYNC";
  parameter GSR = "ENABLED";

  wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  reg [17:0] held_a, held_b;
  reg [35:0] out;
  initial begin
    if (RESETMODE != "SYNC" || REG_PIPELINE_CLK != "NONE") begin
      $display("FAIL: a setting of MULT18X18D %m is not modelled");
      $finish;
    end
    held_a = 0;
    held_b = 0;
    out = 0;
  end

  wire [17:0] factor_a = REG_INPUTA_CLK == "NONE" ? a : held_a;
  wire [17:0] factor_b = REG_INPUTB_CLK == "NONE" ? b : held_b;
  wire signed [18:0] wide_a = {SIGNEDA & factor_a[17], factor_a};
  wire signed [18:0] wide_b = {SIGNEDB & factor_b[17], factor_b};
  wire signed [37:0] product = wide_a * wide_b;
  always @(posedge CLK0)
    if (RST0) {held_a, held_b, out} <= 0;
    else if (CE0) {held_a, held_b, out} <= {a, b, product[35:0]};
  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = REG_OUTPUT_CLK == "NONE" ? product[35:0] : out;
endmodule
