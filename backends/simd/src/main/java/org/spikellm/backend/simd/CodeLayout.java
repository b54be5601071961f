package org.spikellm.backend.simd;

/**
 * How codes of one width lie in a line of a tile ({@link org.spikellm.api.CodeClass.Layout#TILES}): 16 lanes of 32 bits, one a row,
 * or three times as many for 3-bit codes. Byte k of a lane has column k of each *unit* of four columns:
 *
 * <pre>
 *   2, 4, 8 bits  unit j at the j-th two, four or eight bits of a byte
 *   3 bits        bits 0 and 1 of units 0..3 and of 4..7 like codes of 2 bits, then bit 2 of unit j at bit j of a byte
 * </pre>
 *
 * So half a lane holds two columns of a unit, in its low and in its high byte; what multiplies even and odd bytes in both halves at
 * once are *pairs* of activations, of the columns (0, 2) and (1, 3) of a unit.
 *
 * @param bits 2, 3, 4 or 8
 */
record CodeLayout(int bits) {

  /** Rows of a tile. */
  static final int TILE_ROWS = 16;

  /** The layout that codes of {@code bits} bits are read in: 1 becomes 2, and 5 to 7 become 8. */
  static CodeLayout of(int bits) {
    return new CodeLayout(bits > 4 ? 8 : Math.max(bits, 2));
  }

  /** Columns of a line. */
  int perLine() {
    return 4 * units();
  }

  /** Units of a line: 4, 8, 2 or 1. */
  int units() {
    return bits == 3 ? 8 : 8 / bits;
  }

  /** Pairs of columns of a line. */
  int pairs() {
    return 2 * units();
  }

  /** Lanes of a line that belong to one row. */
  int lanes() {
    return bits == 3 ? 3 : 1;
  }

  /** Bytes of a line. */
  int lineBytes() {
    return lanes() * TILE_ROWS * Integer.BYTES;
  }

  int maxCode() {
    return (1 << bits) - 1;
  }

  /** The code of a line's column {@code i}; lane {@code v} of the row is {@code lanes[at + v · stride]}. */
  int code(int[] lanes, int at, int stride, int i) {
    int shift = i % 4 * Byte.SIZE;
    int unit = i / 4;
    if (bits == 3) {
      int low = lanes[at + unit / 4 * stride] >>> shift + unit % 4 * 2 & 3;
      return low | (lanes[at + 2 * stride] >>> shift + unit & 1) << 2;
    }
    return lanes[at] >>> shift + unit * bits & maxCode();
  }

  /**
   * Adds codes of four neighbouring columns to a row's lanes.
   *
   * @param codes one a byte
   */
  void add(int unit, int codes, int[] lanes, int at, int stride) {
    if (bits == 3) {
      lanes[at + unit / 4 * stride] |= (codes & 0x03030303) << unit % 4 * 2;
      lanes[at + 2 * stride] |= (codes >>> 2 & 0x01010101) << unit;
    } else {
      lanes[at] |= codes << unit * bits;
    }
  }

  /**
   * The largest activation for which a line's products in one 16-bit lane, unsigned, add up without overflow; for 8 bits, whose
   * kernel widens every product, the largest for which one product fits.
   */
  int maxActivation() {
    return 0xffff / (maxCode() * (bits == 8 ? 1 : pairs()));
  }
}
