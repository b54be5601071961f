package org.spikellm.api;

import java.util.OptionalDouble;

/**
 * What a device gives at most, as small programs that do nothing else found it just now. A multiply-add is two operations.
 *
 * @param copyBytes bytes a second, those read plus those written, while memory is copied within the device
 * @param readBytes bytes a second that are only read, from memory that no cache holds
 * @param flops operations a second of 32-bit floats, multiplied and added in registers
 * @param byteOps operations a second of signed bytes, multiplied and summed in 32 bits by the fastest instruction that this
 *     session's kernels may use; empty where they have none
 * @param measured in a few words, how
 */
public record DeviceLimits(OptionalDouble copyBytes, double readBytes, double flops, OptionalDouble byteOps, String measured) {

  /**
   * Limits.
   *
   * @throws IllegalArgumentException if a rate is not finite and positive
   */
  public DeviceLimits {
    check("copyBytes", copyBytes.orElse(1));
    check("readBytes", readBytes);
    check("flops", flops);
    check("byteOps", byteOps.orElse(1));
  }

  private static void check(String name, double rate) {
    if (!(rate > 0 && rate < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("limits of a device: " + name + ": expected a finite, positive rate, found " + rate);
    }
  }
}
