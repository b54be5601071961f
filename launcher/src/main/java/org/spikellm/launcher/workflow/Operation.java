package org.spikellm.launcher.workflow;

import java.util.Locale;

/** What an {@link EnergyTable} has a price for. */
public enum Operation {
  /** A multiplication of floats whose product is added up. */
  FP32_MAC,
  /** An addition of floats. */
  FP32_ADD,
  /** A multiply-add in half precision. */
  FP16_MAC,
  /** A multiply-add of 8-bit integers. */
  INT8_MAC,
  /** An addition of 8-bit integers. */
  INT8_ADD,
  /** A byte read from memory or written to it; the one that a table may lack. */
  MEMORY_BYTE;

  /** Its name in a file. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
