package org.spikellm.quantizers.omniquant;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.spikellm.api.Block;
import org.spikellm.api.BlockTask;
import org.spikellm.api.Calibration;
import org.spikellm.api.DType;
import org.spikellm.api.Provider;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizedBlock;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.model.training.SquaredError;
import org.spikellm.model.training.TrainableBlock;
import org.spikellm.quantizers.Knobs;

/**
 * OmniQuant with optimal brain spiking (method.md §4): learnable weight clipping and learnable equivalent transformation, trained on the
 * squared error of the spiking block's output, one sample a step, then folded into the block.
 */
public final class OmniQuant implements QuantizationPipeline {

  private static final String EPOCHS = "epochs";
  private static final String LWC = "lwc";
  private static final String LET = "let";
  private static final String LWC_RATE = "lwc-lr";
  private static final String LET_RATE = "let-lr";
  private static final String ALPHA = "alpha";
  private static final String AUGMENTED = "aug-loss";
  private static final Map<String, String> DEFAULTS = Map.of(EPOCHS, "20", LWC, "true", LET, "true", LWC_RATE, "1e-2", LET_RATE, "1e-3",
      ALPHA, "0.75", AUGMENTED, "false");

  private final int epochs;
  private final boolean augmented;
  private final TrainableBlock.Settings settings;

  /** With the options' defaults. */
  public OmniQuant() {
    this(new Knobs("omniquant", DEFAULTS));
  }

  private OmniQuant(Knobs knobs) {
    epochs = knobs.integer(EPOCHS, 0, 10_000);
    augmented = knobs.flag(AUGMENTED);
    settings = new TrainableBlock.Settings(knobs.flag(LWC), knobs.number(LWC_RATE, 0, 1), knobs.flag(LET),
        knobs.number(LET_RATE, 0, 1), knobs.number(ALPHA, 0, 1));
  }

  @Override
  public String id() {
    return "omniquant";
  }

  @Override
  public Map<String, String> options() {
    return DEFAULTS;
  }

  @Override
  public Provider configure(Map<String, String> options) {
    Map<String, String> all = new TreeMap<>(DEFAULTS);
    all.putAll(options);
    return new OmniQuant(new Knobs("omniquant", all));
  }

  @Override
  public int calibrationPasses() {
    return Math.max(1, epochs);
  }

  @Override
  public QuantizedBlock quantize(BlockTask task, Session session) {
    try (TrainableBlock block = new TrainableBlock(session, task, settings); Arena arena = Arena.ofShared()) {
      double[] losses = block.parameters().isEmpty() ? new double[0] : new Training(block, task, session, arena).run();
      Block folded = block.fold();
      block.parameters().forEach((name, parameter) -> task.listener().learned(name, parameter.values()));
      return new QuantizedBlock(folded, losses);
    }
  }

  /** The training of one block. */
  private final class Training {

    private final TrainableBlock block;
    private final BlockTask task;
    private final Calibration calibration;
    private final Session session;
    private final Tensor gradient;

    Training(TrainableBlock block, BlockTask task, Session session, Arena arena) {
      this.block = block;
      this.task = task;
      this.session = session;
      calibration = task.calibration();
      gradient = Tensor.allocate(arena, DType.F32, calibration.sequence(), task.block().shape().hidden());
    }

    /** The mean loss of every epoch that came to its end. */
    double[] run() {
      double[] losses = new double[epochs];
      int samples = calibration.samples();
      for (int epoch = 0; epoch < epochs; epoch++) {
        double sum = 0;
        for (int sample = 0; sample < samples; sample++) {
          double loss = step(sample);
          if (!Double.isFinite(loss)) {
            block.restore();
            task.listener().warning("the loss of epoch " + (epoch + 1) + ", sample " + (sample + 1)
                + " is not finite; the block keeps the parameters from before");
            return Arrays.copyOf(losses, epoch);
          }
          sum += loss;
          task.listener().step(epoch * samples + sample + 1, epochs * samples);
        }
        losses[epoch] = sum / samples;
        task.listener().epoch(epoch, losses[epoch]);
      }
      if (!block.isFinite()) {
        block.restore();
        task.listener().warning("the last step's gradient is not finite; the block keeps the parameters from before");
      }
      return losses;
    }

    private double step(int sample) {
      block.begin();
      Tensor out = block.forward(calibration.input(sample));
      gradient.clear();
      double loss = SquaredError.of(session, out, calibration.target(sample), gradient);
      if (augmented) {
        loss += SquaredError.of(session, out, calibration.answer(sample), gradient);
      }
      if (Double.isFinite(loss)) {
        block.keep();
        block.backward(gradient);
        block.update();
      }
      return loss;
    }
  }
}
