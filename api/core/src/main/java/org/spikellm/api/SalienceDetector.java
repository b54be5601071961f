package org.spikellm.api;

/**
 * Scores the input channels of a linear layer; choosing how many are salient is {@link ChannelOrder#select}'s.
 * The contract is {@code org.spikellm.tck.SalienceDetectorContract}.
 */
public non-sealed interface SalienceDetector extends Provider {

  /**
   * One score a channel, larger is more salient; finite.
   *
   * @param weight F32 [out, channels]
   * @param inputs statistics of the layer's inputs; its Gram is there where {@link #needsGram} says so
   * @param session computes large products
   */
  float[] score(Tensor weight, InputStatistics inputs, Session session);

  /** Whether {@link #score} reads the Gram, the costliest statistic to collect. */
  default boolean needsGram() {
    return true;
  }
}
