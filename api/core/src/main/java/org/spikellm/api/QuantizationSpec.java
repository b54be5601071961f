package org.spikellm.api;

/**
 * What a user asked of a quantization.
 *
 * @param weightBits 2 to 8, or 16 for weights that stay as they are
 * @param activationBits 2 to 15, or 16 for activations that are not encoded
 * @param timeSteps T of salient channels
 * @param salient fraction of channels that are salient, 0 to 1
 * @param groupSize columns that share a scale, or 0 for a whole row
 * @param seed of everything random
 */
public record QuantizationSpec(int weightBits, int activationBits, int timeSteps, double salient, int groupSize, long seed) {

  /** Where bits are not limited. */
  public static final int FLOAT_BITS = 16;

  /** W4A4, a tenth of the channels salient in two steps. */
  public static final QuantizationSpec DEFAULT = new QuantizationSpec(4, 4, 2, 0.10, 0, 2);

  public QuantizationSpec {
    bits("weight bits", weightBits, 8);
    bits("activation bits", activationBits, 15);
    if (timeSteps < 1 || timeSteps > 64) {
      throw new IllegalArgumentException("time steps: expected 1 to 64, found " + timeSteps);
    }
    if (!(salient >= 0 && salient <= 1)) {
      throw new IllegalArgumentException("salient fraction: expected 0 to 1, found " + salient);
    }
    if (groupSize < 0) {
      throw new IllegalArgumentException("group size: expected 0 (whole rows) or more, found " + groupSize);
    }
  }

  /** Whether weights become codes. */
  public boolean quantizesWeights() {
    return weightBits != FLOAT_BITS;
  }

  /** Whether activations become spikes. */
  public boolean encodesActivations() {
    return activationBits != FLOAT_BITS;
  }

  private static void bits(String what, int bits, int most) {
    if (bits != FLOAT_BITS && (bits < 2 || bits > most)) {
      throw new IllegalArgumentException(what + ": expected 2 to " + most + ", or 16, found " + bits);
    }
  }
}
