package org.spikellm.quantizers.gptq;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.util.EnumMap;
import java.util.Map;
import org.spikellm.api.Block;
import org.spikellm.api.BlockTask;
import org.spikellm.api.DType;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Encoding;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizedBlock;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.model.BlockInputs;
import org.spikellm.model.GramMean;
import org.spikellm.model.PreparedBlock;
import org.spikellm.model.SpikeMode;

/**
 * The linear layers of a block, one group after another: {q, k, v}, {o}, {gate, up}, {down}. Each sees the inputs that the quantized ones
 * before it make, and the Hessian of a group's inputs is gone before that of the next one is gathered (method.md §5).
 */
public final class LayerByLayer {

  /** Passes over the calibration samples: one for each group. */
  public static final int PASSES = Projection.Source.values().length;

  /**
   * How.
   *
   * @param damping added to the diagonal of the Hessian, as a fraction of its mean
   * @param activationOrder whether columns are quantized in the order of falling activations, not in their own
   * @param trueSequential whether layers see the inputs that the quantized ones before them make, and not those of the float block
   * @param gramInFile whether the Hessian is gathered in a mapped file
   */
  public record Settings(double damping, boolean activationOrder, boolean trueSequential, boolean gramInFile) {}

  private final Settings settings;
  private final BlockTask task;
  private final Session session;
  private final LayerQuantizer quantizer;
  private final PreparedBlock running;
  private final BlockInputs inputs;
  private final Map<Projection, Block.Linear> linears = new EnumMap<>(Projection.class);

  private LayerByLayer(Settings settings, BlockTask task, Session session, LayerQuantizer quantizer) {
    this.settings = settings;
    this.task = task;
    this.session = session;
    this.quantizer = quantizer;
    running = new PreparedBlock(session, encoded(task), SpikeMode.COLLAPSED);
    inputs = new BlockInputs(running, task.calibration());
  }

  /** Quantizes a block. */
  public static QuantizedBlock quantize(BlockTask task, Session session, Settings settings, LayerQuantizer quantizer) {
    LayerByLayer run = new LayerByLayer(settings, task, session, quantizer);
    for (Projection.Source source : Projection.Source.values()) {
      run.group(source);
    }
    Block block = task.block();
    return new QuantizedBlock(new Block(block.shape(), run.linears, block.attentionNorm(), block.mlpNorm(), task.keyValues()),
        new double[0]);
  }

  /** The float block, with its inputs, queries, keys and values encoded as they will be. */
  private static Block encoded(BlockTask task) {
    Block block = task.block();
    Map<Projection, Block.Linear> linears = new EnumMap<>(Projection.class);
    block.linears().forEach((projection, linear) -> linears.put(projection,
        new Block.Linear(linear.weight(), linear.bias(), task.encodings().get(projection))));
    return new Block(block.shape(), linears, block.attentionNorm(), block.mlpNorm(), task.keyValues());
  }

  private void group(Projection.Source source) {
    try (Arena arena = Arena.ofShared()) {
      Tensor hessian = hessian(source, arena);
      GroupFactors factors = new GroupFactors(hessian, settings, session, arena);
      for (Projection projection : Projection.values()) {
        if (projection.source() == source) {
          Block.Linear linear = task.block().linear(projection);
          Encoding input = task.encodings().get(projection);
          LayerQuantizer.Result result = quantizer.quantize(layer(factors, projection, linear, input));
          linears.put(projection, new Block.Linear(result.weight(), linear.bias(), result.input()));
          if (settings.trueSequential) {
            running.replace(projection, linears.get(projection));
          }
        }
      }
    }
  }

  private Layer layer(GroupFactors factors, Projection projection, Block.Linear linear, Encoding input) {
    String name = projection.tensorName();
    try {
      return factors.layer(((DenseWeight) linear.weight()).values(), input, quantizer.byInputClass(), attempt -> task.listener()
          .warning(name + ": the Hessian of its inputs is not positive definite; damped ten times more, try " + attempt));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("block " + (task.index() + 1) + ", " + name + ": " + e.getMessage(), e);
    }
  }

  /** {@code H = (2/n) Σ XᵀX} over n samples, F32 [channels, channels]. */
  private Tensor hessian(Projection.Source source, Arena arena) {
    int channels = task.block().shape().columns(source);
    int pass = source.ordinal() * task.calibration().samples();
    Tensor mean = settings.gramInFile ? mapped(arena, channels) : Tensor.allocate(arena, DType.F32, channels, channels);
    try (Arena work = Arena.ofShared()) {
      GramMean gram = new GramMean(session, mean, work);
      inputs.observe(source, gram::add, done -> task.listener().step(pass + done, PASSES * task.calibration().samples()));
    }
    float scale = 2f * task.calibration().sequence();
    session.forEach(channels, r -> {
      float[] row = new float[channels];
      mean.readRow(r, row);
      for (int c = 0; c < channels; c++) {
        row[c] *= scale;
      }
      mean.writeRow(r, row);
    });
    return mean;
  }

  private static Tensor mapped(Arena arena, int channels) {
    try {
      return MappedScratch.tensor(arena, channels, channels);
    } catch (IOException e) {
      throw new UncheckedIOException("gram=file: the temporary file cannot be made: " + e.getMessage()
          + "; choose another place with SPIKELLM_JAVA_OPTS=-Djava.io.tmpdir=DIRECTORY", e);
    }
  }
}
