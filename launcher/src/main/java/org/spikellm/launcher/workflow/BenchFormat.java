package org.spikellm.launcher.workflow;

import java.util.Locale;
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
  W8A8(8, 8, 1, 0);

  private static final int ROW_BYTES = DType.F32.bytes() + DType.I16.bytes();

  private final QuantizationSpec spec;

  BenchFormat(int weightBits, int activationBits, int timeSteps, double salient) {
    spec = new QuantizationSpec(weightBits, activationBits, timeSteps, salient, 0, 0);
  }

  /** Bits, time steps and salient fraction; one scale a row. */
  public QuantizationSpec spec() {
    return spec;
  }

  /** Bytes of the weights of one block: codes, with scale and zero point of every row, or F16. */
  public long blockBytes(BlockShape shape) {
    if (!spec.quantizesWeights()) {
      return shape.weights() * DType.F16.bytes();
    }
    long bytes = 0;
    for (Projection projection : Projection.values()) {
      bytes += shape.rows(projection) * (long) (CodeClass.packedBytes(shape.columns(projection), spec.weightBits()) + ROW_BYTES);
    }
    return bytes;
  }

  /** As {@code --format} has it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
