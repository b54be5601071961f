package org.spikellm.launcher.report;

/**
 * A model in the picture of quality against energy.
 *
 * @param name of the model
 * @param joules a token, estimated
 * @param quality perplexity or accuracy
 */
public record ParetoPoint(String name, double joules, double quality) {}
