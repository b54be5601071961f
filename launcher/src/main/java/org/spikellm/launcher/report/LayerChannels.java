package org.spikellm.launcher.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.spikellm.api.Block;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizedWeight;

/**
 * The channels of one layer of one block: what each scored, and in which class it ended.
 *
 * @param block index of the block
 * @param layer name of the projection within the block, or {@code self_attn.keys}, {@code self_attn.values}
 * @param scores score of each channel; empty where nothing was scored
 * @param classOf class of each channel: 0 is plain, all others are salient
 * @param classes what each class gets, in words
 */
record LayerChannels(int block, String layer, double[] scores, byte[] classOf, List<String> classes) {

  static final String KEYS = "self_attn.keys";
  static final String VALUES = "self_attn.values";

  /** The channels of a projection, as the packed block has them. */
  static LayerChannels of(int index, Projection projection, Block block, List<Double> scores) {
    Block.Linear linear = block.linear(projection);
    QuantizedWeight quantized = linear.weight() instanceof QuantizedWeight weight ? weight : null;
    ChannelOrder order = linear.input() != null ? linear.input().order()
        : quantized != null ? quantized.order() : ChannelOrder.identity(linear.weight().columns());
    byte[] classOf = new byte[order.channels()];
    List<String> classes = new ArrayList<>();
    for (int c = 0; c < order.classes(); c++) {
      for (int place = order.start(c); place < order.end(c); place++) {
        classOf[order.order()[place]] = (byte) c;
      }
      String steps = linear.input() == null ? "not encoded" : steps(linear.input().dynamics().get(c).timeSteps());
      classes.add(steps + (quantized == null ? "" : ", " + quantized.classes().get(c).bits() + "-bit weights"));
    }
    return new LayerChannels(index, projection.tensorName(), array(scores), classOf, classes);
  }

  /** The key and the value channels of a block, or nothing where they stay in float. */
  static List<LayerChannels> keysAndValues(int index, KeyValueEncoding encoding, List<Double> keys, List<Double> values) {
    if (encoding == null) {
      return List.of();
    }
    List<String> classes = List.of(steps(encoding.plain().timeSteps()), steps(encoding.salient().timeSteps()));
    return List.of(new LayerChannels(index, KEYS, array(keys), classOf(encoding.keySalient()), classes),
        new LayerChannels(index, VALUES, array(values), classOf(encoding.valueSalient()), classes));
  }

  private static byte[] classOf(boolean[] salient) {
    byte[] classes = new byte[salient.length];
    for (int i = 0; i < salient.length; i++) {
      classes[i] = (byte) (salient[i] ? 1 : 0);
    }
    return classes;
  }

  private static String steps(int steps) {
    return steps == 1 ? "1 time step" : steps + " time steps";
  }

  private static double[] array(List<Double> scores) {
    return scores == null ? new double[0] : scores.stream().mapToDouble(Double::doubleValue).toArray();
  }

  int channels() {
    return classOf.length;
  }

  boolean salient(int channel) {
    return classOf[channel] > 0;
  }

  /** How many channels are salient. */
  int salientCount() {
    int count = 0;
    for (byte c : classOf) {
      count += c > 0 ? 1 : 0;
    }
    return count;
  }

  /** Whether there is a score for each channel. */
  boolean scored() {
    return scores.length == classOf.length && scores.length > 0;
  }

  /** The finite scores in ascending order. */
  double[] sorted() {
    return Arrays.stream(scores).filter(Double::isFinite).sorted().toArray();
  }
}
