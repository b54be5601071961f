package org.spikellm.model;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.api.Block;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.PartlyBinaryWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/** A block as named tensors, in the layout of docs/checkpoint-format.md. */
final class PackedWriter {

  private PackedWriter() {}

  static Map<String, Tensor> block(String prefix, Block block) {
    // What is used in the mapped file comes first, where it is aligned.
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Map<Projection, QuantizedWeight> quantized = new EnumMap<>(Projection.class);
    block.linears().forEach((projection, linear) -> {
      if (linear.weight() instanceof QuantizedWeight weight) {
        quantized.put(projection, weight.inTiles());
        putTiles(tensors, prefix + projection.tensorName() + ".", quantized.get(projection));
      }
    });
    tensors.put(prefix + "input_layernorm.weight", block.attentionNorm());
    tensors.put(prefix + "post_attention_layernorm.weight", block.mlpNorm());
    for (Projection projection : Projection.values()) {
      Block.Linear linear = block.linear(projection);
      String name = prefix + projection.tensorName() + ".";
      switch (linear.weight()) {
        case DenseWeight dense -> {
          tensors.put(name + "weight", dense.values());
          putUncoded(tensors, name, linear.input());
        }
        case PartlyBinaryWeight binary -> {
          tensors.put(name + "binary.mask", binary.mask());
          tensors.put(name + "binary.signs", binary.signs());
          tensors.put(name + "binary.levels", binary.levels());
          tensors.put(name + "binary.scales", binary.scales());
          tensors.put(name + "binary.zeros", binary.zeros());
          tensors.put(name + "binary.codes", binary.codes());
          putUncoded(tensors, name, linear.input());
        }
        case QuantizedWeight weight -> putCodes(tensors, name, quantized.get(projection), linear.input());
      }
      if (linear.bias() != null) {
        tensors.put(name + "bias", linear.bias());
      }
    }
    if (block.keyValues() != null) {
      keyValues(tensors, prefix + "self_attn.", block);
    }
    return tensors;
  }

  /** A weight whose input is not encoded. */
  static void weight(Map<String, Tensor> tensors, String name, QuantizedWeight weight) {
    QuantizedWeight tiles = weight.inTiles();
    putTiles(tensors, name, tiles);
    putCodes(tensors, name, tiles, null);
  }

  private static void putTiles(Map<String, Tensor> tensors, String name, QuantizedWeight weight) {
    for (int c = 0; c < weight.classes().size(); c++) {
      CodeClass codes = weight.classes().get(c);
      if (codes.layout() == CodeClass.Layout.TILES && codes.columns() > 0) {
        tensors.put(name + "tiles." + c, codes.codes());
      }
    }
  }

  /** All of a weight but its tiles. */
  private static void putCodes(Map<String, Tensor> tensors, String name, QuantizedWeight weight, Encoding input) {
    Tensor table = putOrder(tensors, name, weight.order(), input);
    CodeClass first = weight.classes().getFirst();
    for (int c = 0; c < weight.classes().size(); c++) {
      CodeClass codes = weight.classes().get(c);
      table.setInt(c, 1, codes.bits());
      table.setInt(c, 2, groupSize(codes));
      table.setInt(c, 3, codes.timeSteps());
      if (codes.columns() == 0) {
        continue;
      }
      if (codes.layout() == CodeClass.Layout.ROWS) {
        tensors.put(name + "codes." + c, codes.codes());
      }
      if (groupSize(codes) == 0) {
        tensors.put(name + "groups." + c, integers(codes.groupEnds()));
      }
      if (c == 0 || codes.scales() != first.scales()) {
        tensors.put(name + "scales." + c, codes.scales());
        tensors.put(name + "zeros." + c, codes.zeros());
      }
    }
  }

  /** Columns of every group, or 0 where they are not of one size. */
  private static int groupSize(CodeClass codes) {
    int size = Math.max(1, codes.groups() == 0 ? 1 : codes.groupEnd(0));
    return Arrays.equals(codes.groupEnds(), CodeClass.groupEnds(codes.columns(), size)) ? size : 0;
  }

  /** Order and classes of a weight that is not stored as codes, where its input is encoded. */
  private static void putUncoded(Map<String, Tensor> tensors, String name, Encoding input) {
    if (input != null) {
      Tensor table = putOrder(tensors, name, input.order(), input);
      for (int c = 0; c < table.rows(); c++) {
        table.setInt(c, 1, QuantizationSpec.FLOAT_BITS);
      }
    }
  }

  /** Returns the table of classes, which says only how many columns they have. */
  private static Tensor putOrder(Map<String, Tensor> tensors, String name, ChannelOrder order, Encoding input) {
    Tensor classes = Tensor.allocate(DType.I32, order.classes(), 4);
    for (int c = 0; c < order.classes(); c++) {
      classes.setInt(c, 0, order.end(c) - order.start(c));
    }
    tensors.put(name + "classes", classes);
    if (input != null) {
      tensors.put(name + "dynamics", dynamics(input.dynamics()));
    }
    if (!order.isIdentity()) {
      tensors.put(name + "order", integers(order.order()));
    }
    return classes;
  }

  private static Tensor integers(int[] values) {
    Tensor tensor = Tensor.allocate(DType.I32, 1, values.length);
    for (int i = 0; i < values.length; i++) {
      tensor.setInt(0, i, values[i]);
    }
    return tensor;
  }

  /** A row for each: threshold, leak, lowest level, highest level, time steps. */
  private static Tensor dynamics(List<Dynamics> dynamics) {
    Tensor table = Tensor.allocate(DType.F32, dynamics.size(), 5);
    for (int row = 0; row < dynamics.size(); row++) {
      Dynamics d = dynamics.get(row);
      table.writeRow(row, new float[] {d.threshold(), d.leak(), d.lowLevel(), d.highLevel(), d.timeSteps()});
    }
    return table;
  }

  private static void keyValues(Map<String, Tensor> tensors, String name, Block block) {
    KeyValueEncoding encoding = block.keyValues();
    int heads = block.shape().kvHeads();
    tensors.put(name + "dynamics", dynamics(List.of(encoding.plain(), encoding.salient())));
    tensors.put(name + "key_low", Tensor.of(heads, encoding.keyLow()));
    tensors.put(name + "key_high", Tensor.of(heads, encoding.keyHigh()));
    tensors.put(name + "key_salient", flags(heads, encoding.keySalient()));
    tensors.put(name + "value_salient", flags(heads, encoding.valueSalient()));
  }

  private static Tensor flags(int rows, boolean[] flags) {
    Tensor tensor = Tensor.allocate(DType.U8, rows, flags.length / rows);
    for (int i = 0; i < flags.length; i++) {
      tensor.segment().set(Tensor.BYTE, i, (byte) (flags[i] ? 1 : 0));
    }
    return tensor;
  }
}
