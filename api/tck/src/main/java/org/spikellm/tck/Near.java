package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.function.Supplier;

/** Comparison with a derived bound. */
final class Near {

  /** Unit roundoff of float: a rounding changes a number by at most this fraction of it. */
  static final double U = 0x1p-24;

  /** What an exponential in float may be off, in units of {@link #U}: four units in the last place. */
  static final double EXP = 8;

  private Near() {}

  /** Fails unless {@code |found − expected| <= bound}; a NaN fails. */
  static void check(double expected, double found, double bound, Supplier<String> what, int row, int column) {
    if (!(Math.abs(found - expected) <= bound)) {
      fail(what.get() + ": element (" + row + ", " + column + "): expected " + expected + " within " + bound
          + ", found " + found);
    }
  }
}
