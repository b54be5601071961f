package org.spikellm.api;

import java.lang.foreign.Arena;
import java.util.stream.IntStream;

/**
 * Codes in tiles: 16 rows and as many columns as fill a line. A line has 16 lanes of 32 bits, one a row, of which byte k has column
 * k of each of the line's units of four columns:
 *
 * <pre>
 *   2 bits   64 bytes, 16 columns: unit j at bits 2j..2j + 1 of a byte     4 bits   64 bytes, 8 columns: low nibbles, high ones
 *   3 bits   192 bytes, 32 columns: units 0..3 and 4..7 as of 2 bits,      8 bits   64 bytes, 4 columns
 *            then bit 2 of unit j at bit j of a byte
 * </pre>
 *
 * Rows and columns that are over are codes of 0.
 */
final class CodeTiles {

  private static final int ROWS = 16;
  private static final int LANE = Integer.BYTES;
  private static final int VECTOR = ROWS * LANE;

  private CodeTiles() {}

  /** Whether codes can lie in tiles. */
  static boolean suit(int bits, int timeSteps, int[] groupEnds) {
    return (bits == 2 || bits == 3 || bits == 4 || bits == 8) && timeSteps == 0
        && IntStream.range(0, Math.max(0, groupEnds.length - 1)).allMatch(g -> groupEnds[g] % 4 == 0);
  }

  /** Sixteens of rows. */
  static int count(int rows) {
    return Math.ceilDiv(rows, ROWS);
  }

  /** Bytes of sixteen rows. */
  static int bytes(int columns, int bits) {
    return Math.toIntExact((long) Math.ceilDiv(columns, columnsOfLine(bits)) * bytesOfLine(bits));
  }

  private static int columnsOfLine(int bits) {
    return bits == 3 ? 32 : 32 / bits;
  }

  private static int bytesOfLine(int bits) {
    return bits == 3 ? 3 * VECTOR : VECTOR;
  }

  static int code(Tensor tiles, int bits, int row, int column) {
    int line = column / columnsOfLine(bits);
    int unit = column % columnsOfLine(bits) / 4;
    long at = row / ROWS * tiles.rowBytes() + (long) line * bytesOfLine(bits) + row % ROWS * LANE + column % 4;
    if (bits == 3) {
      int low = tiles.segment().get(Tensor.BYTE, at + unit / 4 * VECTOR) >> unit % 4 * 2 & 3;
      return low | (tiles.segment().get(Tensor.BYTE, at + 2 * VECTOR) >> unit & 1) << 2;
    }
    return tiles.segment().get(Tensor.BYTE, at) >> unit * bits & (1 << bits) - 1;
  }

  static Tensor toTiles(CodeClass source) {
    Tensor tiles = Tensor.allocate(DType.U8, count(source.rows()), bytes(source.columns(), source.bits()));
    convert(source, tiles, source.codes(), true);
    return tiles;
  }

  static Tensor toRows(CodeClass source, Arena arena) {
    Tensor rows = Tensor.allocate(arena, DType.U8, source.rows(), CodeClass.packedBytes(source.columns(), source.bits()));
    convert(source, source.codes(), rows, false);
    return rows;
  }

  private static void convert(CodeClass source, Tensor tiles, Tensor rows, boolean toTiles) {
    int bits = source.bits();
    int lines = Math.ceilDiv(source.columns(), columnsOfLine(bits));
    IntStream.range(0, source.rows()).parallel().forEach(row -> {
      int[] string = new int[lines * columnsOfLine(bits) * bits / Integer.SIZE + 1];
      long lane = row / ROWS * tiles.rowBytes() + row % ROWS * LANE;
      if (toTiles) {
        read(rows, row, string);
      }
      for (int line = 0; line < lines; line++, lane += bytesOfLine(bits)) {
        if (toTiles && bits == 3) {
          putThrees(string, 3 * line, tiles, lane);
        } else if (toTiles) {
          tiles.segment().set(Tensor.INT, lane, lane(bits, string[line]));
        } else if (bits == 3) {
          getThrees(tiles, lane, string, 3 * line);
        } else {
          string[line] = string(bits, tiles.segment().get(Tensor.INT, lane));
        }
      }
      if (!toTiles) {
        write(string, rows, row);
      }
    });
  }

  /** A row as 32-bit words. */
  private static void read(Tensor rows, int row, int[] words) {
    long at = row * rows.rowBytes();
    int bytes = rows.columns();
    for (int i = 0; i < bytes / LANE; i++) {
      words[i] = rows.segment().get(Tensor.INT, at + (long) i * LANE);
    }
    for (int b = bytes / LANE * LANE; b < bytes; b++) {
      words[b / LANE] |= (rows.segment().get(Tensor.BYTE, at + b) & 0xff) << b % LANE * Byte.SIZE;
    }
  }

  private static void write(int[] words, Tensor rows, int row) {
    long at = row * rows.rowBytes();
    int bytes = rows.columns();
    for (int i = 0; i < bytes / LANE; i++) {
      rows.segment().set(Tensor.INT, at + (long) i * LANE, words[i]);
    }
    for (int b = bytes / LANE * LANE; b < bytes; b++) {
      rows.segment().set(Tensor.BYTE, at + b, (byte) (words[b / LANE] >>> b % LANE * Byte.SIZE));
    }
  }

  /** The lane of 32 bits of a row's string: code i goes to byte i % 4. */
  private static int lane(int bits, int string) {
    return switch (bits) {
      case 2 -> swap(swap(string, 0x0000f0f0, 12), 0x00cc00cc, 6);
      case 4 -> swap(swap(string, 0x0000ff00, 8), 0x00f000f0, 4);
      default -> string;
    };
  }

  /** The other way round. */
  private static int string(int bits, int lane) {
    return switch (bits) {
      case 2 -> swap(swap(lane, 0x00cc00cc, 6), 0x0000f0f0, 12);
      case 4 -> swap(swap(lane, 0x00f000f0, 4), 0x0000ff00, 8);
      default -> lane;
    };
  }

  /** Exchanges the bits of the mask with those so many places above them. */
  private static int swap(int x, int mask, int places) {
    int differ = (x ^ x >>> places) & mask;
    return x ^ differ ^ differ << places;
  }

  /** 32 codes of three words. */
  private static void putThrees(int[] string, int word, Tensor tiles, long lane) {
    int[] line = new int[3];
    for (int i = 0; i < Integer.SIZE; i++) {
      int unit = i / 4;
      int shift = i % 4 * Byte.SIZE;
      int bit = 3 * i;
      long two = Integer.toUnsignedLong(string[word + bit / 32]) | (long) string[word + bit / 32 + 1] << 32;
      int code = (int) (two >>> bit % 32) & 7;
      line[unit / 4] |= (code & 3) << shift + unit % 4 * 2;
      line[2] |= (code >> 2) << shift + unit;
    }
    for (int v = 0; v < 3; v++) {
      tiles.segment().set(Tensor.INT, lane + v * VECTOR, line[v]);
    }
  }

  private static void getThrees(Tensor tiles, long lane, int[] string, int word) {
    int high = tiles.segment().get(Tensor.INT, lane + 2 * VECTOR);
    for (int i = 0; i < Integer.SIZE; i++) {
      int unit = i / 4;
      int shift = i % 4 * Byte.SIZE;
      int low = tiles.segment().get(Tensor.INT, lane + unit / 4 * VECTOR) >>> shift + unit % 4 * 2 & 3;
      int code = low | (high >>> shift + unit & 1) << 2;
      for (int b = 0; b < 3; b++) {
        int bit = 3 * i + b;
        string[word + bit / 32] |= (code >> b & 1) << bit % 32;
      }
    }
  }
}
