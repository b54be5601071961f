package com.example.clipsearch;

import java.util.EnumMap;
import org.spikellm.api.Block;
import org.spikellm.api.BlockTask;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Encoding;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizedBlock;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.model.AffineQuantizer;

/**
 * Rounds every weight to the nearest of 2^bits levels between its row's extremes times a clipping factor; of some factors each
 * layer takes the one with the least squared error, Σ (W − Ŵ)².
 */
public final class ClipSearch implements QuantizationPipeline {

  private static final float[] FACTORS = {1, 0.95f, 0.9f, 0.85f, 0.8f, 0.7f};

  @Override
  public String id() {
    return "clip-search";
  }

  @Override
  public QuantizedBlock quantize(BlockTask task, Session session) {
    Block block = task.block();
    EnumMap<Projection, Block.Linear> linears = new EnumMap<>(Projection.class);
    block.linears().forEach((projection, linear) -> {
      Encoding input = task.encodings().get(projection);
      ChannelOrder order = input != null ? input.order() : ChannelOrder.identity(linear.weight().columns());
      LinearWeight weight = task.spec().quantizesWeights() ? best(((DenseWeight) linear.weight()).values(), order, task)
          : linear.weight();
      linears.put(projection, new Block.Linear(weight, linear.bias(), input));
    });
    return new QuantizedBlock(new Block(block.shape(), linears, block.attentionNorm(), block.mlpNorm(), task.keyValues()),
        new double[0]);
  }

  private static QuantizedWeight best(Tensor weight, ChannelOrder order, BlockTask task) {
    QuantizedWeight best = null;
    double least = Double.POSITIVE_INFINITY;
    for (float factor : FACTORS) {
      QuantizedWeight tried = AffineQuantizer.quantize(weight, order, task.spec().weightBits(), task.spec().groupSize(),
          AffineQuantizer.Clipping.of(factor));
      double error = squaredError(weight, tried.dequantize());
      if (best == null || error < least) {
        best = tried;
        least = error;
      }
    }
    return best;
  }

  private static double squaredError(Tensor a, Tensor b) {
    double sum = 0;
    float[] left = new float[a.columns()];
    float[] right = new float[a.columns()];
    for (int i = 0; i < a.rows(); i++) {
      a.readRow(i, left);
      b.readRow(i, right);
      for (int j = 0; j < left.length; j++) {
        double difference = left[j] - right[j];
        sum += difference * difference;
      }
    }
    return sum;
  }
}
