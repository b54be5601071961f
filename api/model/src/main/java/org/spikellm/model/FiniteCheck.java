package org.spikellm.model;

import java.lang.foreign.MemorySegment;
import java.util.stream.LongStream;
import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/** Looks for NaN and infinities: a number is finite if and only if not all bits of its exponent are set. */
final class FiniteCheck {

  private static final int CHUNK = 1 << 20;
  /** Elements that are copied at once, which compiles sooner than access one by one. */
  private static final int PART = 1 << 13;

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
    boolean wide = tensor.dtype() == DType.F32;
    int exponent = wide ? 0x7f800000 : tensor.dtype() == DType.F16 ? 0x7c00 : 0x7f80;
    int[] ints = new int[wide ? Math.min(PART, length) : 0];
    short[] shorts = new short[wide ? 0 : Math.min(PART, length)];
    for (int from = 0; from < length; from += PART) {
      int count = Math.min(PART, length - from);
      int found;
      if (wide) {
        MemorySegment.copy(slice, Tensor.INT, 4L * from, ints, 0, count);
        found = first(ints, count, exponent);
      } else {
        MemorySegment.copy(slice, Tensor.SHORT, 2L * from, shorts, 0, count);
        found = first(shorts, count, exponent);
      }
      if (found >= 0) {
        return from + found;
      }
    }
    return -1;
  }

  private static int first(int[] values, int count, int exponent) {
    for (int i = 0; i < count; i++) {
      if ((values[i] & exponent) == exponent) {
        return i;
      }
    }
    return -1;
  }

  private static int first(short[] values, int count, int exponent) {
    for (int i = 0; i < count; i++) {
      if ((values[i] & exponent) == exponent) {
        return i;
      }
    }
    return -1;
  }
}
