package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/**
 * A linear layer whose weights are spike trains: tables of sums are made for some tokens, then looked up by all blocks of rows, then
 * made for the next. The only product of a (row, class, block of columns) is that with its scale.
 */
final class TernaryLinear implements SpikingLinear {

  private static final int LANES = Lanes.COUNT;

  /** Bytes of tables that are made at a time: they stay in the second cache while all rows look up. */
  private static final long TABLE_BYTES = 512 << 10;

  private static final int MAX_TOKENS = 32;

  /** What F16 bits at the places of a float's are too small by. */
  private static final float HALF_SCALE = 0x1p112f;

  private static final int HALF_BITS = 0x8fffe000;

  private final SimdSession session;
  private final ChannelOrder order;
  private final TernaryCodes codes;

  TernaryLinear(QuantizedWeight weight, SimdSession session) {
    this.session = session;
    order = weight.order();
    codes = TernaryCodes.of(weight, session.arena(), session.workers());
  }

  @Override
  public int rows() {
    return codes.rows;
  }

  @Override
  public int columns() {
    return codes.columns;
  }

  @Override
  public void accumulate(SpikeTrain x, Tensor out) {
    Shapes.accumulate(x, order, codes.rows, out);
    session.checkOpen();
    accumulate(x.tokens(), false, (tables, token, worker) -> tables.stage(codes, x, token, session.scratch(worker).row), out);
  }

  @Override
  public void accumulate(Tensor x, Tensor out) {
    Shapes.f32("linear input", x, x.rows(), codes.columns);
    Shapes.f32("linear output", out, x.rows(), codes.rows);
    session.checkOpen();
    accumulate(x.rows(), true, (tables, token, worker) -> tables.stage(codes, order, x, token), out);
  }

  private interface Stage {
    void run(TernaryTables tables, int token, int worker);
  }

  private void accumulate(int tokens, boolean floats, Stage stage, Tensor out) {
    if (codes.rows == 0) {
      return;
    }
    int chunk = (int) Math.clamp(TABLE_BYTES / TernaryTables.bytes(codes, floats), 1, MAX_TOKENS);
    int blocks = codes.blocks();
    for (int from = 0; from < tokens; from += chunk) {
      int first = from;
      int count = Math.min(chunk, tokens - from);
      TernaryTables[] tables = session.tables(count);
      session.workers().forEach(count, (t, worker) -> stage.run(tables[t], first + t, worker));
      int grain = grain(blocks, count);
      session.workers().forEach(Lanes.ceilDiv(blocks, grain), (slice, worker) -> blocks(slice * grain,
          Math.min(blocks, (slice + 1) * grain), tables, first, count, out, session.scratch(worker)));
    }
  }

  /** Blocks of a slice: whole calls of {@link TernaryDots}, some slices a thread. */
  private int grain(int blocks, int tokens) {
    int threads = session.workers().threads();
    if (threads == 1) {
      return blocks;
    }
    int calls = Lanes.ceilDiv(blocks, TernaryDots.BLOCKS);
    int least = tokens > 1 ? 1 : 2;
    return Math.max(least, calls / (4 * threads)) * TernaryDots.BLOCKS;
  }

  /** Four blocks at a time, a quarter of all apart; what is left goes with blocks that are done already, or with itself. */
  private void blocks(int first, int last, TernaryTables[] tables, int firstToken, int tokens, Tensor out, Scratch scratch) {
    int quarter = (last - first) / TernaryDots.BLOCKS;
    for (int block = first; block < first + quarter; block++) {
      four(block, quarter, 0, tables, firstToken, tokens, out, scratch);
    }
    int left = last - first - TernaryDots.BLOCKS * quarter;
    if (left > 0 && quarter > 0) {
      four(last - TernaryDots.BLOCKS, 1, TernaryDots.BLOCKS - left, tables, firstToken, tokens, out, scratch);
    } else {
      for (int block = first; block < last && quarter == 0; block++) {
        four(block, 0, TernaryDots.BLOCKS - 1, tables, firstToken, tokens, out, scratch);
      }
    }
  }

  /** Adds the last {@code BLOCKS − skip} of four blocks to the output. */
  private void four(int block, int stride, int skip, TernaryTables[] tables, int firstToken, int tokens, Tensor out, Scratch scratch) {
    int length = codes.groups * Lanes.BLOCK;
    float[] sums = scratch.a(TernaryDots.BLOCKS * length);
    for (int t = 0; t < tokens; t++) {
      TernaryDots.sums(codes, block, stride, skip, tables[t], sums, scratch);
      for (int b = skip; b < TernaryDots.BLOCKS; b++) {
        int row = (block + b * stride) * Lanes.BLOCK;
        add(block + b * stride, tables[t].thetas, sums, b * length, out.segment(), ((long) (firstToken + t) * codes.rows + row) * Float.BYTES,
            codes.rows - row);
      }
    }
  }

  /** {@code out += sum · (θ · scale)}, class after class, group after group, for the rows of a block that there are. */
  private void add(int block, float[] thetas, float[] sums, int from, MemorySegment out, long at, int count) {
    VectorMask<Float> low = Lanes.FLOATS.indexInRange(0, count);
    VectorMask<Float> high = Lanes.FLOATS.indexInRange(LANES, Math.max(LANES, count));
    FloatVector first = FloatVector.fromMemorySegment(Lanes.FLOATS, out, at, Lanes.ORDER, low);
    FloatVector second = FloatVector.fromMemorySegment(Lanes.FLOATS, out, at + Lanes.BYTES, Lanes.ORDER, high);
    long scales = codes.scales(block);
    for (int c = 0; c < thetas.length; c++) {
      float theta = thetas[c];
      for (int g = codes.classGroups[c]; g < codes.classGroups[c + 1]; g++) {
        int sum = from + g * Lanes.BLOCK;
        first = first.add(FloatVector.fromArray(Lanes.FLOATS, sums, sum).mul(scale(scales, g, 0).mul(theta)));
        second = second.add(FloatVector.fromArray(Lanes.FLOATS, sums, sum + LANES).mul(scale(scales, g, 1).mul(theta)));
      }
    }
    first.intoMemorySegment(out, at, Lanes.ORDER, low);
    second.intoMemorySegment(out, at + Lanes.BYTES, Lanes.ORDER, high);
  }

  private FloatVector scale(long scales, int group, int half) {
    if (!codes.halfScales) {
      return FloatVector.fromMemorySegment(Lanes.FLOATS, codes.memory, scales + (2L * group + half) * Lanes.BYTES, Lanes.ORDER);
    }
    IntVector both = IntVector.fromMemorySegment(Lanes.INTS, codes.memory, scales + (long) group * Lanes.BYTES, Lanes.ORDER);
    IntVector upper = half == 0 ? both.lanewise(VectorOperators.LSHL, 16) : both;
    return upper.lanewise(VectorOperators.ASHR, 3).and(HALF_BITS).reinterpretAsFloats().mul(HALF_SCALE);
  }
}
