package org.spikellm.quantizers.pbllm;

import java.lang.foreign.Arena;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.PartlyBinaryWeight;
import org.spikellm.api.SpikeRange;
import org.spikellm.api.Tensor;
import org.spikellm.quantizers.gptq.ErrorFeedback;
import org.spikellm.quantizers.gptq.Layer;
import org.spikellm.quantizers.gptq.LayerQuantizer;
import org.spikellm.quantizers.gptq.RowQuantizer;

/**
 * One layer of PB-LLM (method.md §5). What is low, and what the levels are, is decided before the first column: low are the elements with
 * the smallest {@code W² / U_jj²} of the layer; a row's levels are μ ± α, μ their mean and α the mean of |w − μ|; the codes of the others
 * have the range of the whole row.
 *
 * @param low fraction of the elements that get one of two levels
 * @param blockSize columns after which the rest of the weight is updated
 */
record PartlyBinaryLayer(double low, int blockSize) implements LayerQuantizer {

  private static final Dynamics LEVELS = new Dynamics(1, 1, 0, 255, 1);

  @Override
  public Result quantize(Layer layer) {
    Tensor weight = layer.weight();
    int bytes = CodeClass.packedBytes(weight.columns(), 1);
    Tensor mask = Tensor.allocate(DType.U8, weight.rows(), bytes);
    long codes = mark(layer, new Importance(layer).threshold(low), mask);
    PartlyBinaryWeight binary = new PartlyBinaryWeight(weight.columns(), mask, Tensor.allocate(DType.U8, weight.rows(), bytes),
        Tensor.allocate(DType.F32, weight.rows(), 2), Tensor.allocate(DType.F32, weight.rows(), 1),
        Tensor.allocate(DType.I16, weight.rows(), 1), Tensor.allocate(DType.U8, 1, Math.toIntExact(codes)));
    try (Arena arena = Arena.ofShared()) {
      Rows rows = new Rows(binary, layer.channels(), Tensor.allocate(arena, DType.U8, weight.rows(), weight.columns()));
      ErrorFeedback.run(weight, layer.factor(), layer.blockEnds(blockSize), rows, layer.session());
      rows.gatherCodes();
    }
    return new Result(binary, layer.input());
  }

  /** Sets the bits of the elements that are not low; returns how many there are. */
  private static long mark(Layer layer, float threshold, Tensor mask) {
    Importance importance = new Importance(layer);
    long marked = 0;
    float[] row = new float[layer.weight().columns()];
    for (int r = 0; r < mask.rows(); r++) {
      layer.weight().readRow(r, row);
      for (int j = 0; j < row.length; j++) {
        if (importance.of(row[j], j) > threshold) {
          set(mask, r, layer.channels()[j]);
          marked++;
        }
      }
    }
    return marked;
  }

  private static void set(Tensor bits, int row, int column) {
    bits.setInt(row, column / 8, bits.getInt(row, column / 8) | 1 << column % 8);
  }

  private static boolean isSet(Tensor bits, int row, int column) {
    return (bits.getInt(row, column / 8) >> column % 8 & 1) != 0;
  }

  /**
   * Levels and ranges are those of the row before anything of it was quantized.
   *
   * @param dense U8 [rows, columns]: the codes, each where its element stands
   */
  private record Rows(PartlyBinaryWeight binary, int[] channels, Tensor dense) implements RowQuantizer {

    @Override
    public void fit(int row, int from, int to, Tensor weights) {
      if (from > 0) {
        return;
      }
      float[] w = new float[weights.columns()];
      weights.readRow(row, w);
      float least = Float.POSITIVE_INFINITY;
      float most = Float.NEGATIVE_INFINITY;
      double sum = 0;
      int count = 0;
      for (int j = 0; j < w.length; j++) {
        least = Math.min(least, w[j]);
        most = Math.max(most, w[j]);
        if (isLow(row, j)) {
          sum += w[j];
          count++;
        }
      }
      double mean = count == 0 ? 0 : sum / count;
      double distance = 0;
      for (int j = 0; j < w.length; j++) {
        distance += isLow(row, j) ? Math.abs(w[j] - mean) : 0;
      }
      double alpha = count == 0 ? 0 : distance / count;
      binary.levels().setFloat(row, 0, (float) (mean - alpha));
      binary.levels().setFloat(row, 1, (float) (mean + alpha));
      SpikeRange range = SpikeRange.of(least, most, LEVELS);
      binary.scales().setFloat(row, 0, range.theta());
      binary.zeros().setInt(row, 0, range.zero());
    }

    private boolean isLow(int row, int column) {
      return !isSet(binary.mask(), row, channels[column]);
    }

    @Override
    public float quantize(int row, int column, float weight) {
      int channel = channels[column];
      if (isLow(row, column)) {
        float lower = binary.levels().getFloat(row, 0);
        float higher = binary.levels().getFloat(row, 1);
        boolean up = weight >= (lower + higher) / 2;
        if (up) {
          set(binary.signs(), row, channel);
        }
        return up ? higher : lower;
      }
      SpikeRange range = new SpikeRange(binary.scales().getFloat(row, 0), binary.zeros().getInt(row, 0));
      int code = (int) Math.min(Math.max(range.current(weight), 0), LEVELS.countHigh());
      dense.setInt(row, channel, code);
      return range.decode(code);
    }

    /** The codes without the gaps between them. */
    void gatherCodes() {
      int next = 0;
      for (int r = 0; r < binary.rows(); r++) {
        for (int channel = 0; channel < binary.columns(); channel++) {
          if (isSet(binary.mask(), r, channel)) {
            binary.codes().setInt(0, next++, dense.getInt(r, channel));
          }
        }
      }
    }
  }
}
