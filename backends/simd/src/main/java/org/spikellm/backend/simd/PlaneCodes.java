package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.stream.IntStream;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/**
 * Weights that are spikes of one time step as bits, for counts of few bits: of every weight one bit says whether it is 1 or −1, and another
 * whether it is −1. A chunk is up to {@link #COLUMNS} columns of a group, in {@link #WORDS} words of a bit a column; a chunk of
 * {@link Lanes#BLOCK} rows is
 *
 * <pre>
 *   [2 vectors of rows][WORDS][2: spike, sign][rows of a vector] 32 bits
 *   [rows of a vector][vectors] F16: a group's scales, behind its last chunk only
 * </pre>
 *
 * Chunks of a block lie one behind the other, and blocks.
 */
final class PlaneCodes {

  static final int WORDS = 4;

  /** Columns of a chunk. */
  static final int COLUMNS = WORDS * Integer.SIZE;

  /** Bytes of a vector of rows of a chunk. */
  static final int VECTOR_BYTES = WORDS * 2 * Lanes.BYTES;

  /** Bytes of a chunk before the scales behind it. */
  static final int WORDS_BYTES = 2 * VECTOR_BYTES;

  /** Blocks that a thread takes at least. */
  static final int MIN_BLOCKS = 16;

  private static final int ROWS = Lanes.BLOCK;
  private static final int LANES = Lanes.COUNT;

  /** Codes of −1, 0 and 1. */
  private static final int BITS = 2;

  /**
   * Bits of a count that take as long as to look up what the columns add up to: 8 where the CPU picks bytes out of two vectors in three
   * steps, 5 where it does so in one.
   */
  private static final int MOST_BITS = 5;

  private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, Lanes.ORDER);
  private static final long LOWER_BITS = 0x5555_5555_5555_5555L;

  final int rows;
  final int columns;
  final ChannelOrder order;
  final int chunks;
  /** Where in channel order each chunk begins. */
  final int[] starts;
  /** Of each chunk. */
  final int[] classOf;
  /** Of each chunk, counted over all classes. */
  final int[] groupOf;
  /** Bytes of a block before each chunk, and in all. */
  final int[] bytes;
  final int groups;
  final MemorySegment memory;
  /** Without codes and scales. */
  private final List<CodeClass> classes;

  private PlaneCodes(QuantizedWeight source, SimdSession session) {
    rows = source.rows();
    columns = source.columns();
    order = source.order();
    classes = source.classes().stream().map(PlaneCodes::form).toList();
    groups = classes.stream().mapToInt(CodeClass::groups).sum();
    chunks = chunks(classes);
    starts = new int[chunks];
    classOf = new int[chunks];
    groupOf = new int[chunks];
    bytes = new int[chunks + 1];
    int chunk = 0;
    int group = 0;
    for (int c = 0; c < classes.size(); c++) {
      CodeClass trains = classes.get(c);
      for (int g = 0; g < trains.groups(); g++, group++) {
        for (int from = trains.groupStart(g); from < trains.groupEnd(g); from += COLUMNS, chunk++) {
          starts[chunk] = order.start(c) + from;
          classOf[chunk] = c;
          groupOf[chunk] = group;
          boolean last = from + COLUMNS >= trains.groupEnd(g);
          bytes[chunk + 1] = bytes[chunk] + WORDS_BYTES + (last ? Lanes.BYTES : 0);
        }
      }
    }
    memory = session.weights().allocate(Math.max(1, (long) bytes[chunks] * blocks()), Lanes.BYTES);
  }

  private static CodeClass form(CodeClass of) {
    return new CodeClass(of.columns(), BITS, of.timeSteps(), of.groupEnds(),
        Tensor.allocate(DType.U8, 0, CodeClass.packedBytes(of.columns(), BITS)), Tensor.allocate(of.scales().dtype(), 0, of.groups()), of.zeros());
  }

  private static int chunks(List<CodeClass> classes) {
    return classes.stream().mapToInt(c -> IntStream.range(0, c.groups())
        .map(g -> Lanes.ceilDiv(c.groupEnd(g) - c.groupStart(g), COLUMNS)).sum()).sum();
  }

  /** Whether {@code weight} is made of spikes of one time step, and faster as bits than in tables where inputs are encoded so. */
  static boolean suit(QuantizedWeight weight, Encoding input) {
    if (input == null || weight.classes().size() != input.dynamics().size() || !TernaryCodes.suit(weight)
        || !weight.classes().stream().allMatch(c -> c.timeSteps() > 0 && c.bits() == BITS && c.zero(0, 0) == 1
        && c.scales().dtype() == DType.F16)) {
      return false;
    }
    long bits = 0;
    for (int c = 0; c < input.dynamics().size(); c++) {
      Dynamics counts = input.dynamics().get(c);
      int ofCount = Integer.SIZE - Integer.numberOfLeadingZeros(counts.countHigh() - counts.countLow());
      bits += (long) ofCount * chunks(weight.classes().subList(c, c + 1)) * COLUMNS;
    }
    return bits <= (long) MOST_BITS * weight.columns();
  }

  /** Repacks a weight of which nothing is kept. */
  static PlaneCodes of(QuantizedWeight source, SimdSession session) {
    PlaneCodes packed = new PlaneCodes(source, session);
    session.workers().forEach(packed.blocks(), (block, worker) -> packed.pack(source, block, session.scratch(worker)));
    return packed;
  }

  int classes() {
    return classes.size();
  }

  int blocks() {
    return Lanes.ceilDiv(rows, ROWS);
  }

  /** Byte at which a block begins. */
  long block(int block) {
    return (long) block * bytes[chunks];
  }

  /** Whether a chunk is the first of its group. */
  boolean beginsGroup(int chunk) {
    return chunk == 0 || groupOf[chunk] != groupOf[chunk - 1];
  }

  /** Whether a chunk is the last of its group: its scales lie behind it. */
  boolean endsGroup(int chunk) {
    return bytes[chunk + 1] - bytes[chunk] > WORDS_BYTES;
  }

  /** Columns of a chunk. */
  int width(int chunk) {
    int c = classOf[chunk];
    CodeClass of = classes.get(c);
    int from = starts[chunk] - order.start(c);
    return Math.min(COLUMNS, of.groupEnd(group(chunk)) - from);
  }

  /** The group of a chunk in its class. */
  private int group(int chunk) {
    return groupOf[chunk] - classes.subList(0, classOf[chunk]).stream().mapToInt(CodeClass::groups).sum();
  }

  /** Where a row of a block has its words: byte of the first in a chunk. */
  static int place(int row) {
    return row / LANES * VECTOR_BYTES + row % LANES * Integer.BYTES;
  }

  /** Byte of a row's scale behind the words of a chunk. */
  static int scale(int row) {
    return WORDS_BYTES + row % LANES * Integer.BYTES + row / LANES * Short.BYTES;
  }

  private void pack(QuantizedWeight source, int block, Scratch scratch) {
    int longest = source.classes().stream().mapToInt(c -> c.codes().columns()).max().orElse(0);
    byte[] codes = scratch.bytes(longest + 2 * Long.BYTES);
    int[] widths = IntStream.range(0, chunks).map(this::width).toArray();
    for (int row = 0; row < Math.min(ROWS, rows - block * ROWS); row++) {
      for (int chunk = 0, c = -1; chunk < chunks; chunk++) {
        CodeClass trains = source.classes().get(classOf[chunk]);
        if (c != classOf[chunk]) {
          c = classOf[chunk];
          MemorySegment.copy(trains.codes().segment(), Tensor.BYTE, (block * ROWS + row) * trains.codes().rowBytes(), codes, 0,
              trains.codes().columns());
        }
        long at = block(block) + bytes[chunk];
        words(codes, starts[chunk] - order.start(c), widths[chunk], at + place(row));
      }
    }
    for (int chunk = 0; chunk < chunks; chunk++) {
      if (endsGroup(chunk)) {
        scales(source.classes().get(classOf[chunk]).scales(), group(chunk), block, block(block) + bytes[chunk]);
      }
    }
  }

  private void words(byte[] codes, int column, int width, long at) {
    for (int word = 0; word * Integer.SIZE < width; word++, column += Integer.SIZE, at += 2 * Lanes.BYTES) {
      long both = codes(codes, column);
      int low = (int) Long.compress(both, LOWER_BITS);
      int high = (int) Long.compress(both, ~LOWER_BITS);
      int known = width - word * Integer.SIZE >= Integer.SIZE ? -1 : (1 << width - word * Integer.SIZE) - 1;
      // Codes of −1, 0 and 1 are 0, 1 and 2.
      memory.set(Tensor.INT, at, ~low & known);
      memory.set(Tensor.INT, at + Lanes.BYTES, ~(low | high) & known);
    }
  }

  /** 32 codes. */
  private static long codes(byte[] codes, int column) {
    int at = column * BITS >>> 3;
    int shift = column * BITS & 7;
    long low = (long) LONG.get(codes, at) >>> shift;
    return shift == 0 ? low : low | (long) codes[at + Long.BYTES] << Long.SIZE - shift;
  }

  private void scales(Tensor scales, int group, int block, long at) {
    for (int row = 0; row < Math.min(ROWS, rows - block * ROWS); row++) {
      memory.set(Tensor.SHORT, at + scale(row), scales.segment().get(Tensor.SHORT, (block * ROWS + row) * scales.rowBytes() + 2L * group));
    }
  }

  /** The weight again, in memory of its own. */
  QuantizedWeight weight() {
    List<CodeClass> copies = classes.stream().map(c -> new CodeClass(c.columns(), BITS, c.timeSteps(), c.groupEnds(),
        Tensor.allocate(DType.U8, rows, CodeClass.packedBytes(c.columns(), BITS)), Tensor.allocate(c.scales().dtype(), rows, c.groups()),
        c.zeros())).toList();
    for (int chunk = 0; chunk < chunks; chunk++) {
      CodeClass trains = copies.get(classOf[chunk]);
      int first = starts[chunk] - order.start(classOf[chunk]);
      int width = width(chunk);
      for (int row = 0; row < rows; row++) {
        long at = block(row / ROWS) + bytes[chunk] + place(row % ROWS);
        for (int i = 0; i < width; i++) {
          long word = at + i / Integer.SIZE * 2L * Lanes.BYTES;
          int spike = memory.get(Tensor.INT, word) >>> i & 1;
          int sign = memory.get(Tensor.INT, word + Lanes.BYTES) >>> i & 1;
          trains.setCode(row, first + i, 1 + spike - 2 * sign);
        }
        if (endsGroup(chunk)) {
          long scale = block(row / ROWS) + bytes[chunk] + scale(row % ROWS);
          trains.scales().setFloat(row, group(chunk), Float.float16ToFloat(memory.get(Tensor.SHORT, scale)));
        }
      }
    }
    return new QuantizedWeight(rows, order, copies);
  }
}
