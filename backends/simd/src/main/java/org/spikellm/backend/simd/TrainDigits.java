package org.spikellm.backend.simd;

/**
 * How the counts −N..N of a spike train become indices of {@link #ENTRIES} sums, so that one look-up of 5 bits adds up what several
 * columns do. A count is digits of 0..base − 1, each less (base − 1) / 2 and times its weight; an index has as many digits as fit.
 *
 * <pre>
 *   N           digits a count    digits an index   columns an index
 *   1           1, −1..1          3                 3
 *   2           1, −2..2          2                 2
 *   3, 4        2, −1..1 · 1, 3   3                 1½
 *   5 to 15     1, −N..N          1                 1
 *   16 to 127   2, −15..15 · 1, 31   1              ½
 * </pre>
 *
 * @param most N
 * @param base values of a digit, odd
 * @param perIndex digits of an index, the first one changing fastest
 * @param weights what each digit of a count is multiplied with. Not copied or changed
 */
record TrainDigits(int most, int base, int perIndex, int[] weights) {

  /** Sums of a table. */
  static final int ENTRIES = 32;

  /** Digits that a table is made from, whether an index has as many or not. */
  static final int SLOTS = 3;

  private static final int MAX_DIRECT = (ENTRIES - 1) / 2;
  private static final int[] ONE = {1};

  static TrainDigits of(int most) {
    if (most <= 2) {
      return new TrainDigits(most, 2 * most + 1, 4 - most, ONE);
    }
    if (most <= 4) {
      return new TrainDigits(most, 3, 3, new int[] {1, 3});
    }
    return most <= MAX_DIRECT ? new TrainDigits(most, 2 * most + 1, 1, ONE) : new TrainDigits(most, 31, 1, new int[] {1, 31});
  }

  /** Digits a count has. */
  int perCount() {
    return weights.length;
  }

  /** Digit {@code i} of count {@code k}, as it is in an index. */
  int digit(int k, int i) {
    int half = base / 2;
    int high = weights.length == 1 ? 0 : Math.floorDiv(k + half, base);
    return (i > 0 ? high : k - high * base) + half;
  }

  /** What the digit of slot {@code slot} is in index {@code entry}; 0 where the index has no such slot or is none. */
  int factor(int slot, int entry) {
    int place = 1;
    for (int i = 0; i < slot; i++) {
      place *= base;
    }
    return slot >= perIndex || entry >= entries() ? 0 : entry / place % base - base / 2;
  }

  /** Indices that there are. */
  private int entries() {
    int entries = base;
    for (int i = 1; i < perIndex; i++) {
      entries *= base;
    }
    return entries;
  }

  /** The largest |sum| of a table, as a multiple of the largest |activation|. */
  int largest() {
    int sum = 0;
    for (int i = 0; i < perIndex; i++) {
      // An index may begin with the last digit of a count, which weighs most.
      sum += weights[(i + 1) % weights.length] * (base / 2);
    }
    return sum;
  }
}
