package org.spikellm.tck;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.spikellm.api.Block;
import org.spikellm.api.BlockTask;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.Encoding;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizedBlock;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** A small correct pipeline, weights rounded to the nearest of a row's or group's levels; the faults override a part. */
public class NaivePipeline implements QuantizationPipeline {

  @Override
  public String id() {
    return "naive";
  }

  @Override
  public QuantizedBlock quantize(BlockTask task, Session session) {
    Map<Projection, Block.Linear> linears = new EnumMap<>(Projection.class);
    for (Projection projection : Projection.values()) {
      Block.Linear linear = task.block().linear(projection);
      Encoding encoding = task.encodings().get(projection);
      ChannelOrder order = encoding == null ? ChannelOrder.identity(linear.weight().columns()) : encoding.order();
      QuantizedWeight weight = weight(BlockOracle.weights(linear.weight()), order, task);
      linears.put(projection, new Block.Linear(weight, linear.bias(), encoding));
    }
    Block block = new Block(task.block().shape(), linears, task.block().attentionNorm(), task.block().mlpNorm(),
        task.keyValues());
    return new QuantizedBlock(block, new double[0]);
  }

  QuantizedWeight weight(Tensor values, ChannelOrder order, BlockTask task) {
    List<CodeClass> classes = new ArrayList<>();
    int bits = task.spec().weightBits();
    for (int c = 0; c < order.classes(); c++) {
      int columns = order.end(c) - order.start(c);
      int group = task.spec().groupSize() == 0 ? Math.max(1, columns) : task.spec().groupSize();
      int[] groupEnds = CodeClass.groupEnds(columns, group);
      int groups = groupEnds.length;
      CodeClass codes = new CodeClass(columns, bits, 0, groupEnds,
          Tensor.allocate(DType.U8, values.rows(), CodeClass.packedBytes(columns, bits)),
          Tensor.allocate(DType.F32, values.rows(), groups), Tensor.allocate(DType.I16, values.rows(), groups));
      for (int r = 0; r < values.rows(); r++) {
        for (int g = 0; g < groups; g++) {
          round(values, order, c, codes, r, g);
        }
      }
      classes.add(codes);
    }
    return new QuantizedWeight(values.rows(), order, classes);
  }

  private static void round(Tensor values, ChannelOrder order, int c, CodeClass codes, int r, int g) {
    float low = 0;
    float high = 0;
    for (int j = codes.groupStart(g); j < codes.groupEnd(g); j++) {
      float value = values.getFloat(r, order.order()[order.start(c) + j]);
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    int top = (1 << codes.bits()) - 1;
    float scale = Math.max((high - low) / top, 1e-9f);
    int zero = (int) Math.rint(-low / scale);
    codes.scales().setFloat(r, g, scale);
    codes.zeros().setInt(r, g, zero);
    for (int j = codes.groupStart(g); j < codes.groupEnd(g); j++) {
      float value = values.getFloat(r, order.order()[order.start(c) + j]);
      codes.setCode(r, j, (int) Math.clamp(Math.rint(value / scale) + zero, 0, top));
    }
  }
}
