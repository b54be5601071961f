package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.Tensor;

/**
 * {@code out += x Wᵀ} for inputs in float: a stretch of a block's codes becomes a panel of weights (code − zero) · scale in the
 * first cache, which the float tile multiplies. The sums of a row run over the stretches in order, whatever the rows beside it.
 */
final class FloatLinear {

  private static final int LANES = Lanes.COUNT;
  private static final int BLOCK = Lanes.BLOCK;

  private FloatLinear() {}

  static void accumulate(PackedCodes[] classes, ChannelOrder order, Tensor x, Tensor out, SimdSession session) {
    int rows = out.columns();
    int tokens = x.rows();
    int panels = Lanes.ceilDiv(tokens, DenseTile.ROWS);
    for (int c = 0; c < classes.length; c++) {
      PackedCodes codes = classes[c];
      if (codes.groups == 0) {
        continue;
      }
      int[] channels = channels(codes, order, order.start(c));
      float[] left = session.shared(panels * channels.length * DenseTile.ROWS);
      session.workers().forEach(panels, (panel, worker) -> gather(x, panel, channels, left, session.scratch(worker)));
      int blocks = codes.blocks();
      int grain = session.grain(blocks, tokens * (long) codes.columns * BLOCK);
      session.workers().forEach(Lanes.ceilDiv(blocks, grain), (slice, worker) -> {
        for (int block = slice * grain; block < Math.min(blocks, (slice + 1) * grain); block++) {
          block(codes, block, left, tokens, rows, out, session.scratch(worker));
        }
      });
    }
  }

  /** The channel of each column in the order of the steps, −1 where a group's last step is not full. */
  private static int[] channels(PackedCodes codes, ChannelOrder order, int start) {
    int perStep = codes.layout.perStep();
    int[] channels = new int[codes.steps * perStep];
    Arrays.fill(channels, -1);
    for (int g = 0; g < codes.groups; g++) {
      System.arraycopy(order.order(), start + codes.groupStart(g), channels, codes.groupStep(g) * perStep,
          codes.groupEnd(g) - codes.groupStart(g));
    }
    return channels;
  }

  private static void gather(Tensor x, int panel, int[] channels, float[] left, Scratch scratch) {
    float[] row = scratch.d(x.columns());
    int at = panel * channels.length * DenseTile.ROWS;
    for (int r = 0; r < DenseTile.ROWS; r++) {
      int token = panel * DenseTile.ROWS + r;
      boolean empty = token >= x.rows();
      if (!empty) {
        DenseProduct.read(x, token, 0, x.columns(), row, false);
      }
      for (int k = 0; k < channels.length; k++) {
        left[at + k * DenseTile.ROWS + r] = empty || channels[k] < 0 ? 0 : row[channels[k]];
      }
    }
  }

  private static void block(PackedCodes codes, int block, float[] left, int tokens, int rows, Tensor out, Scratch scratch) {
    int perStep = codes.layout.perStep();
    int span = DenseTile.DEPTH / perStep;
    float[] panel = scratch.b(span * perStep * BLOCK);
    float[] tile = scratch.c(DenseTile.ROWS * BLOCK);
    int columns = Math.min(BLOCK, rows - block * BLOCK);
    for (int g = 0; g < codes.groups; g++) {
      for (int w = codes.groupStep(g); w < codes.groupStepEnd(g); w += span) {
        int end = Math.min(codes.groupStepEnd(g), w + span);
        MemorySegment words = codes.from(block, w);
        for (int lane = 0; lane < BLOCK; lane += LANES) {
          weights(codes, words, end - w, codes.group(block, g), lane, panel);
        }
        for (int t = 0; t < tokens; t += DenseTile.ROWS) {
          DenseTile.multiply(left, (t * codes.steps + w * DenseTile.ROWS) * perStep, panel, 0, (end - w) * perStep, tile,
              Math.min(DenseTile.ROWS, tokens - t), columns, out.segment(), ((long) t * rows + block * BLOCK) * Float.BYTES,
              rows * 4L, true);
        }
      }
    }
  }

  /** Panel [columns of the steps][BLOCK], one vector of rows of it. */
  private static void weights(PackedCodes codes, MemorySegment words, int steps, long group, int lane, float[] panel) {
    IntVector zeros = IntVector.fromMemorySegment(Lanes.INTS, codes.memory, group + PackedCodes.ZEROS + lane * 4L, Lanes.ORDER);
    FloatVector scales = FloatVector.fromMemorySegment(Lanes.FLOATS, codes.memory, group + lane * 4L, Lanes.ORDER);
    boolean twoRows = codes.layout.twoRows();
    // A block's later rows lie in vectors of their own, or in the odd bytes of both.
    int low = twoRows && lane > 0 ? 8 : 0;
    int at = lane;
    for (int step = 0; step < steps; step++) {
      for (int v = twoRows ? 0 : lane; v <= (twoRows ? LANES : lane); v += LANES) {
        IntVector word = IntVector.fromMemorySegment(Lanes.INTS, words, (step * BLOCK + v) * 4, Lanes.ORDER);
        at = weights(codes.layout, word.lanewise(VectorOperators.LSHR, low), zeros, scales, panel, at);
        at = weights(codes.layout, word.lanewise(VectorOperators.LSHR, 16 + low), zeros, scales, panel, at);
      }
    }
  }

  /** The columns of half a lane; returns where the next one goes. */
  private static int weights(CodeLayout layout, IntVector half, IntVector zeros, FloatVector scales, float[] panel, int at) {
    int mask = layout.maxCode();
    IntVector rest = half;
    int end = at + layout.perHalf() * BLOCK;
    for (int i = at; i < end; i += BLOCK) {
      ((FloatVector) rest.and(mask).sub(zeros).convert(VectorOperators.I2F, 0)).mul(scales).intoArray(panel, i);
      rest = rest.lanewise(VectorOperators.LSHR, layout.bits());
    }
    return end;
  }
}
