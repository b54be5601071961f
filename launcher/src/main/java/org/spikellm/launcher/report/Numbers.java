package org.spikellm.launcher.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** Numbers as people read them. */
final class Numbers {

  private static final MathContext THREE = new MathContext(3);
  private static final MathContext FOUR = new MathContext(4);

  private Numbers() {}

  /** Three digits: 0.0461, 12.3, 1.2e-7; a dash for what is not finite. */
  static String three(double value) {
    if (!Double.isFinite(value)) {
      return "–";
    }
    double size = Math.abs(value);
    if (size != 0 && (size < 1e-4 || size >= 1e6)) {
      return String.format(Locale.ROOT, "%.2e", value).replaceFirst("\\.?0*e", "e");
    }
    return new BigDecimal(value).round(THREE).stripTrailingZeros().toPlainString();
  }

  /** For a chart's data: four digits, whole numbers without a point; null for what is not finite. */
  static Number rounded(double value) {
    if (!Double.isFinite(value)) {
      return null;
    }
    double rounded = new BigDecimal(value).round(FOUR).doubleValue();
    return rounded == Math.rint(rounded) && Math.abs(rounded) < 1e15 ? (Number) (long) rounded : (Number) rounded;
  }

  static String bytes(long bytes) {
    String[] units = {"B", "kB", "MB", "GB", "TB"};
    double value = bytes;
    int unit = 0;
    while (value >= 1000 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, value < 10 ? "%.2f %s" : "%.1f %s", value, units[unit]);
  }

  static String two(double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, "%.2f", value) : "–";
  }

  /** A whole number, thousands parted. */
  static String whole(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  /** 0.1 as 10 %. */
  static String percent(double share) {
    return Double.isFinite(share) ? String.format(Locale.ROOT, "%.1f %%", 100 * share).replace(".0 ", " ") : "–";
  }

  /** By what share of the first number the second one differs: −12.5 %. */
  static String change(double before, double after) {
    String percent = percent(Math.abs(after / before - 1));
    return percent.equals("–") || percent.equals("0 %") ? percent : (after < before ? "−" : "+") + percent;
  }

  static String duration(double seconds) {
    long whole = Math.round(seconds);
    return seconds < 60 ? String.format(Locale.ROOT, "%.1f s", seconds)
        : whole < 3600 ? whole / 60 + " min " + whole % 60 + " s" : whole / 3600 + " h " + whole % 3600 / 60 + " min";
  }
}
