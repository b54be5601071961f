package org.spikellm.backend.simd;

/**
 * How codes of one width lie in the 32-bit lanes of vectors. A *step* is two vectors, which hold 32 bits of codes of each row of a
 * block (30 for 3-bit codes).
 *
 * <pre>
 *   2, 4 bits  byte 0 of row i, then of row i + LANES, byte 1 of row i, then of row i + LANES make lane i of the first vector,
 *              bytes 2 and 3 lane i of the second
 *   3 bits     lane i of the first vector is row i, of the second row i + LANES; a half of a lane is 5 columns, its last bit is lost
 *   8 bits     as 3 bits; a half is 2 columns
 * </pre>
 *
 * So a lane holds {@link #perHalf} columns in each half, and one field of both halves is a pair of columns (p, p + perHalf) to
 * multiply with a pair of activations. The first column has the least significant bits.
 *
 * @param bits 2, 3, 4 or 8
 */
record CodeLayout(int bits) {

  /** The layout that codes of {@code bits} bits are stored in: 1 becomes 2, and 5 to 7 become 8. */
  static CodeLayout of(int bits) {
    return new CodeLayout(bits > 4 ? 8 : Math.max(bits, 2));
  }

  /** Whether a lane holds two rows, in its even and odd bytes. */
  boolean twoRows() {
    return bits == 2 || bits == 4;
  }

  /** Columns in half a lane. */
  int perHalf() {
    return (twoRows() ? 8 : 16) / bits;
  }

  /** Columns of a step. */
  int perStep() {
    return 2 * pairs();
  }

  /** Pairs of columns of a step: 8, 5, 4 or 2. */
  int pairs() {
    return 16 / bits;
  }

  int maxCode() {
    return (1 << bits) - 1;
  }

  /** Bit at which column {@code i} starts in a row's 32 bits of a step. */
  int shift(int i) {
    return i < pairs() ? i * bits : 16 + (i - pairs()) * bits;
  }

  /**
   * The largest activation for which a step's products in one 16-bit lane, unsigned, add up without overflow; for 8 bits, whose
   * kernel widens every product, the largest for which one product fits.
   */
  int maxActivation() {
    return 0xffff / (maxCode() * (bits == 8 ? 1 : pairs()));
  }

  /**
   * The largest activation for which the products of both rows of a lane fit a byte each, so that one multiplication serves both:
   * one product of 4-bit codes, the sum of two of 2-bit codes.
   */
  int maxByteActivation() {
    return twoRows() ? 255 / (maxCode() * (bits == 2 ? 2 : 1)) : 0;
  }

  /** A row's 32 bits of the step whose two vectors begin at {@code words[at]}. */
  int row(int[] words, int at, int lane) {
    if (!twoRows()) {
      return words[at + lane];
    }
    int low = words[at + lane % Lanes.COUNT] >>> (lane < Lanes.COUNT ? 0 : 8);
    int high = words[at + Lanes.COUNT + lane % Lanes.COUNT] >>> (lane < Lanes.COUNT ? 0 : 8);
    return low & 0xff | low >>> 8 & 0xff00 | (high & 0xff) << 16 | high >>> 16 << 24;
  }

  /** The bits of a step, of all columns, that codes of {@code width} bits fill. */
  int fields(int width) {
    int fields = 0;
    for (int i = 0; i < perStep(); i++) {
      fields |= (1 << width) - 1 << shift(i);
    }
    return fields;
  }

  /** Σ code over the steps {@code from..to − 1} of a row, modulo 2³²; several codes are added at once, in fields of a number. */
  int sum(int[] steps, int from, int to) {
    int sum = 0;
    switch (bits) {
      case 2 -> {
        for (int s = from; s < to; s++) {
          int pairs = (steps[s] & 0x33333333) + (steps[s] >>> 2 & 0x33333333);
          sum += ((pairs & 0x0f0f0f0f) + (pairs >>> 4 & 0x0f0f0f0f)) * 0x01010101 >>> 24;
        }
      }
      case 3 -> {
        for (int s = from; s < to; s++) {
          int pairs = (steps[s] & 0x71c771c7) + (steps[s] >>> 3 & 0x01c701c7);
          int halves = (pairs & 0x003f003f) + (pairs >>> 6 & 0x003f003f) + (pairs >>> 12 & 0x000f000f);
          sum += (halves & 0xffff) + (halves >>> 16);
        }
      }
      case 4 -> {
        for (int s = from; s < to; s++) {
          sum += ((steps[s] & 0x0f0f0f0f) + (steps[s] >>> 4 & 0x0f0f0f0f)) * 0x01010101 >>> 24;
        }
      }
      default -> {
        for (int s = from; s < to; s++) {
          int halves = (steps[s] & 0x00ff00ff) + (steps[s] >>> 8 & 0x00ff00ff);
          sum += (halves & 0xffff) + (halves >>> 16);
        }
      }
    }
    return sum;
  }
}
