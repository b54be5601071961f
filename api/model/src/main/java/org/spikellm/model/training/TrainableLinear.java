package org.spikellm.model.training;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Map;
import org.spikellm.api.Block;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Encoding;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.model.AffineQuantizer;

/**
 * A linear layer in training, {@code y = x̂ Ŵᵀ + b}: the input encoded where the task says so, the weight under LET's factors and LWC.
 *
 * <pre>
 *   ∂x̂ = ∂y Ŵ      ∂Ŵ = ∂yᵀ x̂      ∂b = Σ_t ∂y
 * </pre>
 */
final class TrainableLinear {

  private final Session session;
  private final Scratch scratch;
  private final Block.Linear linear;
  private final Encoding encoding;
  private final RowEncoding input;
  private final ChannelOrder order;
  private final QuantizationSpec spec;
  private final ClippedWeight weight;
  private final Smoothing.Use columns;
  private final Smoothing.Use rows;
  private final float[] bias;
  private final Tensor decoded;        // F32 [tokens, columns] in channel order, null where the input stays as it is
  private ClippedWeight.Factors factors;

  /**
   * A layer at the start of its training.
   *
   * @param linear dense
   * @param encoding how its input is encoded, or null
   * @param clipping whether LWC is learned, at {@code rate}
   * @param columns LET on its columns, or null
   * @param rows LET on its rows, or null
   * @param tokens a sample
   * @param arena as long as which its memory lives
   */
  TrainableLinear(Session session, Scratch scratch, Block.Linear linear, Encoding encoding, QuantizationSpec spec, boolean clipping,
      double rate, Smoothing.Use columns, Smoothing.Use rows, int tokens, Arena arena) {
    this.session = session;
    this.scratch = scratch;
    this.linear = linear;
    this.encoding = encoding;
    this.spec = spec;
    this.columns = columns;
    this.rows = rows;
    Tensor values = ((DenseWeight) linear.weight()).values();
    input = encoding == null ? null : RowEncoding.of(encoding);
    order = encoding == null ? ChannelOrder.identity(values.columns()) : encoding.order();
    weight = new ClippedWeight(session, values, order, spec, clipping, rate, arena);
    bias = linear.bias() == null ? null : linear.bias().toFloats();
    decoded = encoding == null ? null : Tensor.allocate(arena, DType.F32, tokens, values.columns());
  }

  Map<String, Parameter> parameters() {
    return weight.parameters();
  }

  /** Quantizes the weight with the parameters as they are now. */
  void quantize() {
    factors = factors();
    weight.quantize(factors);
  }

  private ClippedWeight.Factors factors() {
    float[] natural = columns == null ? ones(weight.quantized().columns()) : columns.vector();
    float[] ordered = new float[natural.length];
    order.gather(natural, ordered);
    return new ClippedWeight.Factors(ordered, rows == null ? ones(weight.quantized().rows()) : rows.vector(),
        rows != null && rows.inverse());
  }

  private static float[] ones(int length) {
    float[] ones = new float[length];
    Arrays.fill(ones, 1);
    return ones;
  }

  /**
   * Applies the layer.
   *
   * @param x F32 [tokens, columns], channels in their own order
   * @param out F32 [tokens, rows], replaced
   */
  void forward(Tensor x, Tensor out) {
    Tensor read = x;
    if (input != null) {
      input.forward(session, x, decoded);
      read = decoded;
    }
    session.matmul(read, weight.quantized(), out);
    if (bias != null) {
      float[] scaled = scaledBias();
      Rows.forEach(session, out.rows(), rows -> {
        float[] row = new float[out.columns()];
        for (int t = rows.from(); t < rows.to(); t++) {
          out.readRow(t, row);
          for (int i = 0; i < row.length; i++) {
            row[i] += scaled[i];
          }
          out.writeRow(t, row);
        }
      });
    }
  }

  private float[] scaledBias() {
    return rows == null ? bias : rows.apply(bias);
  }

  /**
   * Gathers the gradients of the parameters; after {@link #forward} of the same input.
   *
   * @param x as in {@link #forward}
   * @param gradient ∂L/∂out
   * @param inputGradient ∂L/∂x is added to it
   */
  void backward(Tensor x, Tensor gradient, Tensor inputGradient) {
    int tokens = x.rows();
    int outputs = gradient.columns();
    int inputs = x.columns();
    Tensor transposed = scratch.tensor(Scratch.Slot.WEIGHT, inputs, outputs);
    Rows.transpose(session, weight.quantized(), transposed);
    Tensor toInput = scratch.tensor(Scratch.Slot.INPUT_GRADIENT, tokens, inputs);
    session.matmul(gradient, transposed, toInput);
    if (input == null) {
      Rows.add(session, toInput, inputGradient);
    } else {
      input.backward(session, x, toInput, inputGradient, true);
    }

    Tensor outputTransposed = scratch.tensor(Scratch.Slot.OUTPUT_TRANSPOSED, outputs, tokens);
    Rows.transpose(session, gradient, outputTransposed);
    Tensor inputTransposed = scratch.tensor(Scratch.Slot.INPUT_TRANSPOSED, inputs, tokens);
    Rows.transpose(session, input == null ? x : decoded, inputTransposed);
    Tensor toWeight = scratch.tensor(Scratch.Slot.WEIGHT, outputs, inputs);
    session.matmul(outputTransposed, inputTransposed, toWeight);
    weightBackward(toWeight, outputTransposed);
  }

  private void weightBackward(Tensor toWeight, Tensor outputTransposed) {
    float[] rowGradient = new float[toWeight.rows()];
    float[] columnGradient = weight.backward(toWeight, factors, rowGradient);
    if (columns != null) {
      float[] natural = new float[columnGradient.length];
      order.scatter(columnGradient, natural);
      columns.add(natural);
    }
    if (rows != null) {
      if (bias != null) {
        float[] tokens = new float[outputTransposed.columns()];
        for (int r = 0; r < rowGradient.length; r++) {
          outputTransposed.readRow(r, tokens);
          rowGradient[r] += (float) Rows.sum(tokens, 0, tokens.length) * bias[r];
        }
      }
      rows.add(rowGradient);
    }
  }

  /** The layer with everything that was learned in its weight and bias. */
  Block.Linear fold() {
    factors = factors();
    Tensor foldedBias = bias == null ? null : Tensor.of(1, scaledBias());
    LinearWeight folded = linear.weight();
    if (spec.quantizesWeights()) {
      folded = AffineQuantizer.quantize(weight.scaled(factors), order, spec.weightBits(), spec.groupSize(),
          weight.clipping());
    } else if (columns != null || rows != null) {
      folded = inSourceType(weight.scaled(factors), ((DenseWeight) linear.weight()).values().dtype());
    }
    return new Block.Linear(folded, foldedBias, encoding);
  }

  private static DenseWeight inSourceType(Tensor values, DType type) {
    Tensor copy = Tensor.allocate(type, values.rows(), values.columns());
    for (int r = 0; r < values.rows(); r++) {
      for (int c = 0; c < values.columns(); c++) {
        copy.setFloat(r, c, values.getFloat(r, c));
      }
    }
    return new DenseWeight(copy);
  }
}
