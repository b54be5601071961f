package org.spikellm.backend.vulkan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/**
 * Where the inputs of a linear layer stand on the device: in channel order, each class from a multiple of {@link #BLOCK} places
 * on, with zeros in between.
 */
final class Places {

  static final int BLOCK = 32;
  /** What is taken off so that 16 bits are two signed bytes: -32768 - 128 is -128 · 256 - 128. */
  static final int MIDDLE = 128;

  private final ChannelOrder order;
  /** First block of each class, then the number of blocks. */
  private final int[] blocks;

  Places(ChannelOrder order) {
    this.order = order;
    blocks = new int[order.classes() + 1];
    for (int c = 0; c < order.classes(); c++) {
      blocks[c + 1] = blocks[c] + (order.end(c) - order.start(c) + BLOCK - 1) / BLOCK;
    }
  }

  /** Places in all. */
  int count() {
    return blocks[order.classes()] * BLOCK;
  }

  /** First place of a class. */
  int first(int c) {
    return blocks[c] * BLOCK;
  }

  /** Blocks of a class. */
  int blocks(int c) {
    return blocks[c + 1] - blocks[c];
  }

  /** How many signed bytes hold what is stored for a place, summed over the planes. */
  static int digits(SpikeTrain train) {
    DType type = train.planes().getFirst().dtype();
    int planes = train.planes().size();
    return type == DType.I8 && planes == 1 ? 1 : type == DType.I8 && planes < 256 || planes == 1 ? 2 : 3;
  }

  /** What is taken off what is stored, and off the zero points, before it is cut into digits. */
  static int offset(int digits) {
    return switch (digits) {
      case 1 -> 0;
      case 2 -> MIDDLE;
      default -> MIDDLE + (MIDDLE << 8);
    };
  }

  /** Writes the digits of a token, the lowest first: each a row of {@link #count} bytes. */
  void fill(SpikeTrain train, int token, int digits, MemorySegment place) {
    place.fill((byte) 0);
    int offset = offset(digits);
    for (int c = 0; c < order.classes(); c++) {
      int from = order.start(c);
      int width = order.end(c) - from;
      if (digits == 1) {
        Tensor plane = train.planes().getFirst();
        MemorySegment.copy(plane.segment(), token * plane.rowBytes() + from, place, first(c), width);
        continue;
      }
      for (int i = 0; i < width; i++) {
        int value = train.stored(token, from + i) - offset;
        for (int d = 0; d < digits; d++) {
          byte digit = (byte) value;
          place.set(ValueLayout.JAVA_BYTE, (long) d * count() + first(c) + i, digit);
          value = value - digit >> 8;
        }
      }
    }
  }

  /** Reads the digits of a token, one or two, and puts what they stand for into a row of {@code counts}, I8 or I16. */
  void read(MemorySegment place, int digits, Tensor counts, int token) {
    for (int c = 0; c < order.classes(); c++) {
      int from = order.start(c);
      int width = order.end(c) - from;
      if (digits == 1) {
        MemorySegment.copy(place, first(c), counts.segment(), token * counts.rowBytes() + from, width);
        continue;
      }
      for (int i = 0; i < width; i++) {
        int low = place.get(Tensor.BYTE, first(c) + i);
        int high = place.get(Tensor.BYTE, (long) count() + first(c) + i);
        counts.setInt(token, from + i, low + (high << 8) + MIDDLE);
      }
    }
  }

  /** I32 [places]: which channel stands there, or -1. */
  MemorySegment channels(Arena arena) {
    int[] channels = new int[count()];
    Arrays.fill(channels, -1);
    for (int c = 0; c < order.classes(); c++) {
      System.arraycopy(order.order(), order.start(c), channels, first(c), order.end(c) - order.start(c));
    }
    return arena.allocateFrom(ValueLayout.JAVA_INT, channels);
  }

  /** Writes the inputs of a token, which stand in the channels' own order. */
  void fill(float[] row, MemorySegment place) {
    place.fill((byte) 0);
    for (int c = 0; c < order.classes(); c++) {
      for (int i = order.start(c); i < order.end(c); i++) {
        place.set(Tensor.FLOAT, 4L * (first(c) + i - order.start(c)), row[order.order()[i]]);
      }
    }
  }
}
