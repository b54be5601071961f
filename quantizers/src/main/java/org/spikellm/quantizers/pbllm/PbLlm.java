package org.spikellm.quantizers.pbllm;

import java.util.Map;
import java.util.TreeMap;
import org.spikellm.api.BlockTask;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Provider;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedBlock;
import org.spikellm.api.Session;
import org.spikellm.quantizers.Knobs;
import org.spikellm.quantizers.gptq.GptqOptions;
import org.spikellm.quantizers.gptq.LayerByLayer;

/**
 * PB-LLM (arXiv 2310.00034, method.md §5), for comparison: most weights become one of two levels of their row, the salient ones 8-bit codes,
 * with GPTQ's error feedback. {@code low-fraction} 0.95 has the cost of the 1.4 equal steps of ternary spikes.
 */
public final class PbLlm implements QuantizationPipeline {

  private static final String ID = "pb-llm";
  private static final String LOW = "low-fraction";
  private static final int HIGH_BITS = 8;
  private static final Map<String, String> DEFAULTS = GptqOptions.with(Map.of(LOW, "0.9"));

  private final double low;
  private final int blockSize;
  private final LayerByLayer.Settings settings;

  /** With the options' defaults. */
  public PbLlm() {
    this(new Knobs(ID, DEFAULTS));
  }

  private PbLlm(Knobs knobs) {
    low = knobs.number(LOW, 0, 1);
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
    return new PbLlm(new Knobs(ID, all));
  }

  @Override
  public int calibrationPasses() {
    return LayerByLayer.PASSES;
  }

  @Override
  public boolean needsFloatStream() {
    return false;
  }

  /** Weights only; those that are not low have 8 bits. */
  @Override
  public QuantizationSpec defaults(NeuronModel neuron) {
    QuantizationSpec usual = QuantizationSpec.DEFAULT;
    return new QuantizationSpec(HIGH_BITS, QuantizationSpec.FLOAT_BITS, usual.timeSteps(), usual.salient(), 0, usual.seed());
  }

  @Override
  public void check(QuantizationSpec spec, NeuronModel neuron) {
    if (spec.weightBits() != HIGH_BITS || spec.groupSize() != 0) {
      throw new IllegalArgumentException("pipeline '" + ID + "' has two levels a row, and 8 bits for the weights that are not low: expected "
          + "--weight-bits 8 and --group-size 0, found " + spec.weightBits() + " and " + spec.groupSize()
          + "; --low-fraction says how many are low");
    }
  }

  @Override
  public QuantizedBlock quantize(BlockTask task, Session session) {
    check(task.spec(), task.neuron());
    return LayerByLayer.quantize(task, session, settings, new PartlyBinaryLayer(low, blockSize));
  }
}
