package org.spikellm.backend.simd;

/**
 * How codes of one width lie in 32-bit words. A word holds consecutive columns of one row: its two halves hold
 * {@link #perHalf} codes each, least significant first, so that {@code (word >>> p · bits)} masked in both halves is the pair of
 * columns (p, p + perHalf), one in each 16-bit lane. For 2, 4 and 8 bits this is the order of the checkpoint's bit string.
 *
 * @param bits 2, 3, 4 or 8
 */
record CodeLayout(int bits) {

  /** The layout that codes of {@code bits} bits are stored in: 1 becomes 2, and 5 to 7 become 8. */
  static CodeLayout of(int bits) {
    return new CodeLayout(bits > 4 ? 8 : Math.max(bits, 2));
  }

  /** Codes in half a word: 8, 5 (a bit of each half is lost), 4 or 2. */
  int perHalf() {
    return 16 / bits;
  }

  /** Codes in a word. */
  int perWord() {
    return 2 * perHalf();
  }

  int maxCode() {
    return (1 << bits) - 1;
  }

  /** Bit of a word at which code {@code i} of it starts. */
  int shift(int i) {
    return i < perHalf() ? i * bits : 16 + (i - perHalf()) * bits;
  }

  /**
   * The largest activation for which a word's products in one 16-bit lane, unsigned, add up without overflow; for 8 bits, whose
   * kernel widens every product, the largest for which one product fits.
   */
  int maxActivation() {
    return 0xffff / (maxCode() * (bits == 8 ? 1 : perHalf()));
  }
}
