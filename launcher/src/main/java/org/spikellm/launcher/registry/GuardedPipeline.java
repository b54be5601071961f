package org.spikellm.launcher.registry;

import java.util.stream.DoubleStream;
import org.spikellm.api.Block;
import org.spikellm.api.BlockTask;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.PartlyBinaryWeight;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedBlock;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;

/** A plug-in's pipeline: the block that it makes must be one of the same shape, and its numbers finite. */
final class GuardedPipeline extends Guarded<QuantizationPipeline> implements QuantizationPipeline {

  GuardedPipeline(QuantizationPipeline pipeline, Guard guard) {
    super(pipeline, guard);
  }

  @Override
  public QuantizedBlock quantize(BlockTask task, Session session) {
    QuantizedBlock result = guard.call("quantize", () -> provider.quantize(task, session));
    String where = "quantize made of block " + (task.index() + 1) + " ";
    guard.require(result.block() != null && result.losses() != null, where + "nothing");
    Block block = result.block();
    guard.require(block.shape().equals(task.block().shape()), where + "one of shape " + block.shape() + ", expected "
        + task.block().shape());
    guard.require(DoubleStream.of(result.losses()).allMatch(Double::isFinite), where + "losses that are not finite");
    guard.require(Guard.finite(block.attentionNorm()) && Guard.finite(block.mlpNorm()), where + "norms that are not finite");
    block.linears().forEach((projection, linear) -> guard.require(finite(linear.weight())
        && (linear.bias() == null || Guard.finite(linear.bias())), where + projection.tensorName()
        + " with numbers that are not finite"));
    return result;
  }

  private static boolean finite(LinearWeight weight) {
    return switch (weight) {
      case DenseWeight dense -> Guard.finite(dense.values());
      case QuantizedWeight quantized -> quantized.classes().stream().map(CodeClass::scales).allMatch(Guard::finite);
      case PartlyBinaryWeight binary -> Guard.finite(binary.levels()) && Guard.finite(binary.scales());
    };
  }

  @Override
  public int calibrationPasses() {
    return guard.call("calibrationPasses", provider::calibrationPasses);
  }

  @Override
  public boolean needsFloatStream() {
    return guard.call("needsFloatStream", provider::needsFloatStream);
  }

  @Override
  public QuantizationSpec defaults(NeuronModel neuron) {
    return guard.ask("defaults", () -> provider.defaults(neuron));
  }

  @Override
  public void check(QuantizationSpec spec, NeuronModel neuron) {
    guard.ask("check", () -> {
      provider.check(spec, neuron);
      return true;
    });
  }
}
