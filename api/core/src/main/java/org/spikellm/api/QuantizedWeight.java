package org.spikellm.api;

import java.lang.foreign.Arena;
import java.util.List;

/**
 * A linear layer's weight in integer codes, columns in channel order.
 *
 * @param rows output channels
 * @param order where each input channel stands
 * @param classes the codes of each class of {@code order}, in order
 */
public record QuantizedWeight(int rows, ChannelOrder order, List<CodeClass> classes) implements LinearWeight {

  public QuantizedWeight {
    classes = List.copyOf(classes);
    if (classes.size() != order.classes()) {
      throw new IllegalArgumentException("quantized weight: expected " + order.classes() + " classes, found " + classes.size());
    }
    for (int c = 0; c < classes.size(); c++) {
      int expected = order.end(c) - order.start(c);
      if (classes.get(c).columns() != expected || classes.get(c).rows() != rows) {
        throw new IllegalArgumentException("quantized weight: expected class " + c + " to be [" + rows + ", " + expected
            + "], found [" + classes.get(c).rows() + ", " + classes.get(c).columns() + "]");
      }
    }
  }

  @Override
  public int columns() {
    return order.channels();
  }

  /** The same with all codes in rows: this, or a copy in memory of {@code arena}, which threads must share. */
  public QuantizedWeight inRows(Arena arena) {
    return classes.stream().allMatch(codes -> codes.layout() == CodeClass.Layout.ROWS) ? this
        : new QuantizedWeight(rows, order, classes.stream().map(codes -> codes.inRows(arena)).toList());
  }

  /** The same with all codes in tiles; or this, where some cannot be, or rows and columns to spare would take over 1 % more room. */
  public QuantizedWeight inTiles() {
    if (!classes.stream().allMatch(CodeClass::suitsTiles)) {
      return this;
    }
    long ofTiles = (long) CodeTiles.count(rows) * classes.stream().mapToInt(c -> CodeTiles.bytes(c.columns(), c.bits())).sum();
    long ofRows = (long) rows * classes.stream().mapToInt(c -> CodeClass.packedBytes(c.columns(), c.bits())).sum();
    return 100 * ofTiles > 101 * ofRows ? this : new QuantizedWeight(rows, order, classes.stream().map(CodeClass::inTiles).toList());
  }

  /** The weights the codes stand for, F32 [rows, columns], columns in the input's own order. */
  public Tensor dequantize() {
    Tensor values = Tensor.allocate(DType.F32, rows, columns());
    for (int c = 0; c < classes.size(); c++) {
      CodeClass codes = classes.get(c);
      for (int row = 0; row < rows; row++) {
        for (int column = 0, group = 0; column < codes.columns(); column++) {
          group = column == codes.groupEnd(group) ? group + 1 : group;
          float value = (codes.code(row, column) - codes.zero(row, group)) * codes.scales().getFloat(row, group);
          values.setFloat(row, order.order()[order.start(c) + column], value);
        }
      }
    }
    return values;
  }
}
