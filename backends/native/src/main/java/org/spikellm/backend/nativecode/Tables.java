package org.spikellm.backend.nativecode;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.IdentityHashMap;
import java.util.Map;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.SpikeRange;

/** What the library reads of encodings, in native memory: made once for each, forgotten when there is too much of it. */
final class Tables {

  /** A model of 80 blocks has some 25 MB of it. */
  private static final long MOST_BYTES = 128L << 20;
  private static final int LEVEL_INTS = 5;

  /**
   * An encoding.
   *
   * @param order I32 [channels], or NULL where every channel stands in its own place
   * @param levels I32 [classes, 5]: first place and the one after the last, smallest and largest count, whether bidirectional
   */
  record Levels(MemorySegment order, MemorySegment levels) {}

  private final Map<Encoding, Levels> levels = new IdentityHashMap<>();
  private final Map<KeyValueEncoding, MemorySegment> ranges = new IdentityHashMap<>();
  private long bytes;

  Levels levels(Encoding encoding) {
    Levels known = levels.get(encoding);
    if (known == null) {
      known = newLevels(encoding);
      count(known.order().byteSize() + known.levels().byteSize());
      levels.put(encoding, known);
    }
    return known;
  }

  /** θ, zero point less the offset, all bits set where the value channel, and where the key channel is salient: [4, channels]. */
  MemorySegment ranges(KeyValueEncoding encoding) {
    MemorySegment known = ranges.get(encoding);
    if (known == null) {
      known = newRanges(encoding);
      count(known.byteSize());
      ranges.put(encoding, known);
    }
    return known;
  }

  private void count(long more) {
    bytes += more;
    if (bytes > MOST_BYTES) {
      levels.clear();
      ranges.clear();
      bytes = more;
    }
  }

  private static Levels newLevels(Encoding encoding) {
    ChannelOrder order = encoding.order();
    MemorySegment places = order.isIdentity() ? MemorySegment.NULL : ints(order.order());
    int[] table = new int[LEVEL_INTS * order.classes()];
    for (int c = 0; c < order.classes(); c++) {
      put(encoding.dynamics().get(c), order.start(c), order.end(c), table, c);
    }
    return new Levels(places, ints(table));
  }

  /** Those of the plain and of the salient channels of a head, each as if all channels were: I32 [2, 5]. */
  static MemorySegment levels(KeyValueEncoding encoding, int headDim) {
    int[] table = new int[2 * LEVEL_INTS];
    put(encoding.plain(), 0, headDim, table, 0);
    put(encoding.salient(), 0, headDim, table, 1);
    return ints(table);
  }

  private static void put(Dynamics dynamics, int start, int end, int[] table, int row) {
    int at = LEVEL_INTS * row;
    table[at] = start;
    table[at + 1] = end;
    table[at + 2] = dynamics.countLow();
    table[at + 3] = dynamics.countHigh();
    table[at + 4] = dynamics.bidirectional() ? 1 : 0;
  }

  private static MemorySegment newRanges(KeyValueEncoding encoding) {
    int channels = encoding.channels();
    int[] table = new int[4 * channels];
    for (int c = 0; c < channels; c++) {
      SpikeRange range = encoding.keyRange(c);
      table[c] = Float.floatToRawIntBits(range.theta());
      table[channels + c] = range.zero() - encoding.offset();
      table[2 * channels + c] = encoding.valueSalient()[c] ? -1 : 0;
      table[3 * channels + c] = encoding.keySalient()[c] ? -1 : 0;
    }
    return ints(table);
  }

  private static MemorySegment ints(int[] values) {
    return Arena.ofAuto().allocateFrom(ValueLayout.JAVA_INT, values);
  }
}
