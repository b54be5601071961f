package org.spikellm.quantizers.gptq;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;

/**
 * Where the columns that are quantized one after another are stored: class after class, within a class in the order they are quantized
 * in. A group is what one class has of one block of columns.
 *
 * @param classOf class of the column at each position, positions being the order of quantization. No array is copied or changed
 * @param indexOf its column within the class
 * @param groupOf its group within the class
 * @param sizes columns of each class
 * @param groupEnds of each class: column after the last one of each group
 */
record ColumnClasses(int[] classOf, int[] indexOf, int[] groupOf, int[] sizes, int[][] groupEnds) {

  static ColumnClasses of(int[] classOf, int classes, int[] blockEnds) {
    int n = classOf.length;
    int[] sizes = new int[classes];
    int[] indexOf = new int[n];
    int[] groupOf = new int[n];
    int[][] ends = new int[classes][blockEnds.length];
    int[] groups = new int[classes];
    int from = 0;
    for (int to : blockEnds) {
      int[] before = sizes.clone();
      for (int j = from; j < to; j++) {
        groupOf[j] = groups[classOf[j]];
        indexOf[j] = sizes[classOf[j]]++;
      }
      for (int c = 0; c < classes; c++) {
        if (sizes[c] > before[c]) {
          ends[c][groups[c]++] = sizes[c];
        }
      }
      from = to;
    }
    int[][] groupEnds = new int[classes][];
    Arrays.setAll(groupEnds, c -> Arrays.copyOf(ends[c], groups[c]));
    return new ColumnClasses(classOf, indexOf, groupOf, sizes, groupEnds);
  }

  int classes() {
    return sizes.length;
  }

  /** The order of storage, where position j is channel {@code channels[j]}. */
  ChannelOrder order(int[] channels) {
    int[] starts = new int[classes()];
    for (int c = 1; c < starts.length; c++) {
      starts[c] = starts[c - 1] + sizes[c - 1];
    }
    int[] order = new int[channels.length];
    for (int j = 0; j < channels.length; j++) {
      order[starts[classOf[j]] + indexOf[j]] = channels[j];
    }
    return new ChannelOrder(order, starts);
  }

  /** The classes of an encoding, by channel; all 0 where there is none. */
  static int[] classes(Encoding encoding, int channels) {
    int[] classOf = new int[channels];
    for (int c = 0; encoding != null && c < encoding.order().classes(); c++) {
      for (int place = encoding.order().start(c); place < encoding.order().end(c); place++) {
        classOf[encoding.order().order()[place]] = c;
      }
    }
    return classOf;
  }

  /** The same encoding for channels in this order, of whose classes each {@code split} were one. */
  static Encoding encoding(Encoding encoding, ChannelOrder order, int split) {
    if (encoding == null) {
      return null;
    }
    List<Dynamics> dynamics = IntStream.range(0, order.classes()).mapToObj(c -> encoding.dynamics().get(c / split)).toList();
    return new Encoding(encoding.neuron(), order, dynamics, encoding.collapsed());
  }
}
