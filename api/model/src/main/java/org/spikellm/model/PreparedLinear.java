package org.spikellm.model;

import java.lang.foreign.Arena;
import org.spikellm.api.Block;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Encoding;
import org.spikellm.api.PartlyBinaryWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** A linear layer ready to run: {@code y = x Wᵀ + b}, with the input encoded as spikes where the layer says so. */
final class PreparedLinear {

  private final Session session;
  private final Tensor dense;
  private final SpikingLinear quantized;
  private final Tensor bias;
  private final boolean keepsWeight;
  private final Encoding encoding;

  PreparedLinear(Session session, Block.Linear linear, SpikeMode mode) {
    this.session = session;
    this.dense = switch (linear.weight()) {
      case DenseWeight weight -> weight.values();
      case PartlyBinaryWeight weight -> weight.dequantize();
      case QuantizedWeight weight -> null;
    };
    this.encoding = linear.input() == null ? null : mode.apply(linear.input());
    this.quantized = linear.weight() instanceof QuantizedWeight weight
        ? session.prepare(session.readsTiles() ? weight : weight.inRows(Arena.ofAuto()), encoding) : null;
    this.bias = linear.bias();
    this.keepsWeight = linear.weight() instanceof DenseWeight || quantized != null && quantized.keepsWeight();
  }

  /** What another way to run it needs to know. */
  DecoderPlan.Linear plan() {
    return new DecoderPlan.Linear(quantized, dense, bias, encoding);
  }

  /** Whether the weight's tensors are read from, and not copies of them. */
  boolean keepsWeight() {
    return keepsWeight;
  }

  /**
   * Applies the layer.
   *
   * @param x F32 [tokens, columns]
   * @param out F32 [tokens, rows], replaced
   * @param projection which layer it is, for the observer
   * @param observer is told of the input
   */
  void apply(Tensor x, Tensor out, Workspace workspace, Projection projection, LinearObserver observer) {
    SpikeTrain train = null;
    if (encoding != null) {
      train = workspace.train(encoding, x.rows());
      session.encode(x, encoding, train);
    }
    observer.input(projection, x.rows(), train, encoding);
    if (dense != null) {
      Tensor input = x;
      if (train != null) {
        input = workspace.decoded(x.rows(), x.columns());
        train.decode(input);
      }
      session.matmul(input, dense, out);
      addBias(out);
      return;
    }
    clear(out);
    if (train != null) {
      quantized.accumulate(train, out);
    } else {
      quantized.accumulate(x, out);
    }
  }

  /** Whether it is {@link #quantized} and its input stays in float: then it is applied by {@link #begin} and the session. */
  boolean addsFloats() {
    return quantized != null && encoding == null;
  }

  /** The layer's weights where they are quantized, else null. */
  SpikingLinear quantized() {
    return quantized;
  }

  /** Tells the observer of the input, and makes {@code out} what the product is added to. */
  void begin(Tensor x, Tensor out, Projection projection, LinearObserver observer) {
    observer.input(projection, x.rows(), null, null);
    clear(out);
  }

  private void clear(Tensor out) {
    out.clear();
    addBias(out);
  }

  private void addBias(Tensor out) {
    if (bias == null) {
      return;
    }
    for (int t = 0; t < out.rows(); t++) {
      for (int c = 0; c < out.columns(); c++) {
        out.setFloat(t, c, out.getFloat(t, c) + bias.getFloat(0, c));
      }
    }
  }
}
