package org.spikellm.backend.vulkan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/** What the encoder reads of an encoding, and how what it makes becomes a train. */
final class EncoderTable {

  /** Classes that encode.comp has room for. */
  static final int MOST_CLASSES = 64;
  private static final int INTS = 6;

  private final Encoding encoding;
  private final Places places;
  private final int digits;
  /** What is taken off a count before it is cut into digits. */
  private final int offset;

  EncoderTable(Encoding encoding) {
    this.encoding = encoding;
    places = new Places(encoding.order());
    digits = encoding.countType() == DType.I8 ? 1 : 2;
    offset = encoding.offset() + Places.offset(digits);
  }

  /** Bytes that a token's digits take. */
  long rowBytes() {
    return (long) digits * places.count();
  }

  MemorySegment order(Arena arena) {
    return arena.allocateFrom(ValueLayout.JAVA_INT, encoding.order().order());
  }

  /** I32 [classes, 6]: first place, the one after the last, first word, words, smallest and largest count. */
  MemorySegment classes(Arena arena) {
    ChannelOrder order = encoding.order();
    int[] table = new int[INTS * order.classes()];
    for (int c = 0; c < order.classes(); c++) {
      Dynamics dynamics = encoding.dynamics().get(c);
      int at = INTS * c;
      table[at] = order.start(c);
      table[at + 1] = order.end(c);
      table[at + 2] = places.first(c) / 4;
      table[at + 3] = places.blocks(c) * (Places.BLOCK / 4);
      table[at + 4] = dynamics.countLow();
      table[at + 5] = dynamics.countHigh();
    }
    return arena.allocateFrom(ValueLayout.JAVA_INT, table);
  }

  /** Signed bytes of a count. */
  int digits() {
    return digits;
  }

  int channels() {
    return encoding.order().channels();
  }

  /** Classes of channels. */
  int classCount() {
    return encoding.order().classes();
  }

  /** The push constants of encode.comp, which writes either spikes, θ and zero points, or what they decode to. */
  Arguments arguments(int rows, Source source, DeviceMemory.Range order, DeviceMemory.Range classes, DeviceMemory.Range spikes,
      DeviceMemory.Range thetas, DeviceMemory.Range zeros, DeviceMemory.Range decoded) {
    return Arguments.of(source.x(), order, classes, spikes, thetas, zeros, decoded, source.second())
        .with(rows, channels(), classCount(), digits, places.count() / 4, offset,
            encoding.dynamics().getFirst().bidirectional() ? 1 : 0, source.heads())
        .withFloat(1f / channels()).withFloat(source.epsilon());
  }

  /** Puts digits together to the train's counts, and corrects its zero points by what was taken off for the digits' sake. */
  void read(MemorySegment made, SpikeTrain out) {
    Tensor counts = out.planes().getFirst();
    int more = Places.offset(digits);
    for (int token = 0; token < out.tokens(); token++) {
      places.read(made.asSlice(token * rowBytes(), rowBytes()), digits, counts, token);
      for (int c = 0; c < encoding.order().classes(); c++) {
        out.zeros().setInt(token, c, out.zeros().getInt(token, c) + more);
      }
    }
  }
}
