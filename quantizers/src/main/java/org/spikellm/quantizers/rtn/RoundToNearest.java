package org.spikellm.quantizers.rtn;

import java.util.EnumMap;
import java.util.Map;
import org.spikellm.api.Block;
import org.spikellm.api.BlockTask;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Encoding;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.Provider;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedBlock;
import org.spikellm.api.Session;
import org.spikellm.model.AffineQuantizer;
import org.spikellm.quantizers.Knobs;

/**
 * Round to nearest (method.md §2, §4): every weight to the nearest of 2^bits levels between its row's clipped extremes, without training
 * or error feedback. The clipping factor is where OmniQuant's training starts, so that this is its zeroth epoch; 1 is plain min/max.
 */
public final class RoundToNearest implements QuantizationPipeline {

  private static final String CLIP = "clip";
  /** σ(4), method.md §4. */
  private static final String DEFAULT_CLIP = "0.98201376";

  private final float clip;

  /** With the default clipping. */
  public RoundToNearest() {
    this(Float.parseFloat(DEFAULT_CLIP));
  }

  private RoundToNearest(float clip) {
    this.clip = clip;
  }

  @Override
  public String id() {
    return "rtn";
  }

  @Override
  public Map<String, String> options() {
    return Map.of(CLIP, DEFAULT_CLIP);
  }

  @Override
  public Provider configure(Map<String, String> options) {
    String value = options.getOrDefault(CLIP, DEFAULT_CLIP);
    return new RoundToNearest((float) new Knobs(id(), Map.of(CLIP, value)).number(CLIP, 1e-6, 1));
  }

  @Override
  public QuantizedBlock quantize(BlockTask task, Session session) {
    Block block = task.block();
    QuantizationSpec spec = task.spec();
    EnumMap<Projection, Block.Linear> linears = new EnumMap<>(Projection.class);
    block.linears().forEach((projection, linear) -> {
      Encoding input = task.encodings().get(projection);
      ChannelOrder order = input != null ? input.order() : ChannelOrder.identity(linear.weight().columns());
      LinearWeight weight = spec.quantizesWeights()
          ? AffineQuantizer.quantize(((DenseWeight) linear.weight()).values(), order, spec.weightBits(), spec.groupSize(), AffineQuantizer.Clipping.of(clip))
          : linear.weight();
      linears.put(projection, new Block.Linear(weight, linear.bias(), input));
    });
    return new QuantizedBlock(new Block(block.shape(), linears, block.attentionNorm(), block.mlpNorm(), task.keyValues()),
        new double[0]);
  }
}
