package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.spikellm.api.CodeClass;
import org.spikellm.api.Tensor;

/**
 * Makes tiles of a class's codes, where they lie in rows, and takes down the factors of their groups. In plain Java: it runs once, when a
 * model is loaded, and loops over numbers are compiled long before kernels of vectors are.
 */
final class TileReader {

  private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, Lanes.ORDER);

  private static final int TILE_ROWS = CodeLayout.TILE_ROWS;

  /** Lines that are read at once: what they fill stays in the first cache, and sums of codes fit 16 bits. */
  private static final int LINES = 48;

  private final CodeClass source;
  private final TiledCodes tiled;
  private final CodeLayout layout;
  /** A row's codes, and room to read past them. */
  private final byte[] row;
  /** A whole tile that is made, or some lines of one. */
  private final int[] lines;
  private final int[] sums;
  private final int[] rowSums = new int[TILE_ROWS];
  /** Of a tile, [rows][groups]. */
  private final float[] scales;
  private final int[] zeros;
  /** Of a tile's rows in one group. */
  private final float[] groupScales = new float[TILE_ROWS];
  private final int[] groupZeros = new int[TILE_ROWS];

  TileReader(CodeClass source, TiledCodes tiled) {
    this.source = source;
    this.tiled = tiled;
    layout = tiled.layout;
    row = tiled.inPlace ? null : new byte[source.codes().columns() + Long.BYTES];
    int ints = layout.lineBytes() / Integer.BYTES;
    lines = new int[(tiled.inPlace ? LINES : Math.max(LINES, tiled.lines())) * ints];
    sums = new int[LINES * ints];
    scales = new float[TILE_ROWS * tiled.groups];
    zeros = new int[TILE_ROWS * tiled.groups];
  }

  void read(int tile) {
    if (!tiled.inPlace) {
      make(tile);
    }
    int first = tile * TILE_ROWS;
    int rows = Math.min(TILE_ROWS, tiled.rows - first);
    Tensor ofRows = source.scales().rows(first, first + rows);
    new Tensor(ofRows.dtype(), 1, rows * tiled.groups, ofRows.segment()).readRow(0, scales);
    if (source.timeSteps() > 0) {
      Arrays.fill(zeros, source.zero(0, 0));
    } else {
      source.zeros().readInts(first, 0, zeros, rows * tiled.groups);
    }
    for (int g = 0; g < tiled.groups; g++) {
      sum(tile, g);
      factors(tile, rows, g);
    }
  }

  private void make(int tile) {
    Arrays.fill(lines, 0);
    int bits = source.bits();
    int fields = ((1 << bits) - 1) * 0x01010101;
    Tensor codes = source.codes();
    for (int r = 0; r < Math.min(TILE_ROWS, tiled.rows - tile * TILE_ROWS); r++) {
      MemorySegment.copy(codes.segment(), Tensor.BYTE, (tile * TILE_ROWS + r) * codes.rowBytes(), row, 0, codes.columns());
      int units = Lanes.ceilDiv(tiled.columns, 4);
      for (int u = 0; u < units; u++) {
        long bit = 4L * bits * u;
        int four = (int) ((long) LONGS.get(row, (int) (bit >>> 3)) >>> (bit & 7));   // of which only as many bits are taken as fields has
        int at = u / layout.units() * layout.lanes() * TILE_ROWS + r;
        layout.add(u % layout.units(), Integer.expand(four, fields), lines, at, TILE_ROWS);
      }
    }
    tiled.put(tile, lines);
  }

  /** Σ code of each row over a group. */
  private void sum(int tile, int group) {
    Arrays.fill(rowSums, 0);
    int perLine = layout.perLine();
    int start = tiled.groupStart(group);
    int end = tiled.groupEnd(group);
    int from = Math.min(Lanes.ceilDiv(start, perLine), end / perLine);
    int to = Math.max(from, end / perLine);
    columns(tile, start, Math.min(end, Math.max(start, from * perLine)));
    for (int line = from, count; line < to; line += count) {
      count = Math.min(LINES, to - line);
      tiled.copy(tile, line, count, lines);
      whole(count * layout.lanes() * TILE_ROWS);
    }
    columns(tile, Math.max(start, to * perLine), end);
  }

  /** Adds columns of one line, code by code. */
  private void columns(int tile, int from, int to) {
    if (from < to) {
      tiled.copy(tile, from / layout.perLine(), 1, lines);
      for (int r = 0; r < TILE_ROWS; r++) {
        for (int c = from; c < to; c++) {
          rowSums[r] += layout.code(lines, r, TILE_ROWS, c % layout.perLine());
        }
      }
    }
  }

  /** Adds whole lines. */
  private void whole(int count) {
    switch (layout.bits()) {
      case 2 -> sumTwos(lines, sums, count);
      case 3 -> sumThrees(lines, sums, count);
      case 4 -> sumFours(lines, sums, count);
      default -> sumBytes(lines, sums, count);
    }
    for (int r = 0; r < TILE_ROWS; r++) {
      int both = 0;
      for (int i = r; i < count; i += TILE_ROWS) {
        both += sums[i];
      }
      rowSums[r] += (both & 0xffff) + (both >>> 16);
    }
  }

  private void factors(int tile, int rows, int group) {
    int width = tiled.groupEnd(group) - tiled.groupStart(group);
    for (int r = 0; r < rows; r++) {
      groupScales[r] = scales[r * tiled.groups + group];
      groupZeros[r] = zeros[r * tiled.groups + group];
      rowSums[r] -= width * groupZeros[r];
    }
    long at = tiled.tileFactors(tile, group);
    MemorySegment.copy(groupScales, 0, tiled.factors, Tensor.FLOAT, at, rows);
    MemorySegment.copy(groupZeros, 0, tiled.factors, Tensor.INT, at + TiledCodes.ZEROS, rows);
    MemorySegment.copy(rowSums, 0, tiled.factors, Tensor.INT, at + TiledCodes.ROW_SUMS, rows);
  }

  /** Σ code of a lane, in two halves of 16 bits. */
  private static void sumTwos(int[] lanes, int[] sums, int count) {
    for (int i = 0; i < count; i++) {
      int pairs = (lanes[i] & 0x33333333) + (lanes[i] >>> 2 & 0x33333333);
      int bytes = (pairs & 0x0f0f0f0f) + (pairs >>> 4 & 0x0f0f0f0f);
      sums[i] = (bytes & 0x00ff00ff) + (bytes >>> 8 & 0x00ff00ff);
    }
  }

  /** Codes of 2 bits in two of three vectors of lanes, and in the third 4 for every bit. */
  private static void sumThrees(int[] lanes, int[] sums, int count) {
    sumTwos(lanes, sums, count);
    for (int line = 2 * TILE_ROWS; line < count; line += 3 * TILE_ROWS) {
      for (int i = line; i < line + TILE_ROWS; i++) {
        int twos = (lanes[i] & 0x55555555) + (lanes[i] >>> 1 & 0x55555555);
        int fours = (twos & 0x33333333) + (twos >>> 2 & 0x33333333);
        int bytes = (fours & 0x0f0f0f0f) + (fours >>> 4 & 0x0f0f0f0f);
        sums[i] = 4 * ((bytes & 0x00ff00ff) + (bytes >>> 8 & 0x00ff00ff));
      }
    }
  }

  private static void sumFours(int[] lanes, int[] sums, int count) {
    for (int i = 0; i < count; i++) {
      int bytes = (lanes[i] & 0x0f0f0f0f) + (lanes[i] >>> 4 & 0x0f0f0f0f);
      sums[i] = (bytes & 0x00ff00ff) + (bytes >>> 8 & 0x00ff00ff);
    }
  }

  private static void sumBytes(int[] lanes, int[] sums, int count) {
    for (int i = 0; i < count; i++) {
      sums[i] = (lanes[i] & 0x00ff00ff) + (lanes[i] >>> 8 & 0x00ff00ff);
    }
  }
}
