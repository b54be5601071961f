package org.spikellm.backend.simd;

/** Memory of one worker, grown on demand and kept for the session; what an accessor returns holds anything. */
final class Scratch {

  final StagedSpikes.Row row = new StagedSpikes.Row();
  /** Sums of the vectors of rows that {@link CodeDots} works on, and where each begins. */
  final int[] lanes = new int[CodeStreams.VECTORS * Lanes.COUNT];
  final long[] streams = new long[CodeStreams.VECTORS];

  private int[][] arrays = {};
  private int[][] totals = {};
  private int[][] lines = {};
  private int[] dots = {};
  private int[] sums = {};
  private int[] digits = {};
  private int[] pairs = {};
  private byte[] bytes = {};
  private short[] shorts = {};
  private short[] panel = {};
  private float[] a = {};
  private float[] b = {};
  private float[] c = {};
  private float[] d = {};

  /** {@code count} arrays of {@code length} ints or more. */
  int[][] arrays(int count, int length) {
    return arrays = arrays.length < count || arrays[0].length < length ? new int[count][length] : arrays;
  }

  /** As {@link #arrays}, others. */
  int[][] totals(int count, int length) {
    return totals = totals.length < count || totals[0].length < length ? new int[count][length] : totals;
  }

  /** As {@link #arrays}, others. */
  int[][] lines(int count, int length) {
    return lines = lines.length < count || lines[0].length < length ? new int[count][length] : lines;
  }

  int[] dots(int length) {
    return dots = dots.length < length ? new int[length] : dots;
  }

  int[] sums(int length) {
    return sums = sums.length < length ? new int[length] : sums;
  }

  int[] digits(int length) {
    return digits = digits.length < length ? new int[length] : digits;
  }

  int[] pairs(int length) {
    return pairs = pairs.length < length ? new int[length] : pairs;
  }

  byte[] bytes(int length) {
    return bytes = bytes.length < length ? new byte[length] : bytes;
  }

  short[] shorts(int length) {
    return shorts = shorts.length < length ? new short[length] : shorts;
  }

  short[] panel(int length) {
    return panel = panel.length < length ? new short[length] : panel;
  }

  float[] a(int length) {
    return a = a.length < length ? new float[length] : a;
  }

  float[] b(int length) {
    return b = b.length < length ? new float[length] : b;
  }

  float[] c(int length) {
    return c = c.length < length ? new float[length] : c;
  }

  float[] d(int length) {
    return d = d.length < length ? new float[length] : d;
  }
}
