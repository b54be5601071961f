package org.spikellm.backend.vulkan;

/**
 * Rows that are encoded, or what they are made from on the way.
 *
 * @param kind which
 * @param x F32 [rows, channels]
 * @param second what else they are made from
 * @param heads rows that share a row of {@code second}, where they are rotated
 * @param epsilon of a norm
 */
record Source(Kind kind, DeviceMemory.Range x, DeviceMemory.Range second, int heads, float epsilon) {

  /** In the order of encode.comp. */
  enum Kind {
    /** {@code x} itself. */
    GIVEN,
    /** Its norm, with weights F32 [channels] in {@code second}. */
    NORM,
    /** Gates, with ups F32 [rows, channels] in {@code second}. */
    GATE,
    /** Heads, with the rotations of a token F32 [rows / heads, channels] in {@code second}. */
    ROTATED
  }

  static Source given(DeviceMemory.Range x) {
    return new Source(Kind.GIVEN, x, x, 1, 0);
  }

  static Source norm(DeviceMemory.Range x, DeviceMemory.Range weight, float epsilon) {
    return new Source(Kind.NORM, x, weight, 1, epsilon);
  }

  static Source gate(DeviceMemory.Range gate, DeviceMemory.Range up) {
    return new Source(Kind.GATE, gate, up, 1, 0);
  }

  static Source rotated(DeviceMemory.Range x, DeviceMemory.Range table, int heads) {
    return new Source(Kind.ROTATED, x, table, heads, 0);
  }
}
