package org.spikellm.launcher.workflow;

import java.util.Locale;
import java.util.Optional;
import org.spikellm.api.BlockShape;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationSpec;

/** The kinds of weights and activations that a shape is measured with. */
public enum BenchFormat {
  /** F16 weights, nothing encoded. */
  FLOAT(QuantizationSpec.FLOAT_BITS, QuantizationSpec.FLOAT_BITS, 1, 0),
  /** Spiking: 4-bit weights and activations, the salient tenth of the channels at two time steps. */
  W4A4(4, 4, 2, 0.10),
  /** 8-bit weights and activations, no salient channels. */
  W8A8(8, 8, 1, 0),
  /** Weights that are ternary spike trains, nothing encoded, as the GPTQ pipeline makes them by default. */
  TERNARY(RandomTrains.Plan.SALIENT, QuantizationSpec.FLOAT_BITS),
  /** The same weights, 8-bit activations. */
  TERNARY_A8(RandomTrains.Plan.SALIENT, 8),
  /** Weights of −1, 0 and 1, one time step for all, 8-bit activations. */
  TERNARY_T1(RandomTrains.Plan.ONE_STEP, 8),
  /** The same weights, 4-bit activations. */
  TERNARY_T1_A4(RandomTrains.Plan.ONE_STEP, 4);

  private static final int ROW_BYTES = DType.F32.bytes() + DType.I16.bytes();

  private final QuantizationSpec spec;
  private final RandomTrains.Plan plan;

  BenchFormat(int weightBits, int activationBits, int timeSteps, double salient) {
    spec = new QuantizationSpec(weightBits, activationBits, timeSteps, salient, 0, 0);
    plan = null;
  }

  BenchFormat(RandomTrains.Plan plan, int activationBits) {
    spec = new QuantizationSpec(2, activationBits, 1, 0, 0, 0);
    this.plan = plan;
  }

  /** Bits, time steps and salient fraction of activations; one scale a row, where the weights are no {@linkplain #plan trains}. */
  public QuantizationSpec spec() {
    return spec;
  }

  /** How long the columns of weights that are spike trains fire; nothing where weights are levels or floats. */
  Optional<RandomTrains.Plan> plan() {
    return Optional.ofNullable(plan);
  }

  /** About the bytes of the weights of one block: codes, with scales and zero points, or F16. */
  public long blockBytes(BlockShape shape) {
    if (!spec.quantizesWeights()) {
      return shape.weights() * DType.F16.bytes();
    }
    long bytes = 0;
    for (Projection projection : Projection.values()) {
      int rows = shape.rows(projection);
      int columns = shape.columns(projection);
      bytes += plan != null ? plan.bytes(rows, columns)
          : rows * (long) (CodeClass.packedBytes(columns, spec.weightBits()) + ROW_BYTES);
    }
    return bytes;
  }

  /** As {@code --format} has it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
