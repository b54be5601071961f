package org.spikellm.model;

import java.lang.foreign.MemorySegment;
import java.util.stream.LongStream;
import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/** Looks for NaN and infinities: a number is finite if and only if not all bits of its exponent are set. */
final class FiniteCheck {

  private static final int CHUNK = 1 << 20;

  private FiniteCheck() {}

  /** Index of the first element of a floating tensor that is not finite, or −1. */
  static long firstNonFinite(Tensor tensor) {
    long chunks = (tensor.size() + CHUNK - 1) / CHUNK;
    return LongStream.range(0, chunks).parallel().map(chunk -> {
      long from = chunk * CHUNK;
      int length = (int) Math.min(CHUNK, tensor.size() - from);
      int bytes = tensor.dtype().bytes();
      int found = firstNonFinite(tensor, tensor.segment().asSlice(from * bytes, (long) length * bytes), length);
      return found < 0 ? -1 : from + found;
    }).filter(index -> index >= 0).findFirst().orElse(-1);
  }

  private static int firstNonFinite(Tensor tensor, MemorySegment slice, int length) {
    switch (tensor.dtype()) {
      case F32 -> {
        for (int i = 0; i < length; i++) {
          if ((slice.get(Tensor.INT, i * 4L) & 0x7f800000) == 0x7f800000) {
            return i;
          }
        }
      }
      default -> {
        int exponent = tensor.dtype() == DType.F16 ? 0x7c00 : 0x7f80;
        for (int i = 0; i < length; i++) {
          if ((slice.get(Tensor.SHORT, i * 2L) & exponent) == exponent) {
            return i;
          }
        }
      }
    }
    return -1;
  }
}
