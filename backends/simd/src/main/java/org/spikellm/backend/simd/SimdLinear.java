package org.spikellm.backend.simd;

import java.util.Arrays;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** A quantized linear layer on codes in tiles: those of the weight, where it has such, else copies. */
final class SimdLinear implements SpikingLinear {

  /** Tokens from which codes are unpacked once for all of them; below, each token reads the packed ones. */
  private static final int MIN_TILED_TOKENS = CodePanel.TOKENS;

  /** Sums that wait for their scales, which then come as one stretch of memory: 16 KB. */
  private static final int SUMS = 1 << 12;

  /** Pairs of columns without overflow from which 8-bit codes are multiplied in 16 bits and widened later. */
  private static final int MIN_SHORT_PAIRS = 8;

  private static final int LANES = Lanes.COUNT;

  private final SimdSession session;
  private final int vectors;
  private final int rows;
  private final ChannelOrder order;
  private final TiledCodes[] classes;
  private final Warmup.Stage stage;

  SimdLinear(QuantizedWeight weight, SimdSession session) {
    this(weight, session, Lanes.VECTORS);
  }

  /**
   * A layer.
   *
   * @param vectors vectors of rows at once, 1 or {@link CodeStreams#VECTORS}
   */
  SimdLinear(QuantizedWeight weight, SimdSession session, int vectors) {
    this.session = session;
    this.vectors = vectors;
    rows = weight.rows();
    order = weight.order();
    stage = Warmup.stage(weight, null);
    classes = TiledCodes.of(weight.classes(), session.weights(), session.workers());
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public boolean keepsWeight() {
    return Arrays.stream(classes).anyMatch(c -> c.inPlace);
  }

  @Override
  public int columns() {
    return order.channels();
  }

  @Override
  public void accumulate(SpikeTrain x, Tensor out) {
    Shapes.accumulate(x, order, rows, out);
    session.checkOpen();
    int tokens = x.tokens();
    if (tokens == 0 || rows == 0) {
      return;
    }
    if (session.plain(stage, tokens, (long) rows * columns()) && plain(x, out)) {
      return;
    }
    boolean tiled = tokens >= MIN_TILED_TOKENS && session.forMany(stage);
    StagedSpikes[] staged = stage(x, !tiled);
    int blocks = Lanes.ceilDiv(rows, Lanes.BLOCK);
    if (tiled) {
      int grain = session.grain(blocks, tokens * (long) columns() * Lanes.BLOCK);
      session.workers().forEach(Lanes.ceilDiv(blocks, grain), (slice, worker) -> {
        for (int block = slice * grain; block < Math.min(blocks, (slice + 1) * grain); block++) {
          tiles(block, staged, tokens, out, session.scratch(worker));
        }
      });
      return;
    }
    int[] slices = session.longSlices(Lanes.ceilDiv(rows, vectors * LANES));
    session.workers().forEach(slices.length / 2, (slice, worker) -> {
      for (int c = 0; c < classes.length; c++) {
        few(classes[c], vectors * slices[2 * slice], vectors * slices[2 * slice + 1], staged[c], tokens, out, session.scratch(worker));
      }
    });
  }

  /** Without vectors; false, and nothing is done, where integers may not fit. */
  private boolean plain(SpikeTrain x, Tensor out) {
    PlainCodes[] plain = new PlainCodes[classes.length];
    for (int c = 0; c < classes.length; c++) {
      plain[c] = PlainCodes.of(classes[c], x, c, session.scratch(0).row);
      if (plain[c] == null) {
        return false;
      }
    }
    session.workers().forEach(plain[0].slices(), (slice, worker) -> {
      for (PlainCodes codes : plain) {
        codes.accumulate(slice, out, session.scratch(worker));
      }
    });
    return true;
  }

  private void tiles(int block, StagedSpikes[] staged, int tokens, Tensor out, Scratch scratch) {
    for (int c = 0; c < classes.length; c++) {
      if (staged[c].anyWide) {
        few(classes[c], 2 * block, 2 * block + 2, staged[c], tokens, out, scratch);
      } else {
        tiles(classes[c], block, staged[c], tokens, out, scratch);
      }
    }
  }

  /** Vectors of rows, for a few tokens: sums in the order in which the codes lie, and then their scales. */
  private void few(TiledCodes codes, int first, int end, StagedSpikes x, int tokens, Tensor out, Scratch scratch) {
    int length = tokens * codes.groups * LANES;   // of a vector of rows: [tokens][groups][LANES]
    if (length == 0) {
      return;
    }
    int last = Math.min(end, codes.vectors());
    int some = Math.max(1, SUMS / length / vectors) * vectors;
    int[] sums = scratch.sums(some * length);
    for (int from = first; from < last; from += some) {
      int to = Math.min(last, from + some);
      for (int vector = from, at = 0; vector < to; vector += vectors, at += vectors * length) {
        for (int t = 0; t < tokens; t++) {
          if (!x.isWide(t)) {
            sums(codes, vector, x, t, sums, at + t * codes.groups * LANES, length, scratch);
          }
        }
      }
      for (int vector = from, at = 0; vector < to; vector++) {
        int count = Math.min(LANES, rows - vector * LANES);
        for (int t = 0; t < tokens; t++, at += codes.groups * LANES) {
          long outAt = ((long) t * rows + (long) vector * LANES) * Float.BYTES;
          if (x.isWide(t)) {
            wide(codes, vector, x, t, out, outAt, count, scratch);
          } else {
            GroupScale.addGroups(codes, vector, sums, at, x, t, out.segment(), outAt, count);
          }
        }
      }
    }
  }

  /** Σ a·c of some vectors of rows and a token, [groups][LANES], each of a vector {@code length} on. */
  private void sums(TiledCodes codes, int vector, StagedSpikes x, int t, int[] sums, int at, int length, Scratch scratch) {
    int largest = x.balanced[t] ? Balanced.MARK : x.maxActivation;
    for (int g = 0; g < codes.groups; g++) {
      CodeDots.dots(codes, vector, vectors, g, x.pairs, t * x.stride, largest, sums, at + g * LANES, length, scratch);
    }
    if (x.highPairs != null && !x.balanced[t]) {
      int[] high = scratch.digits(vectors * LANES);
      for (int g = 0; g < codes.groups; g++) {
        CodeDots.dots(codes, vector, vectors, g, x.highPairs, t * x.stride, 0xff, high, 0, LANES, scratch);
        for (int s = 0; s < vectors; s++) {
          CodeDots.addHigh(high, s * LANES, sums, at + s * length + g * LANES, LANES);
        }
      }
    }
  }

  private StagedSpikes[] stage(SpikeTrain x, boolean balance) {
    StagedSpikes[] staged = new StagedSpikes[classes.length];
    int tokens = x.tokens();
    for (int c = 0; c < classes.length; c++) {
      staged[c] = new StagedSpikes(classes[c], tokens, balance, session.staging(c));
    }
    int grain = session.grain(tokens, columns());
    session.workers().forEach(Lanes.ceilDiv(tokens, grain), (slice, worker) -> {
      for (int c = 0; c < classes.length; c++) {
        if (classes[c].groups > 0) {
          staged[c].stage(x, c, slice * grain, Math.min(tokens, (slice + 1) * grain), session.scratch(worker).row);
        }
      }
    });
    return staged;
  }

  private int blockRows(int block) {
    return Math.min(Lanes.BLOCK, rows - block * Lanes.BLOCK);
  }

  private long outAt(int token, int block) {
    return ((long) token * rows + (long) block * Lanes.BLOCK) * Float.BYTES;
  }

  /** A token of unusual range: digits of 8 bits, summed span by span in long. */
  private static void wide(TiledCodes codes, int vector, StagedSpikes x, int t, Tensor out, long outAt, int count, Scratch scratch) {
    int[] pairs = scratch.pairs(x.stride);
    int[] part = scratch.dots(LANES);
    long[] dots = new long[codes.groups * LANES];
    for (int d = 0; d < x.digitCount(t); d++) {
      x.digits(t, d, scratch.row, pairs);
      for (int g = 0; g < codes.groups; g++) {
        int span = CodeDots.span(codes.layout, 0xff);
        for (int s = codes.groupStep(g); s < codes.groupStepEnd(g); s += span) {
          CodeDots.dots(codes, vector, 1, g, s, Math.min(codes.groupStepEnd(g), s + span), pairs, 0, 0xff, part, 0, LANES, scratch);
          for (int lane = 0; lane < LANES; lane++) {
            dots[g * LANES + lane] += (long) part[lane] << 8 * d;
          }
        }
      }
    }
    long[] group = new long[LANES];
    for (int g = 0; g < codes.groups; g++) {
      System.arraycopy(dots, g * LANES, group, 0, LANES);
      GroupScale.addWide(codes, vector, g, group, x.wideSum(t, g), x.shifts[t], x.thetas[t], out.segment(), outAt, count);
    }
  }

  /** All tokens of a block: span by span, each unpacked once. */
  private void tiles(TiledCodes codes, int block, StagedSpikes x, int tokens, Tensor out, Scratch scratch) {
    int[] dots = scratch.dots(tokens * Lanes.BLOCK);
    for (int g = 0; g < codes.groups; g++) {
      tiles(codes, block, g, x.pairs, x.stride, x.maxActivation, tokens, dots, scratch);
      if (x.highPairs != null) {
        int[] high = scratch.digits(tokens * Lanes.BLOCK);
        tiles(codes, block, g, x.highPairs, x.stride, 0xff, tokens, high, scratch);
        CodeDots.addHigh(high, 0, dots, 0, tokens * Lanes.BLOCK);
      }
      GroupScale.addTokens(codes, block, g, dots, x, tokens, out.segment(), outAt(0, block), rows * 4L, blockRows(block));
    }
  }

  /** Σ a·c of one group for all tokens, [tokens][BLOCK]. */
  private static void tiles(TiledCodes codes, int block, int group, int[] acts, int stride, int maxActivation, int tokens,
      int[] dots, Scratch scratch) {
    int pairs = codes.layout.pairs();
    boolean inShorts = codes.layout.bits() < 8 || 0xffff / (codes.layout.maxCode() * maxActivation) >= MIN_SHORT_PAIRS;
    int span = inShorts ? CodeDots.span(codes.layout, maxActivation) : CodeDots.SPAN_COLUMNS / codes.layout.perLine();
    short[] panel = scratch.panel(span * pairs * 2 * Lanes.BLOCK);
    short[] sums = scratch.shorts(CodePanel.TOKENS * 2 * Lanes.BLOCK);
    int from = codes.groupStep(group);
    for (int s = from; s < codes.groupStepEnd(group); s += span) {
      int end = Math.min(codes.groupStepEnd(group), s + span);
      for (int v = 0; v < 2; v++) {
        CodePanel.unpack(codes.layout, codes.codes, codes.at(2 * block + v, codes.line(group) + s - from), end - s, panel, v);
      }
      if (inShorts) {
        shortTiles(panel, (end - s) * pairs, acts, stride, s * pairs, tokens, sums, dots, s > from);
      } else {
        byteTiles(panel, (end - s) * pairs, acts, stride, s * pairs, tokens, dots, s > from);
      }
    }
  }

  private static void shortTiles(short[] panel, int count, int[] acts, int stride, int at, int tokens, short[] sums, int[] dots,
      boolean add) {
    int t = 0;
    for (; t + CodePanel.TOKENS <= tokens; t += CodePanel.TOKENS) {
      CodePanel.four(panel, count, acts, t * stride + at, stride, sums);
      CodePanel.widen(sums, dots, t * Lanes.BLOCK, CodePanel.TOKENS * Lanes.BLOCK, add);
    }
    for (; t < tokens; t++) {
      CodePanel.one(panel, count, acts, t * stride + at, sums);
      CodePanel.widen(sums, dots, t * Lanes.BLOCK, Lanes.BLOCK, add);
    }
  }

  private static void byteTiles(short[] panel, int count, int[] acts, int stride, int at, int tokens, int[] dots, boolean add) {
    int t = 0;
    for (; t + 2 <= tokens; t += 2) {
      CodePanel.twoBytes(panel, count, acts, t * stride + at, stride, dots, t * Lanes.BLOCK, add);
    }
    for (; t < tokens; t++) {
      CodePanel.oneBytes(panel, count, acts, t * stride + at, dots, t * Lanes.BLOCK, add);
    }
  }

  @Override
  public void accumulate(Tensor x, Tensor out) {
    Shapes.f32("linear input", x, x.rows(), columns());
    Shapes.f32("linear output", out, x.rows(), rows);
    session.checkOpen();
    if (x.rows() > 0 && rows > 0) {
      session.plain(Warmup.Stage.FLOAT_INPUTS, x.rows(), (long) rows * columns());
      FloatLinear.accumulate(classes, order, x, out, session);
    }
  }
}
