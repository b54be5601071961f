package org.spikellm.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.math.BigInteger;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class CodeClassTest {

  private static CodeClass allocate(int rows, int columns, int bits, int group) {
    int[] ends = CodeClass.groupEnds(columns, group);
    int groups = ends.length;
    return new CodeClass(columns, bits, 0, ends, Tensor.allocate(DType.U8, rows, CodeClass.packedBytes(columns, bits)),
        Tensor.allocate(DType.F32, rows, groups), Tensor.allocate(DType.I16, rows, groups));
  }

  @Test
  @DisplayName("codes of 1 to 8 bits are one string of bits a row, least significant first")
  void packing() {
    long seed = 4711;
    SplittableRandom random = new SplittableRandom(seed);
    for (int bits = 1; bits <= 8; bits++) {
      for (int columns : new int[] {1, 3, 7, 8, 9, 31, 65}) {
        String what = "seed " + seed + ", " + bits + " bits, " + columns + " columns";
        CodeClass codes = allocate(2, columns, bits, columns);
        BigInteger string = BigInteger.ZERO;
        int[] expected = new int[columns];
        for (int j = 0; j < columns; j++) {
          expected[j] = random.nextInt(1 << bits);
          codes.setCode(1, j, expected[j]);
          string = string.or(BigInteger.valueOf(expected[j]).shiftLeft(j * bits));
        }
        for (int j = 0; j < columns; j++) {
          assertEquals(expected[j], codes.code(1, j), what);
          assertEquals(0, codes.code(0, j), what);
        }
        for (int b = 0; b < codes.codes().columns(); b++) {
          assertEquals(string.shiftRight(8 * b).intValue() & 0xff, codes.codes().getInt(1, b), what + ", byte " + b);
        }
      }
    }
  }

  @Test
  @DisplayName("tiles hold the codes of rows where the format has them, and zeros beside them")
  void tiles() {
    long seed = 4712;
    SplittableRandom random = new SplittableRandom(seed);
    for (int bits : new int[] {2, 3, 4, 8}) {
      for (int columns : new int[] {1, 4, 7, 8, 9, 31, 64, 67, 129}) {
        for (int rows : new int[] {1, 16, 21}) {
          String what = "seed " + seed + ", " + bits + " bits [" + rows + ", " + columns + "]";
          CodeClass codes = allocate(rows, columns, bits, 8);
          for (int r = 0; r < rows; r++) {
            for (int j = 0; j < columns; j++) {
              codes.setCode(r, j, random.nextInt(1 << bits));
            }
          }
          CodeClass tiles = codes.inTiles();
          assertEquals(CodeClass.Layout.TILES, tiles.layout(), what);
          long ones = 0;
          for (int r = 0; r < rows; r++) {
            for (int j = 0; j < columns; j++) {
              int code = codes.code(r, j);
              ones += Integer.bitCount(code);
              assertEquals(code, tiles.code(r, j), what);
              assertEquals(code, described(tiles.codes(), bits, r, j), what);
            }
          }
          assertEquals(ones, ones(tiles.codes()), what + ": there is nothing else");
          assertEquals(-1, codes.codes().segment().mismatch(tiles.inRows().codes().segment()), what + ", and back");
        }
      }
    }
  }

  /** As docs/checkpoint-format.md says it, bit by bit. */
  private static int described(Tensor tiles, int bits, int row, int column) {
    int columnsOfLine = bits == 3 ? 32 : 32 / bits;
    int bytesOfLine = bits == 3 ? 192 : 64;
    int unit = column % columnsOfLine / 4;
    int at = column / columnsOfLine * bytesOfLine + row % 16 * 4 + column % 4;
    int code = 0;
    for (int b = 0; b < bits; b++) {
      int bit = bits != 3 ? unit * bits + b : b == 2 ? unit : unit % 4 * 2 + b;
      int plane = bits != 3 ? 0 : b == 2 ? 128 : unit / 4 * 64;
      code |= (tiles.getInt(row / 16, at + plane) >> bit & 1) << b;
    }
    return code;
  }

  private static long ones(Tensor bytes) {
    long ones = 0;
    for (int r = 0; r < bytes.rows(); r++) {
      for (int b = 0; b < bytes.columns(); b++) {
        ones += Integer.bitCount(bytes.getInt(r, b));
      }
    }
    return ones;
  }

  @Test
  @DisplayName("tiles are for whole units of levels, and for weights of which they take at most 1 % more room")
  void tilesRefused() {
    assertFalse(allocate(16, 30, 4, 10).suitsTiles(), "a group ends within a unit");
    assertFalse(allocate(16, 32, 6, 32).suitsTiles(), "6 bits");
    String message = assertThrows(IllegalArgumentException.class, () -> allocate(16, 32, 5, 32).inTiles()).getMessage();
    assertTrue(message.contains("found 5 bits"), message);
    for (int columns : new int[] {1600, 30}) {
      CodeClass codes = allocate(16, columns, 4, columns);
      QuantizedWeight weight = new QuantizedWeight(16, ChannelOrder.identity(columns), List.of(codes));
      QuantizedWeight tiles = weight.inTiles();
      assertEquals(columns == 1600 ? CodeClass.Layout.TILES : CodeClass.Layout.ROWS, tiles.classes().getFirst().layout());
      assertEquals(CodeClass.Layout.ROWS, tiles.inRows(Arena.ofAuto()).classes().getFirst().layout());
    }
  }

  @Test
  @DisplayName("the last group may be shorter, and one group may be larger than the row")
  void groups() {
    CodeClass codes = allocate(1, 33, 4, 16);
    assertEquals(3, codes.groups());
    assertEquals(32, codes.groupEnd(1));
    assertEquals(33, codes.groupEnd(2));
    assertEquals(1, allocate(1, 33, 4, Integer.MAX_VALUE).groups());
    assertEquals(33, allocate(1, 33, 4, Integer.MAX_VALUE).groupEnd(0));
    assertEquals(0, allocate(1, 0, 4, 16).groups());
  }

  @Test
  @DisplayName("tensors that do not fit are refused with what was expected and found")
  void refuses() {
    Tensor codes = Tensor.allocate(DType.U8, 2, 4);
    Tensor scales = Tensor.allocate(DType.F32, 2, 1);
    Tensor zeros = Tensor.allocate(DType.I16, 2, 1);
    String message = assertThrows(IllegalArgumentException.class,
        () -> new CodeClass(9, 4, 0, new int[] {9}, codes, scales, zeros)).getMessage();
    assertTrue(message.contains("expected U8 [2, 5], found U8 [2, 4]"), message);
    int[] whole = {8};
    for (int[] ends : new int[][] {{4, 8}, {4, 4, 8}, {7}, {9}, {}}) {
      assertThrows(IllegalArgumentException.class, () -> new CodeClass(8, 4, 0, ends, codes, scales, zeros));
    }
    assertThrows(IllegalArgumentException.class, () -> new CodeClass(8, 4, 0, whole, codes, zeros, zeros));
    assertThrows(IllegalArgumentException.class, () -> new CodeClass(8, 4, -1, whole, codes, scales, zeros));
    assertThrows(IllegalArgumentException.class, () -> new CodeClass(3, 9, 0, new int[] {3}, codes, scales, zeros));
  }

  @Test
  @DisplayName("spike trains have one zero point, the largest count, and groups of any widths")
  void trains() {
    Tensor codes = Tensor.allocate(DType.U8, 1, 2);
    Tensor scales = Tensor.of(1, 0.5f, 2, 1);
    Tensor zero = Tensor.allocate(DType.I16, 1, 1);
    int[] ends = {1, 4, 5};
    for (int steps : new int[] {0, 2}) {
      zero.setInt(0, 0, steps);
      String message = assertThrows(IllegalArgumentException.class, () -> new CodeClass(5, 2, 1, ends, codes, scales, zero)).getMessage();
      assertTrue(message.contains("expected a zero point of 1 to 1 in codes of 2 bits, found " + steps), message);
    }
    zero.setInt(0, 0, 1);
    CodeClass train = new CodeClass(5, 2, 1, ends, codes, scales, zero);
    train.setCode(0, 0, 2);
    train.setCode(0, 3, 1);
    assertArrayEquals(new float[] {0.5f, -2, -2, 0, -1}, new QuantizedWeight(1, ChannelOrder.identity(5), List.of(train)).dequantize().toFloats());
  }

  @Test
  @DisplayName("a weight is (code - zero) * scale, put back in the input's own order")
  void dequantize() {
    CodeClass plain = allocate(1, 2, 4, 2);
    CodeClass salient = allocate(1, 1, 8, 1);
    plain.setCode(0, 0, 3);
    plain.setCode(0, 1, 15);
    salient.setCode(0, 0, 200);
    plain.scales().setFloat(0, 0, 0.5f);
    plain.zeros().setInt(0, 0, 8);
    salient.scales().setFloat(0, 0, 2);
    salient.zeros().setInt(0, 0, -100);
    ChannelOrder order = ChannelOrder.of(new boolean[] {false, true, false});
    QuantizedWeight weight = new QuantizedWeight(1, order, List.of(plain, salient));
    assertArrayEquals(new float[] {-2.5f, 600, 3.5f}, weight.dequantize().toFloats());
    assertThrows(IllegalArgumentException.class, () -> new QuantizedWeight(1, order, List.of(plain)));
    assertThrows(IllegalArgumentException.class, () -> new QuantizedWeight(1, order, List.of(salient, plain)));
  }
}
