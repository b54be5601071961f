package org.spikellm.api;

/**
 * What a pipeline made of a block.
 *
 * @param block the quantized block
 * @param losses mean loss of each epoch, where the pipeline trains; else empty. Not copied
 */
public record QuantizedBlock(Block block, double[] losses) {}
