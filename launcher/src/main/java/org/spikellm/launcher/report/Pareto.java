package org.spikellm.launcher.report;

import java.util.List;

/**
 * One quality of models against their energy.
 *
 * @param quality what it is, in words
 * @param lower whether less of it is better
 * @param points a model each
 */
public record Pareto(String quality, boolean lower, List<ParetoPoint> points) {}
