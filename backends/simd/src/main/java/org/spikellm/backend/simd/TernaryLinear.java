package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.util.List;
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

  /** Tokens of a slice: so many read the codes of a piece, some 100 KB, before the next one's. */
  private static final int MAX_TOKENS = 32;

  private final SimdSession session;
  private final ChannelOrder order;
  private final TernaryCodes codes;

  TernaryLinear(QuantizedWeight weight, SimdSession session) {
    this.session = session;
    order = weight.order();
    codes = TernaryCodes.of(weight, session);
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
    accumulate(x.tokens(), (tables, token, worker) -> tables.read(codes, x, token, session.scratch(worker).row), out);
  }

  @Override
  public void accumulate(Tensor x, Tensor out) {
    Shapes.f32("linear input", x, x.rows(), codes.columns);
    Shapes.f32("linear output", out, x.rows(), codes.rows);
    session.checkOpen();
    accumulate(x.rows(), (tables, token, worker) -> tables.read(codes, x, token), out);
  }

  /** One token through layers that share it: threads take one slice after another, those of all layers in a row. */
  static void accumulate(List<TernaryLinear> layers, Tensor x, List<Tensor> outs, SimdSession session) {
    int[] firsts = new int[layers.size() + 1];   // slice of each layer
    for (int i = 0; i < layers.size(); i++) {
      firsts[i + 1] = firsts[i] + layers.get(i).codes.slices.length - 1;
    }
    session.workers().forEach(firsts[layers.size()], (slice, worker) -> {
      int i = 0;
      while (slice >= firsts[i + 1]) {
        i++;
      }
      TernaryLinear layer = layers.get(i);
      layer.slice(slice - firsts[i], (tables, token, _) -> tables.read(layer.codes, x, token), outs.get(i), worker);
    });
  }

  private interface Reading {
    void run(TernaryTables tables, int token, int worker);
  }

  private void accumulate(int tokens, Reading reading, Tensor out) {
    if (codes.rows == 0 || tokens == 0) {
      return;
    }
    if (tokens == 1) {
      one(reading, out);
      return;
    }
    int threads = session.workers().threads();
    int tokenSlices = Lanes.ceilDiv(Lanes.ceilDiv(tokens, MAX_TOKENS), threads) * threads;
    int chunk = Lanes.ceilDiv(tokens, tokenSlices);
    int chunks = Lanes.ceilDiv(tokens, chunk);
    // Few tokens: rows are cut too, and each thread makes the tables for itself.
    int rowSlices = Math.min(codes.blocks(), Math.max(1, threads / chunks));
    session.workers().forEach(chunks * rowSlices, (slice, worker) -> {
      int from = slice / rowSlices * chunk;
      int part = slice % rowSlices;
      int first = (int) ((long) codes.blocks() * part / rowSlices);
      int last = (int) ((long) codes.blocks() * (part + 1) / rowSlices);
      int count = Math.min(chunk, tokens - from);
      TernaryTables[] tables = session.tables(worker, count);
      for (int t = 0; t < count; t++) {
        reading.run(tables[t], from + t, worker);
      }
      blocks(first, last, tables, from, count, out, session.scratch(worker));
    });
  }

  private void one(Reading reading, Tensor out) {
    session.workers().forEach(codes.slices.length - 1, (slice, worker) -> slice(slice, reading, out, worker));
  }

  /** A slice of one token, with tables made for it, which costs less than to have them from another processor's cache. */
  private void slice(int slice, Reading reading, Tensor out, int worker) {
    TernaryTables[] tables = session.tables(worker, 1);
    reading.run(tables[0], 0, worker);
    blocks(codes.slices[slice], codes.slices[slice + 1], tables, 0, 1, out, session.scratch(worker));
  }

  /** Piece after piece, of which one token after another looks up in its own tables. */
  private void blocks(int first, int last, TernaryTables[] tables, int firstToken, int tokens, Tensor out, Scratch scratch) {
    int width = (last - first) * ROWS;
    float[] sums = scratch.a(tokens * width);
    int rows = Math.min(width, codes.rows - first * ROWS);
    for (int t = 0; t < tokens; t++) {
      MemorySegment.copy(out.segment(), Tensor.FLOAT, at(firstToken + t, first), sums, t * width, rows);
    }
    for (int piece = 0; piece < codes.pieces(); piece++) {
      for (int t = 0; t < tokens; t++) {
        tables[t].fill(codes, piece);
        TernaryDots.add(codes, piece, first, last, tables[t], sums, t * width, scratch);
      }
    }
    for (int t = 0; t < tokens; t++) {
      MemorySegment.copy(sums, t * width, out.segment(), Tensor.FLOAT, at(firstToken + t, first), rows);
    }
  }

  /** Byte of an output. */
  private long at(int token, int block) {
    return ((long) token * codes.rows + (long) block * ROWS) * Float.BYTES;
  }
}
