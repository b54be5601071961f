package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.fail;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/** Tensors at odd addresses, each between guard bytes that nobody may write. */
final class Guarded implements Placement {

  private static final int GUARD = 64;
  private static final byte PATTERN = (byte) 0xA5;

  private record Placed(MemorySegment whole, Tensor tensor) {}

  private final List<Placed> placed = new ArrayList<>();

  @Override
  public Tensor tensor(DType dtype, int rows, int columns) {
    long bytes = (long) rows * columns * dtype.bytes();
    long start = GUARD + 1 + 2L * (placed.size() % 4); // odd, and not the same for all
    MemorySegment whole = Arena.ofAuto().allocate(start + bytes + GUARD, GUARD);
    whole.fill(PATTERN);
    Tensor tensor = new Tensor(dtype, rows, columns, whole.asSlice(start, bytes));
    tensor.clear();
    placed.add(new Placed(whole, tensor));
    return tensor;
  }

  /** Fails if a guard byte was written. */
  void check(String what) {
    for (Placed p : placed) {
      long start = p.tensor.segment().address() - p.whole.address();
      long end = start + p.tensor.segment().byteSize();
      for (long at = 0; at < p.whole.byteSize(); at++) {
        if ((at < start || at >= end) && p.whole.get(Tensor.BYTE, at) != PATTERN) {
          fail(what + ": wrote " + (at < start ? (start - at) + " bytes before the start" : (at - end) + " bytes after the end")
              + " of the tensor " + p.tensor);
        }
      }
    }
  }
}
