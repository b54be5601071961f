package org.spikellm.quantizers.gptq;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import org.spikellm.api.BlockTask;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Provider;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedBlock;
import org.spikellm.api.Session;
import org.spikellm.quantizers.Knobs;

/**
 * GPTQ (arXiv 2210.17323), and its spiking form (SpikeLLM §4.3, method.md §5): with a neuron that fires both signs the weights become spike
 * trains, of one time step or, where columns are salient, of more; with any other they become uniform levels.
 */
public final class Gptq implements QuantizationPipeline {

  private static final String ID = "gptq";
  private static final String PLAN = "plan";
  private static final String WEIGHTS = "weights";
  private static final String BY_NEURON = "neuron";
  private static final String UNIFORM = "uniform";
  private static final String TERNARY = "ternary";
  private static final int TERNARY_BITS = 2;
  private static final String SCALES = "scales";
  private static final String HALF = "half";
  private static final Map<String, String> DEFAULTS =
      GptqOptions.with(Map.of(PLAN, "0.8:1,0.1:2,0.1:4", WEIGHTS, BY_NEURON, SCALES, HALF));

  private final SpikePlan plan;
  private final String weights;
  private final DType scaleType;
  private final int blockSize;
  private final LayerByLayer.Settings settings;

  /** With the options' defaults. */
  public Gptq() {
    this(new Knobs(ID, DEFAULTS));
  }

  private Gptq(Knobs knobs) {
    plan = knobs.parsed(PLAN, SpikePlan::parse);
    weights = knobs.choice(WEIGHTS, BY_NEURON, UNIFORM, TERNARY);
    scaleType = knobs.choice(SCALES, HALF, "float").equals(HALF) ? DType.F16 : DType.F32;
    blockSize = GptqOptions.blockSize(knobs);
    settings = GptqOptions.settings(knobs);
  }

  @Override
  public String id() {
    return ID;
  }

  @Override
  public Map<String, String> options() {
    return DEFAULTS;
  }

  @Override
  public Provider configure(Map<String, String> options) {
    Map<String, String> all = new TreeMap<>(DEFAULTS);
    all.putAll(options);
    return new Gptq(new Knobs(ID, all));
  }

  @Override
  public int calibrationPasses() {
    return LayerByLayer.PASSES;
  }

  @Override
  public boolean needsFloatStream() {
    return false;
  }

  /** Weights only; spiking ones in ternary steps. */
  @Override
  public QuantizationSpec defaults(NeuronModel neuron) {
    QuantizationSpec usual = QuantizationSpec.DEFAULT;
    return new QuantizationSpec(train(neuron, TERNARY_BITS) == null ? usual.weightBits() : TERNARY_BITS, QuantizationSpec.FLOAT_BITS,
        usual.timeSteps(), usual.salient(), usual.groupSize(), usual.seed());
  }

  /** The dynamics of a weight's train of so many steps, each of {@code bits} bits; null where weights are uniform levels. */
  private IntFunction<Dynamics> train(NeuronModel neuron, int bits) {
    if (weights.equals(TERNARY)) {
      return steps -> new Dynamics(1, 1, -1, 1, steps);
    }
    boolean fires = weights.equals(BY_NEURON) && neuron != null && neuron.collapsible() && neuron.dynamics(bits, 1).bidirectional();
    return fires ? steps -> neuron.dynamics(bits, steps) : null;
  }

  @Override
  public void check(QuantizationSpec spec, NeuronModel neuron) {
    layers(spec, neuron);
  }

  @Override
  public QuantizedBlock quantize(BlockTask task, Session session) {
    QuantizationSpec spec = task.spec();
    return LayerByLayer.quantize(task, session, settings, layers(spec, task.neuron()));
  }

  private LayerQuantizer layers(QuantizationSpec spec, NeuronModel neuron) {
    if (!spec.quantizesWeights()) {
      throw new IllegalArgumentException("pipeline '" + ID + "' quantizes weights: expected --weight-bits 2 to 8, found "
          + spec.weightBits());
    }
    IntFunction<Dynamics> train = train(neuron, spec.weightBits());
    if (train == null) {
      return new UniformLayer(spec.weightBits(), spec.groupSize(), blockSize);
    }
    if (spec.groupSize() > 0) {
      throw new IllegalArgumentException("pipeline '" + ID + "': --group-size is for uniform weights; spike trains share a scale by "
          + "--block-size, found --group-size " + spec.groupSize());
    }
    if (weights.equals(TERNARY) && spec.weightBits() != TERNARY_BITS) {
      throw new IllegalArgumentException("pipeline '" + ID + "': ternary steps have --weight-bits " + TERNARY_BITS + ", found "
          + spec.weightBits() + "; --plan says how many steps there are");
    }
    int count = train.apply(plan.mostSteps()).countHigh();
    if (2 * count > 255) {
      throw new IllegalArgumentException("pipeline '" + ID + "': expected counts of weights up to 127, found " + count
          + "; use fewer steps in --plan or fewer --weight-bits");
    }
    return new SpikingLayer(plan, blockSize, train, scaleType);
  }
}
