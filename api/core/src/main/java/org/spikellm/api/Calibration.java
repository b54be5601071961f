package org.spikellm.api;

/**
 * The calibration samples as they reach one block, for pipelines that train (method.md §4): what the block will read, and what it should
 * answer. Every tensor is F32 [{@link #sequence}, hidden], is not changed by the reader, and is valid until the same method is called
 * again.
 */
public interface Calibration {

  /** Number of samples. */
  int samples();

  /** Tokens a sample, from position 0. */
  int sequence();

  /** The block's input in the quantized stream: what the quantized blocks before it made of the sample. */
  Tensor input(int sample);

  /** What the float block answers in the float stream, where all blocks are float; needs {@link QuantizationPipeline#needsFloatStream}. */
  Tensor target(int sample);

  /** What the float block answers to {@link #input}; computed on each call, at the cost of a forward pass. */
  Tensor answer(int sample);

  /** Largest |x| of each channel that the projections of {@code source} read in the float stream, needed as {@link #target}. Not to be changed. */
  float[] absMax(Projection.Source source);

  /** RoPE's table, F32 [sequence, headDim], as {@link Session#rope} takes it. */
  Tensor rope();
}
