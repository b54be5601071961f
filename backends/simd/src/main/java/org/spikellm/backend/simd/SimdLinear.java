package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** A quantized linear layer on repacked codes; of the weight it was made from only the channel order is kept. */
final class SimdLinear implements SpikingLinear {

  /** Tokens from which codes are unpacked once for all of them; below, each token reads the packed ones. */
  private static final int MIN_TILED_TOKENS = CodeTiles.TOKENS;

  /** Pairs of columns without overflow from which 8-bit codes are multiplied in 16 bits and widened later. */
  private static final int MIN_SHORT_PAIRS = 8;

  private final SimdSession session;
  private final int rows;
  private final ChannelOrder order;
  private final PackedCodes[] classes;
  private final Warmup.Stage stage;

  SimdLinear(QuantizedWeight weight, SimdSession session) {
    this.session = session;
    rows = weight.rows();
    order = weight.order();
    stage = Warmup.stage(weight);
    classes = weight.classes().stream().map(c -> PackedCodes.of(c, session.weights(), session.workers()))
        .toArray(PackedCodes[]::new);
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public boolean keepsWeight() {
    return false;
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
    if (session.plain(stage) && plain(x, out)) {
      return;
    }
    boolean tiled = tokens >= MIN_TILED_TOKENS;
    StagedSpikes[] staged = stage(x, !tiled);
    int blocks = Lanes.ceilDiv(rows, Lanes.BLOCK);
    int[] ends = tiled ? equalSlices(blocks, session.grain(blocks, tokens * (long) columns() * Lanes.BLOCK))
        : session.longSlices(blocks, BalancedDots.BLOCKS, 2);
    session.workers().forEach(ends.length, (slice, worker) -> {
      int first = slice == 0 ? 0 : ends[slice - 1];
      for (int c = 0; c < classes.length; c++) {
        if (classes[c].groups > 0) {
          blocks(classes[c], staged[c], first, ends[slice], tiled, tokens, out, session.scratch(worker));
        }
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
    session.workers().forEach(Lanes.ceilDiv(rows, Lanes.BLOCK), (block, worker) -> {
      for (PlainCodes codes : plain) {
        codes.accumulate(block, out, session.scratch(worker));
      }
    });
    return true;
  }

  private static int[] equalSlices(int blocks, int grain) {
    return IntStream.range(0, Lanes.ceilDiv(blocks, grain)).map(slice -> Math.min(blocks, (slice + 1) * grain)).toArray();
  }

  private void blocks(PackedCodes codes, StagedSpikes x, int first, int last, boolean tiled, int tokens, Tensor out,
      Scratch scratch) {
    if (tiled && !x.anyWide) {
      for (int block = first; block < last; block++) {
        tiles(codes, block, x, tokens, out, scratch);
      }
      return;
    }
    for (int t = 0; t < tokens; t++) {
      if (x.balanced[t] != null) {
        balanced(codes, first, last, x, t, out, scratch);
        continue;
      }
      for (int block = first; block < last; block++) {
        if (x.isWide(t)) {
          wideToken(codes, block, x, t, out, scratch);
        } else {
          token(codes, block, x, t, out, scratch);
        }
      }
    }
  }

  /** Some blocks at a time, as far apart as there are for each; what is left over, alone. */
  private static void balanced(PackedCodes codes, int first, int last, StagedSpikes x, int t, Tensor out, Scratch scratch) {
    int together = BalancedDots.together(x.balanced[t].inPairs());
    int part = (last - first) / together;
    for (int block = first; block < first + part; block++) {
      balanced(codes, block, together, part, x, t, out, scratch);
    }
    for (int block = first + together * part; block < last; block++) {
      balanced(codes, block, 1, 0, x, t, out, scratch);
    }
  }

  private static void balanced(PackedCodes codes, int block, int count, int stride, StagedSpikes x, int t, Tensor out,
      Scratch scratch) {
    int length = codes.groups * Lanes.BLOCK;
    int[] dots = scratch.dots(count * length);
    short[] sums = scratch.shorts(count * 2 * Lanes.BLOCK);
    StagedSpikes.Balanced balanced = x.balanced[t];
    BalancedDots.dots(codes, block, count, stride, balanced.factors(), balanced.at(), balanced.biases(), balanced.inPairs(),
        dots, sums);
    for (int b = 0; b < count; b++) {
      int row = (block + b * stride) * Lanes.BLOCK;
      GroupScale.addGroups(codes, block + b * stride, dots, b * length, x.groupSums, t * codes.groups, (int) x.shifts[t],
          x.thetas[t], out.segment(), ((long) t * codes.rows + row) * Float.BYTES, Math.min(Lanes.BLOCK, codes.rows - row));
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

  private static void token(PackedCodes codes, int block, StagedSpikes x, int t, Tensor out, Scratch scratch) {
    int[] dots = scratch.dots(codes.groups * Lanes.BLOCK);
    MemorySegment words = codes.block(block);
    CodeDots.dots(codes, words, x.pairs, t * x.stride, x.maxActivation, dots, scratch);
    if (x.highPairs != null) {
      int[] high = scratch.digits(codes.groups * Lanes.BLOCK);
      CodeDots.dots(codes, words, x.highPairs, t * x.stride, 0xff, high, scratch);
      CodeDots.addHigh(high, dots, 0, codes.groups * Lanes.BLOCK);
    }
    int first = block * Lanes.BLOCK;
    GroupScale.addGroups(codes, block, dots, 0, x.groupSums, t * codes.groups, (int) x.shifts[t], x.thetas[t],
        out.segment(), ((long) t * codes.rows + first) * Float.BYTES, Math.min(Lanes.BLOCK, codes.rows - first));
  }

  /** A token of unusual range: digits of 8 bits, summed span by span in long. */
  private static void wideToken(PackedCodes codes, int block, StagedSpikes x, int t, Tensor out, Scratch scratch) {
    int[] digit = scratch.digits(codes.columns);
    int[] pairs = scratch.pairs(x.stride);
    long[] dots = new long[codes.groups * Lanes.BLOCK];
    int[] part = scratch.dots(Lanes.BLOCK);
    short[] sums = scratch.shorts(2 * Lanes.BLOCK);
    int span = CodeDots.span(codes, 255);
    MemorySegment words = codes.block(block);
    for (int d = 0; d < x.digitCount(t); d++) {
      x.digits(t, d, digit, pairs);
      for (int g = 0; g < codes.groups; g++) {
        for (int w = codes.groupStep(g); w < codes.groupStepEnd(g); w += span) {
          int end = Math.min(codes.groupStepEnd(g), w + span);
          if (codes.layout.bits() == 8) {
            CodeDots.bytes(words, w, end, pairs, 0, part, 0);
          } else {
            CodeDots.spans(codes.layout, words, w, end, span, pairs, 0, 255, sums);
            CodeDots.widen(sums, part, 0, Lanes.BLOCK);
          }
          for (int lane = 0; lane < Lanes.BLOCK; lane++) {
            dots[g * Lanes.BLOCK + lane] += (long) part[lane] << 8 * d;
          }
        }
      }
    }
    int first = block * Lanes.BLOCK;
    long[] group = new long[Lanes.BLOCK];
    for (int g = 0; g < codes.groups; g++) {
      System.arraycopy(dots, g * Lanes.BLOCK, group, 0, Lanes.BLOCK);
      GroupScale.addWide(codes, block, g, group, x.wideSum(t, g), x.shifts[t], x.thetas[t], out.segment(),
          ((long) t * codes.rows + first) * Float.BYTES, Math.min(Lanes.BLOCK, codes.rows - first));
    }
  }

  /** All tokens of a block: span by span, each unpacked once. */
  private void tiles(PackedCodes codes, int block, StagedSpikes x, int tokens, Tensor out, Scratch scratch) {
    int[] dots = scratch.dots(tokens * Lanes.BLOCK);
    for (int g = 0; g < codes.groups; g++) {
      tiles(codes, block, g, x.pairs, x.stride, x.maxActivation, tokens, dots, scratch);
      if (x.highPairs != null) {
        int[] high = scratch.digits(tokens * Lanes.BLOCK);
        tiles(codes, block, g, x.highPairs, x.stride, 0xff, tokens, high, scratch);
        CodeDots.addHigh(high, dots, 0, tokens * Lanes.BLOCK);
      }
      GroupScale.addTokens(codes, block, g, dots, x, tokens, out.segment(), outAt(0, block), rows * 4L, blockRows(block));
    }
  }

  /** Σ a·c of one group for all tokens, [tokens][BLOCK]. */
  private static void tiles(PackedCodes codes, int block, int group, int[] acts, int stride, int maxActivation, int tokens,
      int[] dots, Scratch scratch) {
    int pairs = codes.layout.pairs();
    boolean inShorts = codes.layout.bits() < 8 || 0xffff / (codes.layout.maxCode() * maxActivation) >= MIN_SHORT_PAIRS;
    int span = inShorts ? CodeDots.span(codes, maxActivation) : CodeDots.SPAN_COLUMNS / codes.layout.perStep();
    short[] panel = scratch.panel(span * pairs * 2 * Lanes.BLOCK);
    short[] sums = scratch.shorts(CodeTiles.TOKENS * 2 * Lanes.BLOCK);
    MemorySegment words = codes.block(block);
    int from = codes.groupStep(group);
    for (int s = from; s < codes.groupStepEnd(group); s += span) {
      int end = Math.min(codes.groupStepEnd(group), s + span);
      CodeTiles.unpack(codes.layout, words, s, end, panel);
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
    for (; t + CodeTiles.TOKENS <= tokens; t += CodeTiles.TOKENS) {
      CodeTiles.four(panel, count, acts, t * stride + at, stride, sums);
      CodeTiles.widen(sums, dots, t * Lanes.BLOCK, CodeTiles.TOKENS * Lanes.BLOCK, add);
    }
    for (; t < tokens; t++) {
      CodeTiles.one(panel, count, acts, t * stride + at, sums);
      CodeTiles.widen(sums, dots, t * Lanes.BLOCK, Lanes.BLOCK, add);
    }
  }

  private static void byteTiles(short[] panel, int count, int[] acts, int stride, int at, int tokens, int[] dots, boolean add) {
    int t = 0;
    for (; t + 2 <= tokens; t += 2) {
      CodeTiles.twoBytes(panel, count, acts, t * stride + at, stride, dots, t * Lanes.BLOCK, add);
    }
    for (; t < tokens; t++) {
      CodeTiles.oneBytes(panel, count, acts, t * stride + at, dots, t * Lanes.BLOCK, add);
    }
  }

  @Override
  public void accumulate(Tensor x, Tensor out) {
    Shapes.f32("linear input", x, x.rows(), columns());
    Shapes.f32("linear output", out, x.rows(), rows);
    session.checkOpen();
    if (x.rows() > 0 && rows > 0) {
      FloatLinear.accumulate(classes, order, x, out, session);
    }
  }
}
