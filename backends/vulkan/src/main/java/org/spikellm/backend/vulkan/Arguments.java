package org.spikellm.backend.vulkan;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The push constants of a kernel, in the order in which its shader declares them: addresses first, since they are aligned to 8
 * bytes.
 */
final class Arguments {

  /** What every device has. */
  static final int BYTES = 128;

  private final ByteBuffer bytes = ByteBuffer.allocateDirect(BYTES).order(ByteOrder.nativeOrder());

  /** The addresses of ranges. */
  static Arguments of(DeviceMemory.Range... ranges) {
    Arguments arguments = new Arguments();
    for (DeviceMemory.Range range : ranges) {
      arguments.bytes.putLong(range.address());
    }
    return arguments;
  }

  Arguments with(int... numbers) {
    for (int number : numbers) {
      bytes.putInt(number);
    }
    return this;
  }

  Arguments withFloat(float number) {
    bytes.putFloat(number);
    return this;
  }

  /** All {@link #BYTES}; those that were not given are zero. */
  ByteBuffer bytes() {
    return bytes.duplicate().order(ByteOrder.nativeOrder()).clear();
  }
}
