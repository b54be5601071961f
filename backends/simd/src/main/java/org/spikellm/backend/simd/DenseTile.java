package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * The register tile of the float products: {@link #ROWS} rows of a, in a panel [depth][ROWS], times {@link Lanes#BLOCK} rows of b, in
 * a panel [depth][BLOCK]. Every element is one chain of sums over the depth from 0, whichever method computes it.
 */
final class DenseTile {

  /** Four rows by two vectors: with their six factors fourteen registers of sixteen. With more the compiler spills, and is slower. */
  static final int ROWS = 4;

  /** Columns of a panel: those of b fit the first cache. */
  static final int DEPTH = 256;

  private static final int LANES = Lanes.COUNT;
  private static final int BLOCK = Lanes.BLOCK;

  /** Where vectors have less than 256 bits x86 may lack FMA, which Java then emulates at a thousandth of the speed. */
  static final boolean FUSED = Lanes.bits() >= 256 || System.getProperty("os.arch").equals("aarch64");

  private DenseTile() {}

  /** {@code x · y + sum}, rounded once where the CPU can. */
  static FloatVector fma(FloatVector x, FloatVector y, FloatVector sum) {
    return FUSED ? x.fma(y, sum) : x.mul(y).add(sum);
  }

  private static FloatVector scalar(float[] a, int i) {
    return FloatVector.broadcast(Lanes.FLOATS, a[i]);
  }

  /** {@code c[ROWS][BLOCK] = a · b} over {@code depth} columns. */
  static void four(float[] a, int aAt, float[] b, int bAt, int depth, float[] c) {
    FloatVector c00 = FloatVector.zero(Lanes.FLOATS);
    FloatVector c01 = FloatVector.zero(Lanes.FLOATS);
    FloatVector c10 = FloatVector.zero(Lanes.FLOATS);
    FloatVector c11 = FloatVector.zero(Lanes.FLOATS);
    FloatVector c20 = FloatVector.zero(Lanes.FLOATS);
    FloatVector c21 = FloatVector.zero(Lanes.FLOATS);
    FloatVector c30 = FloatVector.zero(Lanes.FLOATS);
    FloatVector c31 = FloatVector.zero(Lanes.FLOATS);
    for (int k = 0; k < depth; k++) {
      FloatVector b0 = FloatVector.fromArray(Lanes.FLOATS, b, bAt + k * BLOCK);
      FloatVector b1 = FloatVector.fromArray(Lanes.FLOATS, b, bAt + k * BLOCK + LANES);
      FloatVector a0 = scalar(a, aAt + k * ROWS);
      FloatVector a1 = scalar(a, aAt + k * ROWS + 1);
      FloatVector a2 = scalar(a, aAt + k * ROWS + 2);
      FloatVector a3 = scalar(a, aAt + k * ROWS + 3);
      c00 = fma(a0, b0, c00);
      c01 = fma(a0, b1, c01);
      c10 = fma(a1, b0, c10);
      c11 = fma(a1, b1, c11);
      c20 = fma(a2, b0, c20);
      c21 = fma(a2, b1, c21);
      c30 = fma(a3, b0, c30);
      c31 = fma(a3, b1, c31);
    }
    put(c00, c01, c, 0);
    put(c10, c11, c, BLOCK);
    put(c20, c21, c, 2 * BLOCK);
    put(c30, c31, c, 3 * BLOCK);
  }

  /** {@code c[BLOCK] = a · b} for the first row of a panel of a. */
  static void one(float[] a, int aAt, float[] b, int bAt, int depth, float[] c) {
    FloatVector c0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector c1 = FloatVector.zero(Lanes.FLOATS);
    for (int k = 0; k < depth; k++) {
      FloatVector s = scalar(a, aAt + k * ROWS);
      c0 = fma(s, FloatVector.fromArray(Lanes.FLOATS, b, bAt + k * BLOCK), c0);
      c1 = fma(s, FloatVector.fromArray(Lanes.FLOATS, b, bAt + k * BLOCK + LANES), c1);
    }
    put(c0, c1, c, 0);
  }

  private static void put(FloatVector first, FloatVector second, float[] c, int at) {
    first.intoArray(c, at);
    second.intoArray(c, at + LANES);
  }

  /**
   * Multiplies {@code rows} rows of a panel of a and writes the tile's {@code rows × columns} corner to {@code out}, or adds it.
   *
   * @param outAt byte of the tile's first element, {@code rowBytes} apart from row to row
   */
  static void multiply(float[] a, int aAt, float[] b, int bAt, int depth, float[] c, int rows, int columns, MemorySegment out,
      long outAt, long rowBytes, boolean add) {
    if (rows == 1) {
      one(a, aAt, b, bAt, depth, c);
    } else {
      four(a, aAt, b, bAt, depth, c);
    }
    for (int r = 0; r < rows; r++) {
      if (columns == BLOCK) {
        whole(c, r * BLOCK, out, outAt + r * rowBytes, add);
      } else {
        part(c, r * BLOCK, columns, out, outAt + r * rowBytes, add);
      }
    }
  }

  private static void whole(float[] c, int from, MemorySegment out, long at, boolean add) {
    for (int v = 0; v < BLOCK; v += LANES) {
      FloatVector value = FloatVector.fromArray(Lanes.FLOATS, c, from + v);
      if (add) {
        value = value.add(FloatVector.fromMemorySegment(Lanes.FLOATS, out, at + v * 4L, Lanes.ORDER));
      }
      value.intoMemorySegment(out, at + v * 4L, Lanes.ORDER);
    }
  }

  private static void part(float[] c, int from, int columns, MemorySegment out, long at, boolean add) {
    for (int v = 0; v < columns; v += LANES) {
      VectorMask<Float> mask = Lanes.FLOATS.indexInRange(v, columns);
      FloatVector value = FloatVector.fromArray(Lanes.FLOATS, c, from + v);
      if (add) {
        value = value.add(FloatVector.fromMemorySegment(Lanes.FLOATS, out, at + v * 4L, Lanes.ORDER, mask));
      }
      value.intoMemorySegment(out, at + v * 4L, Lanes.ORDER, mask);
    }
  }
}
