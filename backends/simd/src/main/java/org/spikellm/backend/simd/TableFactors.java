package org.spikellm.backend.simd;

/** What each index does with each of a table's activations, [halves][SLOTS][HALF]. */
record TableFactors(float[] floats, int[] ints) {

  private static final int SLOTS = TrainDigits.SLOTS;
  private static final int ENTRIES = TrainDigits.ENTRIES;
  private static final int HALF = ENTRIES / 2;

  static TableFactors of(TrainDigits digits) {
    TableFactors factors = new TableFactors(new float[SLOTS * ENTRIES], new int[SLOTS * ENTRIES]);
    for (int i = 0; i < SLOTS * ENTRIES; i++) {
      int half = i / (SLOTS * HALF);
      int inHalf = i % HALF;
      int factor = digits.factor(i / HALF % SLOTS, half * HALF + inHalf);
      factors.ints[i] = factor;
      factors.floats[i] = factor;
    }
    return factors;
  }
}
