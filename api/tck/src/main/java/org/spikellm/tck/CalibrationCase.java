package org.spikellm.tck;

import java.util.Map;
import org.spikellm.api.Block;
import org.spikellm.api.Calibration;
import org.spikellm.api.DType;
import org.spikellm.api.Projection;
import org.spikellm.api.Tensor;

/** A few samples for a block that trains; the quantized stream is the float one with some noise. */
final class CalibrationCase implements Calibration {

  private static final int SAMPLES = 3;
  private static final float NOISE = 0.02f;

  private final Block block;
  private final double[][][] inputs = new double[SAMPLES][][];
  private final Tensor[] targets = new Tensor[SAMPLES];
  private final float[][] absMax = new float[Projection.Source.values().length][];

  CalibrationCase(Block block) {
    this.block = block;
    Draw draw = new Draw("calibration");
    for (Projection.Source source : Projection.Source.values()) {
      absMax[source.ordinal()] = new float[block.shape().columns(source)];
    }
    for (int i = 0; i < SAMPLES; i++) {
      inputs[i] = BlockCase.inputs(draw);
      BlockOracle oracle = BlockOracle.run(block, inputs[i]);
      targets[i] = BlockOracle.tensor(oracle.output());
      for (Map.Entry<Projection.Source, double[][]> seen : oracle.inputs().entrySet()) {
        float[] largest = absMax[seen.getKey().ordinal()];
        for (double[] row : seen.getValue()) {
          for (int c = 0; c < row.length; c++) {
            largest[c] = Math.max(largest[c], (float) Math.abs(row[c]));
          }
        }
      }
      for (double[] row : inputs[i]) {
        for (int c = 0; c < row.length; c++) {
          row[c] += NOISE * draw.gaussian();
        }
      }
    }
  }

  @Override
  public int samples() {
    return SAMPLES;
  }

  @Override
  public int sequence() {
    return inputs[0].length;
  }

  @Override
  public Tensor input(int sample) {
    return BlockOracle.tensor(inputs[sample]);
  }

  @Override
  public Tensor target(int sample) {
    return targets[sample];
  }

  @Override
  public Tensor answer(int sample) {
    return BlockOracle.tensor(BlockOracle.run(block, inputs[sample]).output());
  }

  @Override
  public float[] absMax(Projection.Source source) {
    return absMax[source.ordinal()];
  }

  /** The angles that {@link BlockOracle} turns by. */
  @Override
  public Tensor rope() {
    int half = block.shape().headDim() / 2;
    Tensor table = Tensor.allocate(DType.F32, sequence(), 2 * half);
    for (int t = 0; t < sequence(); t++) {
      for (int i = 0; i < half; i++) {
        double angle = t * Math.pow(10_000, -i / (double) half);
        table.setFloat(t, i, (float) Math.cos(angle));
        table.setFloat(t, half + i, (float) Math.sin(angle));
      }
    }
    return table;
  }
}
