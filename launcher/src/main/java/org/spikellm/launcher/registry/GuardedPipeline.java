package org.spikellm.launcher.registry;

import java.util.Map;
import java.util.stream.DoubleStream;
import org.spikellm.api.Block;
import org.spikellm.api.BlockTask;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.PartlyBinaryWeight;
import org.spikellm.api.Provider;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedBlock;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;

/** A plug-in's pipeline: the block that it makes must be one of the same shape, and its numbers finite. */
final class GuardedPipeline implements QuantizationPipeline {

  private final QuantizationPipeline pipeline;
  private final Guard guard;

  GuardedPipeline(QuantizationPipeline pipeline, Guard guard) {
    this.pipeline = pipeline;
    this.guard = guard;
  }

  @Override
  public String id() {
    return guard.id();
  }

  @Override
  public Map<String, String> options() {
    return guard.call("options", pipeline::options);
  }

  @Override
  public Provider configure(Map<String, String> options) {
    return new GuardedPipeline((QuantizationPipeline) guard.ask("configure", () -> pipeline.configure(options)), guard);
  }

  @Override
  public QuantizedBlock quantize(BlockTask task, Session session) {
    QuantizedBlock result = guard.call("quantize", () -> pipeline.quantize(task, session));
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
    return guard.call("calibrationPasses", pipeline::calibrationPasses);
  }

  @Override
  public boolean needsFloatStream() {
    return guard.call("needsFloatStream", pipeline::needsFloatStream);
  }

  @Override
  public QuantizationSpec defaults(NeuronModel neuron) {
    return guard.ask("defaults", () -> pipeline.defaults(neuron));
  }

  @Override
  public void check(QuantizationSpec spec, NeuronModel neuron) {
    guard.ask("check", () -> {
      pipeline.check(spec, neuron);
      return true;
    });
  }
}
