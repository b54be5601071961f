package org.spikellm.api;

/** The element types of a {@link Tensor}; all are stored little-endian, as safetensors does. */
public enum DType {
  F32(4),
  F16(2),
  BF16(2),
  I32(4),
  I16(2),
  I8(1),
  U8(1);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes an element takes. */
  public int bytes() {
    return bytes;
  }

  /** Whether the elements are floating-point numbers. */
  public boolean isFloating() {
    return this == F32 || this == F16 || this == BF16;
  }
}
