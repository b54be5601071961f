package org.spikellm.backend.vulkan;

import java.util.ArrayList;
import java.util.List;
import org.spikellm.api.BlockShape;

/** The device memory that up to {@code tokens} tokens are worked on in; all blocks share one. */
final class Activations {

  /** Projections of one source. */
  static final int MOST_INPUTS = 3;

  /**
   * An input in the form that a linear layer wants.
   *
   * @param data spikes, or floats
   * @param thetas F32 [tokens, classes]
   * @param zeros I32 [tokens, classes]
   */
  record Slot(DeviceMemory.Range data, DeviceMemory.Range thetas, DeviceMemory.Range zeros) {}

  private final int tokens;
  private final List<DeviceMemory.Range> ranges = new ArrayList<>();
  private final List<Slot> slots = new ArrayList<>();
  /** As {@link Staging} says. */
  final DeviceMemory.Range inputs;
  final DeviceMemory.Range norm;
  final DeviceMemory.Range queries;
  /** Queries that were rotated and encoded. */
  final DeviceMemory.Range encodedQueries;
  final DeviceMemory.Range keys;
  final DeviceMemory.Range values;
  final DeviceMemory.Range attention;
  final DeviceMemory.Range partial;
  final DeviceMemory.Range gate;
  final DeviceMemory.Range up;
  /** F32 [1, vocabulary]. */
  final DeviceMemory.Range logits;

  /**
   * Memory for a model.
   *
   * @param inputBytes a token's in the largest form that an input of any layer has
   * @param classes most classes of an encoding
   * @param vocabulary of the head
   */
  Activations(DeviceMemory memory, BlockShape shape, int tokens, long inputBytes, int classes, int vocabulary) {
    this.tokens = tokens;
    try {
      inputs = keep(memory, Staging.of(shape, tokens).out());
      logits = keep(memory, 4L * vocabulary);
      norm = take(memory, 4L * shape.hidden());
      queries = take(memory, 4L * shape.heads() * shape.headDim());
      encodedQueries = take(memory, 4L * shape.heads() * shape.headDim());
      keys = take(memory, 4L * shape.kvHeads() * shape.headDim());
      values = take(memory, 4L * shape.kvHeads() * shape.headDim());
      attention = take(memory, 4L * shape.heads() * shape.headDim());
      partial = take(memory, 4L * shape.hidden());
      gate = take(memory, 4L * shape.intermediate());
      up = take(memory, 4L * shape.intermediate());
      for (int i = 0; i < MOST_INPUTS; i++) {
        slots.add(new Slot(take(memory, inputBytes), take(memory, 4L * classes), take(memory, 4L * classes)));
      }
    } catch (RuntimeException | Error e) {
      release(memory);
      throw e;
    }
  }

  private DeviceMemory.Range take(DeviceMemory memory, long rowBytes) {
    return keep(memory, rowBytes * tokens);
  }

  private DeviceMemory.Range keep(DeviceMemory memory, long bytes) {
    DeviceMemory.Range range = memory.allocate(bytes);
    ranges.add(range);
    return range;
  }

  int tokens() {
    return tokens;
  }

  Slot slot(int index) {
    return slots.get(index);
  }

  List<DeviceMemory.Range> ranges() {
    return ranges;
  }

  void release(DeviceMemory memory) {
    ranges.forEach(memory::release);
    ranges.clear();
  }
}
