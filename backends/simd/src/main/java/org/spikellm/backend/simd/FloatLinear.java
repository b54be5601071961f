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

  static void accumulate(TiledCodes[] classes, ChannelOrder order, Tensor x, Tensor out, SimdSession session) {
    int rows = out.columns();
    int tokens = x.rows();
    int panels = Lanes.ceilDiv(tokens, DenseTile.ROWS);
    for (int c = 0; c < classes.length; c++) {
      TiledCodes codes = classes[c];
      if (codes.groups == 0) {
        continue;
      }
      int[] channels = channels(codes, order, order.start(c));
      float[] left = session.shared(panels * channels.length * DenseTile.ROWS);
      session.workers().forEach(panels, (panel, worker) -> gather(x, panel, channels, left, session.scratch(worker)));
      int blocks = Lanes.ceilDiv(codes.rows, BLOCK);
      int grain = session.grain(blocks, tokens * (long) codes.columns * BLOCK);
      session.workers().forEach(Lanes.ceilDiv(blocks, grain), (slice, worker) -> {
        for (int block = slice * grain; block < Math.min(blocks, (slice + 1) * grain); block++) {
          block(codes, block, left, tokens, rows, out, session.scratch(worker));
        }
      });
    }
  }

  /** The channel of each place of the steps, −1 where the column is of no group, or of another. */
  private static int[] channels(TiledCodes codes, ChannelOrder order, int start) {
    int[] channels = new int[codes.places()];
    Arrays.fill(channels, -1);
    for (int g = 0; g < codes.groups; g++) {
      System.arraycopy(order.order(), start + codes.groupStart(g), channels, codes.place(g), codes.groupEnd(g) - codes.groupStart(g));
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

  private static void block(TiledCodes codes, int block, float[] left, int tokens, int rows, Tensor out, Scratch scratch) {
    int perLine = codes.layout.perLine();
    int span = DenseTile.DEPTH / perLine;
    float[] panel = scratch.b(span * perLine * BLOCK);
    float[] tile = scratch.c(DenseTile.ROWS * BLOCK);
    int columns = Math.min(BLOCK, rows - block * BLOCK);
    for (int g = 0; g < codes.groups; g++) {
      int from = codes.groupStep(g);
      for (int s = from; s < codes.groupStepEnd(g); s += span) {
        int end = Math.min(codes.groupStepEnd(g), s + span);
        for (int v = 0; v < 2; v++) {
          weights(codes, 2 * block + v, g, codes.line(g) + s - from, end - s, panel, v * LANES);
        }
        for (int t = 0; t < tokens; t += DenseTile.ROWS) {
          DenseTile.multiply(left, (t * codes.steps + s * DenseTile.ROWS) * perLine, panel, 0, (end - s) * perLine, tile,
              Math.min(DenseTile.ROWS, tokens - t), columns, out.segment(), ((long) t * rows + block * BLOCK) * Float.BYTES,
              rows * 4L, true);
        }
      }
    }
  }

  /** Panel [columns of some lines][BLOCK], one vector of rows of it. */
  private static void weights(TiledCodes codes, int vector, int group, int line, int lines, float[] panel, int lane) {
    long factors = codes.factors(vector, group);
    IntVector zeros = IntVector.fromMemorySegment(Lanes.INTS, codes.factors, factors + TiledCodes.ZEROS, Lanes.ORDER);
    FloatVector scales = FloatVector.fromMemorySegment(Lanes.FLOATS, codes.factors, factors, Lanes.ORDER);
    CodeLayout layout = codes.layout;
    long at = codes.at(vector, line);
    int to = lane;
    for (int l = 0; l < lines; l++, at += layout.lineBytes()) {
      for (int unit = 0; unit < layout.units(); unit++, to += 4 * BLOCK) {
        IntVector bytes = layout.bits() == 3 ? threes(codes.codes, at, unit)
            : load(codes.codes, at).lanewise(VectorOperators.LSHR, unit * layout.bits());
        weights(bytes, layout.maxCode(), zeros, scales, panel, to);
      }
    }
  }

  private static IntVector load(MemorySegment codes, long at) {
    return IntVector.fromMemorySegment(Lanes.INTS, codes, at, Lanes.ORDER);
  }

  /** A unit of codes of 3 bits, in the lower bits of bytes. */
  private static IntVector threes(MemorySegment codes, long at, int unit) {
    long part = CodeLayout.TILE_ROWS * Integer.BYTES;
    IntVector low = load(codes, at + unit / 4 * part).lanewise(VectorOperators.LSHR, unit % 4 * 2).and(0x03030303);
    IntVector high = load(codes, at + 2 * part).lanewise(VectorOperators.LSHR, unit).and(0x01010101);
    return low.or(high.lanewise(VectorOperators.LSHL, 2));
  }

  /** The columns of a unit. */
  private static void weights(IntVector bytes, int mask, IntVector zeros, FloatVector scales, float[] panel, int at) {
    IntVector rest = bytes;
    for (int i = at; i < at + 4 * BLOCK; i += BLOCK) {
      ((FloatVector) rest.and(mask).sub(zeros).convert(VectorOperators.I2F, 0)).mul(scales).intoArray(panel, i);
      rest = rest.lanewise(VectorOperators.LSHR, 8);
    }
  }
}
