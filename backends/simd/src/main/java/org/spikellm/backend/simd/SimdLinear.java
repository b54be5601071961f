package org.spikellm.backend.simd;

import java.util.Arrays;
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

  /** Sums that wait for their scales, which then come as one stretch of memory: 16 KB. */
  private static final int SUMS = 1 << 12;

  /** Pairs of columns without overflow from which 8-bit codes are multiplied in 16 bits and widened later. */
  private static final int MIN_SHORT_PAIRS = 8;

  private final SimdSession session;
  private final int rows;
  private final ChannelOrder order;
  private final PackedCodes[] classes;
  /** Of all classes. */
  private final int groups;
  private final Warmup.Stage stage;

  SimdLinear(QuantizedWeight weight, SimdSession session) {
    this.session = session;
    rows = weight.rows();
    order = weight.order();
    stage = Warmup.stage(weight);
    classes = PackedCodes.of(weight.classes(), session.weights(), session.workers());
    groups = Arrays.stream(classes).mapToInt(c -> c.groups).sum();
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
    if (tiled) {
      int grain = session.grain(blocks, tokens * (long) columns() * Lanes.BLOCK);
      session.workers().forEach(Lanes.ceilDiv(blocks, grain), (slice, worker) -> {
        for (int block = slice * grain; block < Math.min(blocks, (slice + 1) * grain); block++) {
          tiles(block, staged, tokens, out, session.scratch(worker));
        }
      });
      return;
    }
    int[] slices = session.longSlices(Lanes.ceilDiv(blocks, PackedCodes.BAND));
    session.workers().forEach(slices.length / 2, (slice, worker) -> {
      int last = Math.min(blocks, slices[2 * slice + 1] * PackedCodes.BAND);
      int some = Math.max(1, SUMS / Math.max(1, tokens * groups * Lanes.BLOCK * PackedCodes.BAND)) * PackedCodes.BAND;
      for (int first = slices[2 * slice] * PackedCodes.BAND; first < last; first += some) {
        blocks(first, Math.min(last, first + some), staged, tokens, out, session.scratch(worker));
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

  private void tiles(int block, StagedSpikes[] staged, int tokens, Tensor out, Scratch scratch) {
    for (int c = 0; c < classes.length; c++) {
      if (staged[c].anyWide) {
        tokens(classes[c], block, staged[c], tokens, out, scratch);
      } else {
        tiles(classes[c], block, staged[c], tokens, out, scratch);
      }
    }
  }

  /** Whole bands, for a few tokens: sums in the order in which the codes lie, and then their scales. */
  private void blocks(int first, int last, StagedSpikes[] staged, int tokens, Tensor out, Scratch scratch) {
    int length = tokens * groups * Lanes.BLOCK;   // of a block: [classes][tokens][groups][BLOCK]
    int[] sums = scratch.sums((last - first) * length);
    for (int block = first; block < last; block += PackedCodes.BAND) {
      sums(block, Math.min(last, block + PackedCodes.BAND), staged, tokens, sums, (block - first) * length, length, scratch);
    }
    for (int block = first; block < last; block++) {
      int at = (block - first) * length;
      for (int c = 0; c < classes.length; c++) {
        StagedSpikes x = staged[c];
        for (int t = 0; t < tokens; t++, at += classes[c].groups * Lanes.BLOCK) {
          if (x.balanced[t] != null) {
            GroupScale.addGroups(classes[c], block, sums, at, x.groupSums, t * classes[c].groups, (int) x.shifts[t], x.thetas[t],
                out.segment(), outAt(t, block), blockRows(block));
          }
        }
        tokens(classes[c], block, x, tokens, out, scratch);
      }
    }
  }

  /** The sums of a band, of tokens whose activations lie around 0: {@code length} a block, from {@code to}. */
  private void sums(int first, int last, StagedSpikes[] staged, int tokens, int[] sums, int to, int length, Scratch scratch) {
    short[] shorts = scratch.shorts(2 * Lanes.BLOCK);
    int ofClass = to;
    for (int c = 0; c < classes.length; c++) {
      PackedCodes codes = classes[c];
      for (int step = 0; step < codes.steps; step = codes.pieceEnd(step)) {
        for (int t = 0; t < tokens; t++) {
          StagedSpikes.Balanced x = staged[c].balanced[t];
          int at = ofClass + t * codes.groups * Lanes.BLOCK;
          for (int block = first; block < last && x != null; block++, at += length) {
            BalancedDots.dots(codes, block, step, x.factors(), x.at(), x.biases(), x.inPairs(), sums, at, shorts);
          }
        }
      }
      ofClass += tokens * codes.groups * Lanes.BLOCK;
    }
  }

  /** Adds the products of a block with the tokens that are not balanced. */
  private void tokens(PackedCodes codes, int block, StagedSpikes x, int tokens, Tensor out, Scratch scratch) {
    for (int t = 0; t < tokens && codes.groups > 0; t++) {
      if (x.isWide(t)) {
        wideToken(codes, block, x, t, out, scratch);
      } else if (x.balanced[t] == null) {
        token(codes, block, x, t, out, scratch);
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

  private static void token(PackedCodes codes, int block, StagedSpikes x, int t, Tensor out, Scratch scratch) {
    int[] dots = scratch.dots(codes.groups * Lanes.BLOCK);
    CodeDots.dots(codes, block, x.pairs, t * x.stride, x.maxActivation, dots, scratch);
    if (x.highPairs != null) {
      int[] high = scratch.digits(codes.groups * Lanes.BLOCK);
      CodeDots.dots(codes, block, x.highPairs, t * x.stride, 0xff, high, scratch);
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
    for (int d = 0; d < x.digitCount(t); d++) {
      x.digits(t, d, digit, pairs);
      for (int g = 0; g < codes.groups; g++) {
        for (int w = codes.groupStep(g); w < codes.groupStepEnd(g); w += span) {
          int end = Math.min(codes.groupStepEnd(g), w + span);
          if (codes.layout.bits() == 8) {
            CodeDots.bytes(codes.from(block, 0), w, end, pairs, 0, part, 0);
          } else {
            CodeDots.spans(codes, block, w, end, span, pairs, 0, 255, sums);
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
    int from = codes.groupStep(group);
    for (int s = from; s < codes.groupStepEnd(group); s += span) {
      int end = Math.min(codes.groupStepEnd(group), s + span);
      CodeTiles.unpack(codes.layout, codes.from(block, s), 0, end - s, panel);
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
