package org.spikellm.backend.simd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/** An output tensor, at an odd address, between bytes that nobody may write. */
record Guarded(MemorySegment whole, Tensor tensor) {

  private static final int GUARD = 257;
  private static final byte PATTERN = (byte) 0xa5;

  static Guarded of(DType dtype, int rows, int columns) {
    long bytes = (long) rows * columns * dtype.bytes();
    MemorySegment whole = Arena.ofAuto().allocate(bytes + 2 * GUARD);
    whole.fill(PATTERN);
    return new Guarded(whole, new Tensor(dtype, rows, columns, whole.asSlice(GUARD, bytes)));
  }

  static Guarded of(int rows, int columns, float[] values) {
    Guarded guarded = of(DType.F32, rows, columns);
    MemorySegment.copy(values, 0, guarded.tensor.segment(), Tensor.FLOAT, 0, values.length);
    return guarded;
  }

  void check(String what) {
    for (int i = 0; i < GUARD; i++) {
      assertEquals(PATTERN, whole.get(Tensor.BYTE, i), what + ": guard byte " + i + " before");
      assertEquals(PATTERN, whole.get(Tensor.BYTE, whole.byteSize() - 1 - i), what + ": guard byte " + i + " after");
    }
  }
}
