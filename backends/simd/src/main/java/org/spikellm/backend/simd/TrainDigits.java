package org.spikellm.backend.simd;

/**
 * How the counts −N..N of a spike train become indices of {@link #ENTRIES} sums, so that one look-up of 7 bits adds up what several
 * columns do. A count is digits of 0..base − 1, each less (base − 1) / 2 and times its weight; an index has as many digits as fit.
 *
 * <pre>
 *   N           digits a count    columns an index
 *   1           1, −1..1          4
 *   2           1, −2..2          3
 *   3 to 5      1, −N..N          2
 *   6 to 63     1, −N..N          1
 *   64 to 127   2, −63..63 · 1, 127   ½
 * </pre>
 *
 * @param most N
 * @param base values of a digit, odd
 * @param perIndex digits of an index, the first one changing fastest
 * @param weights what each digit of a count is multiplied with. Not copied or changed
 */
record TrainDigits(int most, int base, int perIndex, int[] weights) {

  /** Sums of a table: bits of an index are one fewer than of a byte, so that it picks from two vectors of bytes. */
  static final int ENTRIES = 128;

  /** Digits that a table is made from, whether an index has as many or not. */
  static final int SLOTS = 4;

  private static final int MAX_DIRECT = (ENTRIES - 1) / 2;

  static TrainDigits of(int most) {
    if (most > MAX_DIRECT) {
      return new TrainDigits(most, ENTRIES - 1, 1, new int[] {1, ENTRIES - 1});
    }
    int base = 2 * most + 1;
    int perIndex = 1;
    for (int entries = base; perIndex < SLOTS && entries * base <= ENTRIES; entries *= base) {
      perIndex++;
    }
    return new TrainDigits(most, base, perIndex, new int[] {1});
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

  /** The byte that stands for an index: 4i + q of half a table for its entry 16q + i, as those of a vector are made side by side. */
  static int code(int entry) {
    return entry / 64 * 64 + entry % 16 * 4 + entry % 64 / 16;
  }

  /** The index that a byte stands for. */
  static int entry(int code) {
    return code / 64 * 64 + code % 4 * 16 + code % 64 / 4;
  }

  /** What digit {@code i} of a count is at most, less (base − 1) / 2. */
  int most(int i) {
    return i > 0 ? (most + base / 2) / base : base / 2;
  }

  /** What the digit of slot {@code slot} is in index {@code entry}; 0 where the index has no such slot or is none. */
  int factor(int slot, int entry) {
    int digits = slot < SLOTS - 1 && perIndex == SLOTS ? entry % place(SLOTS - 1) : entry;
    return slot >= perIndex || entry >= entries() ? 0 : digits / place(slot) % base - base / 2;
  }

  /** What the digit of a slot is multiplied with in an index. The fourth, of N = 1 alone, changes after two vectors of sums. */
  int place(int slot) {
    return slot == SLOTS - 1 ? ENTRIES / SLOTS : (int) Math.pow(base, slot);
  }

  /** Indices that there are. */
  int entries() {
    return place(perIndex - 1) * base;
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
