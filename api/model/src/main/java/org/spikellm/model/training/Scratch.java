package org.spikellm.model.training;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

/** Memory for intermediate products, shared by all layers of a block; a slot's content is lost when it is asked for again. */
final class Scratch {

  /** What a piece of memory is for. */
  enum Slot { WEIGHT, OUTPUT_TRANSPOSED, INPUT_TRANSPOSED, INPUT_GRADIENT }

  private final Arena arena;
  private final Map<Slot, MemorySegment> memory = new EnumMap<>(Slot.class);

  Scratch(Arena arena) {
    this.arena = arena;
  }

  /** F32 [rows, columns] of any content. */
  Tensor tensor(Slot slot, int rows, int columns) {
    long bytes = 4L * rows * columns;
    MemorySegment segment = memory.get(slot);
    if (segment == null || segment.byteSize() < bytes) {
      segment = arena.allocate(bytes, 64);
      memory.put(slot, segment);
    }
    return new Tensor(DType.F32, rows, columns, segment.asSlice(0, bytes));
  }
}
