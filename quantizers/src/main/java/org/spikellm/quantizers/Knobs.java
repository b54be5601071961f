package org.spikellm.quantizers;

import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * A provider's option values, read with their ranges; a value that cannot be used is refused by name.
 *
 * @param provider id of the provider
 * @param values of all its options
 */
public record Knobs(String provider, Map<String, String> values) {

  /** True or false. */
  public boolean flag(String key) {
    return switch (values.get(key)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw wrong(key, "true or false");
    };
  }

  /** A whole number from {@code low} to {@code high}. */
  public int integer(String key, int low, int high) {
    double value = number(key, low, high);
    if (value != Math.rint(value)) {
      throw wrong(key, "a whole number");
    }
    return (int) value;
  }

  /** A number from {@code low} to {@code high}. */
  public double number(String key, double low, double high) {
    try {
      double value = Double.parseDouble(values.get(key));
      if (value >= low && value <= high) {
        return value;
      }
    } catch (NumberFormatException e) {
      // said below, as for a number out of range
    }
    throw wrong(key, "a number from " + low + " to " + high);
  }

  /** One of {@code choices}. */
  public String choice(String key, String... choices) {
    String value = values.get(key);
    if (!List.of(choices).contains(value)) {
      throw wrong(key, String.join(" or ", choices));
    }
    return value;
  }

  /** What {@code parser} makes of it; an {@link IllegalArgumentException} of the parser says what was expected. */
  public <T> T parsed(String key, Function<String, T> parser) {
    try {
      return parser.apply(values.get(key));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(provider + "." + key + ": " + e.getMessage(), e);
    }
  }

  private IllegalArgumentException wrong(String key, String expected) {
    return new IllegalArgumentException(provider + "." + key + ": expected " + expected + ", found '" + values.get(key) + "'");
  }
}
