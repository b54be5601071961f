package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/**
 * A linear layer whose weights are spike trains: tables of sums are made for a piece of the columns, then looked up by all blocks of
 * rows, then made for the next. The only product of a (row, class, block of columns) is that with its scale.
 */
final class TernaryLinear implements SpikingLinear {

  private static final int ROWS = TernaryCodes.ROWS;
  private static final int LANES = Lanes.COUNT;

  private final SimdSession session;
  private final ChannelOrder order;
  private final TernaryCodes codes;

  TernaryLinear(QuantizedWeight weight, SimdSession session, boolean encoded) {
    this.session = session;
    order = weight.order();
    codes = TernaryCodes.of(weight, session, encoded ? session.workers().threads() : 1);
  }

  @Override
  public int rows() {
    return codes.rows;
  }

  @Override
  public boolean keepsWeight() {
    return false;
  }

  @Override
  public int columns() {
    return codes.columns;
  }

  @Override
  public void accumulate(SpikeTrain x, Tensor out) {
    Shapes.accumulate(x, order, codes.rows, out);
    session.checkOpen();
    Slices.accumulate(session, out, ROWS, TernaryCodes.MIN_BLOCKS, (first, last, from, count, sums, worker) -> {
      TernaryTables[] tables = session.tables(worker, count);
      for (int t = 0; t < count; t++) {
        tables[t].read(codes, x, from + t, session.scratch(worker).row);
      }
      pieces(0, codes.pieces(), first, last, tables, count, sums, 0, session.scratch(worker));
    });
  }

  /** As the {@link Part}s of one token add up: a token's sums are the same alone and in a prompt. */
  @Override
  public void accumulate(Tensor x, Tensor out) {
    Shapes.f32("linear input", x, x.rows(), codes.columns);
    Shapes.f32("linear output", out, x.rows(), codes.rows);
    session.checkOpen();
    if (x.rows() == 1) {
      accumulate(List.of(this), x, List.of(out), session);
      return;
    }
    Slices.forEach(session, x.rows(), codes.blocks(), TernaryCodes.MIN_BLOCKS, (first, last, from, count, worker) -> {
      TernaryTables[] tables = session.tables(worker, count);
      int width = width(first, last);
      float[] sums = session.scratch(worker).a(2 * count * width);
      Arrays.fill(sums, 0, 2 * count * width, 0);
      for (int half = 0; half < 2; half++) {
        for (int t = 0; t < count; t++) {
          tables[t].read(codes, x, from + t, firstPiece(half), firstPiece(half + 1));
        }
        pieces(firstPiece(half), firstPiece(half + 1), first, last, tables, count, sums, half * count * width, session.scratch(worker));
      }
      for (int t = 0; t < count; t++) {
        add(sums, t * width, (count + t) * width, out.segment(), at(from + t, first), Math.min(width, codes.rows - first * ROWS));
      }
    });
  }

  /**
   * One token through layers that share it. Threads take halves of the columns of a layer, so that two of them make each table once; with
   * more threads the rows are cut too. The sums of both halves are added up in the end, whoever made them.
   */
  static void accumulate(List<TernaryLinear> layers, Tensor x, List<Tensor> outs, SimdSession session) {
    List<Part> parts = new ArrayList<>();
    int length = 0;
    for (int i = 0; i < layers.size(); i++) {
      TernaryLinear layer = layers.get(i);
      int[] cuts = Slices.cut(layer.codes.blocks(), TernaryCodes.MIN_BLOCKS, session.workers().threads() / 2);
      for (int cut = 0; cut < cuts.length - 1; cut++) {
        for (int half = 0; half < 2; half++) {
          parts.add(new Part(layer, outs.get(i), half, cuts[cut], cuts[cut + 1], length));
          length += layer.width(cuts[cut], cuts[cut + 1]);
        }
      }
    }
    float[] sums = session.shared(length);
    session.workers().forEach(parts.size(), (part, worker) -> parts.get(part).run(x, sums, session, worker));
    for (int part = 0; part < parts.size(); part += 2) {
      Part first = parts.get(part);
      int rows = Math.min(first.layer.width(first.first, first.last), first.layer.codes.rows - first.first * ROWS);
      add(sums, first.at, parts.get(part + 1).at, first.out.segment(), (long) first.first * ROWS * Float.BYTES, rows);
    }
  }

  /** What one thread does of a layer: a half of its columns for blocks of rows, whose sums begin at {@code at}. */
  private record Part(TernaryLinear layer, Tensor out, int half, int first, int last, int at) {

    void run(Tensor x, float[] sums, SimdSession session, int worker) {
      int from = layer.firstPiece(half);
      int to = layer.firstPiece(half + 1);
      Arrays.fill(sums, at, at + layer.width(first, last), 0);
      TernaryTables[] tables = session.tables(worker, 1);
      tables[0].read(layer.codes, x, 0, from, to);
      layer.pieces(from, to, first, last, tables, 1, sums, at, session.scratch(worker));
    }
  }

  /** First piece of a half of the columns. */
  private int firstPiece(int half) {
    return half == 0 ? 0 : half == 1 ? codes.half : codes.pieces();
  }

  private int width(int firstBlock, int lastBlock) {
    return (lastBlock - firstBlock) * ROWS;
  }

  /** Piece after piece, of which one token after another looks up in its own tables; sums are [tokens][rows of the blocks]. */
  private void pieces(int from, int to, int first, int last, TernaryTables[] tables, int tokens, float[] sums, int at, Scratch scratch) {
    for (int piece = from; piece < to; piece++) {
      for (int t = 0; t < tokens; t++) {
        tables[t].fill(codes, piece);
        TernaryDots.add(codes, piece, first, last, tables[t], sums, at + t * width(first, last), scratch);
      }
    }
  }

  /** {@code out += sums[a..] + sums[b..]} */
  private static void add(float[] sums, int a, int b, MemorySegment out, long at, int count) {
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      FloatVector both = FloatVector.fromArray(Lanes.FLOATS, sums, a + i).add(FloatVector.fromArray(Lanes.FLOATS, sums, b + i));
      FloatVector.fromMemorySegment(Lanes.FLOATS, out, at + 4L * i, Lanes.ORDER).add(both).intoMemorySegment(out, at + 4L * i, Lanes.ORDER);
    }
    for (; i < count; i++) {
      out.set(Tensor.FLOAT, at + 4L * i, out.get(Tensor.FLOAT, at + 4L * i) + (sums[a + i] + sums[b + i]));
    }
  }

  /** Byte of an output. */
  private long at(int token, int block) {
    return ((long) token * codes.rows + (long) block * ROWS) * Float.BYTES;
  }
}
