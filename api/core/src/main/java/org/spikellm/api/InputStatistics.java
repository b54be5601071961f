package org.spikellm.api;

/**
 * What is known of the inputs of a linear layer over the calibration tokens. Arrays have one entry a channel; they are not copied
 * and may not be changed.
 *
 * @param tokens how many tokens were seen
 * @param gram XᵀX / tokens, F32 [channels, channels], or null where nobody asked for it
 * @param absMax largest |x|
 * @param absMean mean |x|
 */
public record InputStatistics(long tokens, Tensor gram, float[] absMax, double[] absMean) {}
