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

  /** Blocks whose codes of a piece, some 24 KB, stay in the second cache for all tokens. */
  private static final int TILE = 8;

  /** What F16 bits at the places of a float's are too small by. */
  private static final float HALF_SCALE = 0x1p112f;

  private static final int HALF_BITS = 0x8fffe000;

  private final SimdSession session;
  private final ChannelOrder order;
  private final TernaryCodes codes;

  TernaryLinear(QuantizedWeight weight, SimdSession session) {
    this.session = session;
    order = weight.order();
    codes = TernaryCodes.of(weight, session.weights(), session.workers());
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
      session.workers().forEach(count, (t, worker) -> {
        stage.run(tables[t], first + t, worker);
        tables[t].fill(codes);
      });
      int grain = grain(blocks, count);
      session.workers().forEach(Lanes.ceilDiv(blocks, grain), (slice, worker) -> blocks(slice * grain,
          Math.min(blocks, (slice + 1) * grain), tables, first, count, out, session.scratch(worker)));
    }
  }

  /** Blocks of a slice: of one token all that a thread gets, as a slice reads one stretch of memory a piece. */
  private int grain(int blocks, int tokens) {
    int threads = session.workers().threads();
    return Math.max(1, tokens > 1 ? blocks / (4 * threads) : Lanes.ceilDiv(blocks, threads));
  }

  /** Piece after piece, for some blocks at a time: those of all tokens, which each read the same tables for them. */
  private void blocks(int first, int last, TernaryTables[] tables, int firstToken, int tokens, Tensor out, Scratch scratch) {
    for (int piece = 0; piece < codes.pieces(); piece++) {
      for (int from = first; from < last; from += TILE) {
        int to = Math.min(last, from + TILE);
        for (int t = 0; t < tokens; t++) {
          for (int block = from; block < to; block++) {
            block(piece, block, tables[t], firstToken + t, out, scratch);
          }
        }
      }
    }
  }

  private void block(int piece, int block, TernaryTables tables, int token, Tensor out, Scratch scratch) {
    int group = codes.pieceGroups[piece];
    int groups = codes.pieceGroups[piece + 1] - group;
    float[] sums = scratch.a(2 * groups * Lanes.BLOCK);
    TernaryDots.sums(codes, piece, block, tables, sums, scratch);
    int row = block * TernaryCodes.ROWS;
    long at = ((long) token * codes.rows + row) * Float.BYTES;
    if (codes.rows - row >= TernaryCodes.ROWS) {
      add(tables.thetas, group, groups, codes.scales(piece, block), sums, out.segment(), at);
      return;
    }
    float[] part = scratch.c(TernaryCodes.ROWS);
    MemorySegment.copy(out.segment(), Tensor.FLOAT, at, part, 0, codes.rows - row);
    MemorySegment whole = scratch.rows;
    MemorySegment.copy(part, 0, whole, Tensor.FLOAT, 0, TernaryCodes.ROWS);
    add(tables.thetas, group, groups, codes.scales(piece, block), sums, whole, 0);
    MemorySegment.copy(whole, 0, out.segment(), at, (codes.rows - row) * 4L);
  }

  /** {@code out += sum · (θ · scale)}, group after group, for a block that is whole. */
  private void add(float[] thetas, int firstGroup, int groups, long scales, float[] sums, MemorySegment out, long at) {
    FloatVector a = load(out, at);
    FloatVector b = load(out, at + Lanes.BYTES);
    FloatVector c = load(out, at + 2L * Lanes.BYTES);
    FloatVector d = load(out, at + 3L * Lanes.BYTES);
    int second = groups * Lanes.BLOCK;
    long step = codes.halfScales ? Lanes.BYTES : 2L * Lanes.BYTES;
    for (int g = 0; g < groups; g++) {
      float theta = thetas[firstGroup + g];
      int sum = g * Lanes.BLOCK;
      long scale = scales + 2 * step * g;
      a = a.add(FloatVector.fromArray(Lanes.FLOATS, sums, sum).mul(scale(scale, 0).mul(theta)));
      b = b.add(FloatVector.fromArray(Lanes.FLOATS, sums, sum + LANES).mul(scale(scale, 1).mul(theta)));
      c = c.add(FloatVector.fromArray(Lanes.FLOATS, sums, sum + second).mul(scale(scale + step, 0).mul(theta)));
      d = d.add(FloatVector.fromArray(Lanes.FLOATS, sums, sum + second + LANES).mul(scale(scale + step, 1).mul(theta)));
    }
    a.intoMemorySegment(out, at, Lanes.ORDER);
    b.intoMemorySegment(out, at + Lanes.BYTES, Lanes.ORDER);
    c.intoMemorySegment(out, at + 2L * Lanes.BYTES, Lanes.ORDER);
    d.intoMemorySegment(out, at + 3L * Lanes.BYTES, Lanes.ORDER);
  }

  private static FloatVector load(MemorySegment memory, long at) {
    return FloatVector.fromMemorySegment(Lanes.FLOATS, memory, at, Lanes.ORDER);
  }

  /** Of the rows of a lane's lower or upper bits. */
  private FloatVector scale(long at, int upper) {
    if (!codes.halfScales) {
      return FloatVector.fromMemorySegment(Lanes.FLOATS, codes.memory, at + (long) upper * Lanes.BYTES, Lanes.ORDER);
    }
    IntVector both = IntVector.fromMemorySegment(Lanes.INTS, codes.memory, at, Lanes.ORDER);
    IntVector bits = upper == 0 ? both.lanewise(VectorOperators.LSHL, 16) : both;
    return bits.lanewise(VectorOperators.ASHR, 3).and(HALF_BITS).reinterpretAsFloats().mul(HALF_SCALE);
  }
}
