package org.spikellm.model;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.stream.IntStream;
import org.spikellm.api.Block;
import org.spikellm.api.BlockShape;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.PartlyBinaryWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/** Blocks of a packed checkpoint: what {@link PackedWriter} wrote. Codes are views into the mapped file. */
final class PackedReader {

  private final TensorTable checkpoint;
  private final NeuronModel neuron;

  /** Reads blocks whose activations are encoded by {@code neuron}, or stay in float where it is null. */
  PackedReader(TensorTable checkpoint, NeuronModel neuron) {
    this.checkpoint = checkpoint;
    this.neuron = neuron;
  }

  /** Reads blocks with the neuron that config.json names. */
  static PackedReader of(TensorTable checkpoint, NeuronLookup neurons) throws CheckpointException {
    PackedFormat format = PackedFormat.of(checkpoint.config(), checkpoint.where());
    return new PackedReader(checkpoint, format.neuron() == null ? null : neurons.find(format.neuron(), format.neuronOptions()));
  }

  /** A reader of other tensors of the same checkpoint. */
  PackedReader in(TensorTable tensors) {
    return new PackedReader(tensors, neuron);
  }

  Block block(String prefix) throws CheckpointException {
    BlockShape shape = checkpoint.config().block();
    EnumMap<Projection, Block.Linear> linears = new EnumMap<>(Projection.class);
    for (Projection projection : Projection.values()) {
      String name = prefix + projection.tensorName() + ".";
      Layout layout = layout(name, shape.columns(projection));
      LinearWeight weight = layout != null && layout.quantized() ? weight(name, layout, shape.rows(projection))
          : checkpoint.has(name + "binary.mask") ? partlyBinary(name + "binary.", shape.rows(projection), shape.columns(projection))
          : new DenseWeight(checkpoint.floating(name + "weight", shape.rows(projection), shape.columns(projection)));
      Encoding input = layout == null || neuron == null || !checkpoint.has(name + "dynamics") ? null
          : new Encoding(neuron, layout.order(), dynamics(name, layout.order().classes()), neuron.collapsible());
      linears.put(projection, new Block.Linear(weight, checkpoint.bias(prefix, projection), input));
    }
    return new Block(shape, linears, checkpoint.norm(prefix + "input_layernorm"),
        checkpoint.norm(prefix + "post_attention_layernorm"), neuron == null || !checkpoint.has(prefix + "self_attn.dynamics") ? null
            : keyValues(prefix + "self_attn.", shape));
  }

  /** A quantized weight whose tensors' names start with {@code name}. */
  QuantizedWeight weight(String name, int rows, int columns) throws CheckpointException {
    Layout layout = layout(name, columns);
    if (layout == null || !layout.quantized()) {
      throw damaged(name + "classes", "classes of codes");
    }
    return weight(name, layout, rows);
  }

  private PartlyBinaryWeight partlyBinary(String name, int rows, int columns) throws CheckpointException {
    int bytes = CodeClass.packedBytes(columns, 1);
    try {
      return new PartlyBinaryWeight(columns, checkpoint.tensor(name + "mask", rows, bytes), checkpoint.tensor(name + "signs", rows, bytes),
          checkpoint.floating(name + "levels", rows, 2), checkpoint.floating(name + "scales", rows, 1),
          checkpoint.tensor(name + "zeros", rows, 1), checkpoint.tensor(name + "codes"));
    } catch (IllegalArgumentException e) {
      throw damaged(name + "mask", e.getMessage());
    }
  }

  /** The channel order and the classes' bits, group sizes (0: listed in a tensor) and time steps of their codes. */
  private record Layout(ChannelOrder order, int[] bits, int[] groupSizes, int[] timeSteps) {

    boolean quantized() {
      return bits[0] != QuantizationSpec.FLOAT_BITS;
    }
  }

  private Layout layout(String name, int columns) throws CheckpointException {
    if (!checkpoint.has(name + "classes")) {
      return null;
    }
    Tensor table = checkpoint.tensor(name + "classes");
    if (table.dtype() != DType.I32 || table.columns() != 4 || table.rows() < 1) {
      throw damaged(name + "classes", "I32 [classes, 4]");
    }
    int classes = table.rows();
    int[] starts = new int[classes];
    int[] sizes = column(table, 0);
    int[] bits = column(table, 1);
    int[] groups = column(table, 2);
    int[] timeSteps = column(table, 3);
    long end = 0;
    for (int c = 0; c < classes; c++) {
      starts[c] = (int) end;
      end += sizes[c];
      boolean dense = bits[c] == QuantizationSpec.FLOAT_BITS;
      if (sizes[c] < 0 || end > columns || dense != (bits[0] == QuantizationSpec.FLOAT_BITS)
          || (!dense && (bits[c] < 1 || bits[c] > 8 || groups[c] < 0 || timeSteps[c] < 0))) {
        throw damaged(name + "classes", "columns, bits 1 to 8, a group size and time steps for each class, that make " + columns + " columns");
      }
    }
    if (end != columns) {
      throw damaged(name + "classes", columns + " columns in all");
    }
    int[] order = checkpoint.has(name + "order") ? integers(name + "order", checkpoint.tensor(name + "order", 1, columns))
        : IntStream.range(0, columns).toArray();
    try {
      return new Layout(new ChannelOrder(order, starts), bits, groups, timeSteps);
    } catch (IllegalArgumentException e) {
      throw damaged(name + "order", e.getMessage());
    }
  }

  private int[] integers(String name, Tensor row) throws CheckpointException {
    if (row.dtype() != DType.I32 || row.rows() != 1) {
      throw damaged(name, "I32 in one row");
    }
    int[] integers = new int[row.columns()];
    row.readInts(0, 0, integers, integers.length);
    return integers;
  }

  private static int[] column(Tensor table, int column) {
    return IntStream.range(0, table.rows()).map(row -> table.getInt(row, column)).toArray();
  }

  private QuantizedWeight weight(String name, Layout layout, int rows) throws CheckpointException {
    ChannelOrder order = layout.order();
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < order.classes(); c++) {
      int columns = order.end(c) - order.start(c);
      int bits = layout.bits()[c];
      int groupSize = layout.groupSizes()[c];
      int timeSteps = layout.timeSteps()[c];
      if (columns == 0) {
        classes.add(new CodeClass(0, bits, 0, new int[0], Tensor.allocate(DType.U8, rows, 0), Tensor.allocate(DType.F32, rows, 0),
            Tensor.allocate(DType.I16, rows, 0)));
        continue;
      }
      int[] groupEnds = groupSize > 0 ? CodeClass.groupEnds(columns, groupSize)
          : integers(name + "groups." + c, checkpoint.tensor(name + "groups." + c));
      boolean shared = c > 0 && !checkpoint.has(name + "scales." + c) && order.end(0) > 0;
      boolean oneZero = timeSteps > 0;
      boolean tiles = checkpoint.has(name + "tiles." + c);
      try {
        Tensor scales = shared ? classes.getFirst().scales() : checkpoint.floating(name + "scales." + c, rows, groupEnds.length);
        Tensor zeros = shared ? classes.getFirst().zeros()
            : checkpoint.tensor(name + "zeros." + c, oneZero ? 1 : rows, oneZero ? 1 : groupEnds.length);
        CodeClass codes = new CodeClass(columns, bits, timeSteps, groupEnds, tiles ? CodeClass.Layout.TILES : CodeClass.Layout.ROWS,
            tiles ? checkpoint.tensor(name + "tiles." + c)
                : checkpoint.tensor(name + "codes." + c, rows, CodeClass.packedBytes(columns, bits)),
            scales, zeros);
        if (!TrainCodes.fit(codes)) {
          throw new IllegalArgumentException("codes of spike trains of 0 to " + 2 * codes.zero(0, 0) + ", found larger ones");
        }
        classes.add(codes);
      } catch (IllegalArgumentException e) {
        throw damaged(name + (tiles ? "tiles." : "codes.") + c, e.getMessage());
      }
    }
    return new QuantizedWeight(rows, order, classes);
  }

  private List<Dynamics> dynamics(String name, int classes) throws CheckpointException {
    Tensor table = checkpoint.floating(name + "dynamics", classes, 5);
    List<Dynamics> dynamics = new ArrayList<>();
    float[] row = new float[5];
    for (int c = 0; c < classes; c++) {
      table.readRow(c, row);
      try {
        dynamics.add(new Dynamics(row[0], row[1], (int) row[2], (int) row[3], (int) row[4]));
      } catch (IllegalArgumentException e) {
        throw damaged(name + "dynamics", e.getMessage());
      }
    }
    if (dynamics.stream().map(Dynamics::bidirectional).distinct().count() > 1) {
      throw damaged(name + "dynamics", "expected levels of both signs in all classes, or in none, found " + dynamics);
    }
    return dynamics;
  }

  private KeyValueEncoding keyValues(String name, BlockShape shape) throws CheckpointException {
    List<Dynamics> dynamics = dynamics(name, 2);
    return new KeyValueEncoding(neuron, dynamics.get(0), dynamics.get(1), neuron.collapsible(), flags(name + "key_salient", shape),
        floats(name + "key_low", shape), floats(name + "key_high", shape), flags(name + "value_salient", shape));
  }

  private float[] floats(String name, BlockShape shape) throws CheckpointException {
    return checkpoint.floating(name, shape.kvHeads(), shape.headDim()).toFloats();
  }

  private boolean[] flags(String name, BlockShape shape) throws CheckpointException {
    Tensor tensor = checkpoint.tensor(name, shape.kvHeads(), shape.headDim());
    if (tensor.dtype() != DType.U8) {
      throw damaged(name, "U8");
    }
    byte[] bytes = tensor.segment().toArray(Tensor.BYTE);
    boolean[] flags = new boolean[bytes.length];
    for (int i = 0; i < flags.length; i++) {
      flags[i] = bytes[i] != 0;
    }
    return flags;
  }

  private CheckpointException damaged(String name, String expected) {
    return new CheckpointException(checkpoint.where() + ": tensor '" + name + "': expected " + expected
        + "; the checkpoint is damaged: quantize again");
  }
}
