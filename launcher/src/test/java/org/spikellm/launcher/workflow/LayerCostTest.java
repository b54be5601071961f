package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.spikellm.api.Block;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;
import org.spikellm.launcher.registry.Registry;

/** What is counted, against counting it one by one. */
class LayerCostTest {

  private static final int ROWS = 9;
  private static final int TOKENS = 5;
  private static final int[] STARTS = {0, 13};
  private static final int COLUMNS = 20;

  private final SplittableRandom random = new SplittableRandom(4);

  /** Two classes of columns in groups of 4, codes or trains of 1 and 3 steps. */
  private QuantizedWeight weight(boolean spiking) {
    ChannelOrder order = new ChannelOrder(IntStream.range(0, COLUMNS).map(i -> (7 * i + 3) % COLUMNS).toArray(), STARTS);
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < 2; c++) {
      int columns = order.end(c) - order.start(c);
      int steps = spiking ? c == 0 ? 1 : 3 : 0;
      int[] ends = CodeClass.groupEnds(columns, 4);
      Tensor zeros = Tensor.allocate(DType.I16, spiking ? 1 : ROWS, spiking ? 1 : ends.length);
      zeros.setInt(0, 0, steps);
      CodeClass codes = new CodeClass(columns, 3, steps, ends, Tensor.allocate(DType.U8, ROWS, CodeClass.packedBytes(columns, 3)),
          Tensor.allocate(DType.F16, ROWS, ends.length), zeros);
      for (int r = 0; r < ROWS; r++) {
        for (int j = 0; j < columns; j++) {
          codes.setCode(r, j, random.nextInt(spiking ? 2 * steps + 1 : 8));
        }
      }
      classes.add(codes);
    }
    return new QuantizedWeight(ROWS, order, classes);
  }

  private SpikeTrain train(Encoding encoding) {
    SpikeTrain train = SpikeTrain.allocate(encoding, TOKENS);
    for (int c = 0; c < 2; c++) {
      Dynamics dynamics = encoding.dynamics().get(c);
      for (int p = 0; p < train.planes().size(); p++) {
        boolean collapsed = encoding.collapsed();
        int low = collapsed ? dynamics.countLow() : p < dynamics.timeSteps() ? dynamics.lowLevel() : 0;
        int high = collapsed ? dynamics.countHigh() : p < dynamics.timeSteps() ? dynamics.highLevel() : 0;
        for (int t = 0; t < TOKENS; t++) {
          for (int place = train.order().start(c); place < train.order().end(c); place++) {
            train.planes().get(p).setInt(t, place, random.nextInt(low, high + 1) - train.offset());
          }
        }
      }
    }
    return train;
  }

  @ParameterizedTest
  @CsvSource({"gif, 4, true, false", "gif, 4, false, true", "gif, 8, true, true", "ternary-gif, 4, true, true", "ternary-gif, 2, false, false"})
  @DisplayName("every spike of an input meets every weight, or every spike of one")
  void spikesMeetWeights(String neuron, int bits, boolean collapsed, boolean spiking) throws Exception {
    Registry registry = Golden.registry();
    NeuronModel model = registry.find(NeuronModel.class, neuron);
    QuantizedWeight weight = weight(spiking);
    Encoding encoding = new Encoding(model, weight.order(), List.of(model.dynamics(bits, 1), model.dynamics(bits, 2)), collapsed);
    SpikeTrain train = train(encoding);
    LayerCost cost = new LayerCost();
    cost.add(LayerWork.of(new Block.Linear(weight, null, encoding)), TOKENS, train, encoding);
    long spikes = 0;
    long accumulates = 0;
    long silent = 0;
    double possible = 0;
    double ace = 0;
    double steps = 0;
    for (int t = 0; t < TOKENS; t++) {
      for (int c = 0; c < 2; c++) {
        CodeClass codes = weight.classes().get(c);
        Dynamics dynamics = encoding.dynamics().get(c);
        for (int j = 0; j < codes.columns(); j++) {
          int fired = 0;
          for (Tensor plane : train.planes()) {
            fired += Math.abs(plane.getInt(t, weight.order().start(c) + j) + train.offset());
          }
          spikes += fired;
          silent += fired == 0 ? 1 : 0;
          possible += dynamics.timeSteps() * dynamics.highLevel();
          for (int r = 0; r < ROWS; r++) {
            for (int k = 0; k < fired; k++) {
              accumulates += spiking ? Math.abs(codes.code(r, j) - codes.zero(r, 0)) : 1;
            }
            int levelBits = dynamics.lowLevel() < 0 ? (int) Math.ceil(Math.log(2 * dynamics.highLevel() + 1) / Math.log(2)) : bits;
            ace += 3.0 * levelBits * dynamics.timeSteps();
            steps += dynamics.timeSteps() * Math.max(1, codes.timeSteps());
          }
        }
      }
    }
    assertEquals(spikes, cost.spikes(), "spikes");
    assertEquals(accumulates, cost.accumulates(), "accumulates");
    assertEquals((double) silent / (TOKENS * COLUMNS), cost.silentShare(), 1e-12, "silent");
    assertEquals(spikes / possible, cost.firingRate(), 1e-12, "firing rate");
    assertEquals((long) TOKENS * COLUMNS * ROWS, cost.macs(), "multiply-adds without spikes");
    assertEquals(0, cost.multiplications(), "multiplications");
    assertEquals((long) TOKENS * ROWS * (4 + 2), cost.scalings(), "groups of 13 and 7 columns");
    assertEquals(ace, cost.ace(), 1e-6, "ACE");
    assertEquals(steps / (TOKENS * COLUMNS * ROWS), cost.equalSteps(), 1e-12, "equal steps");
    assertEquals(0.03e-12 * accumulates + 4.6e-12 * cost.scalings(), cost.joules(EnergyTable.DEFAULT), 1e-20, "energy");
    assertEquals(0.23e-12 * TOKENS * COLUMNS * ROWS + 4.6e-12 * cost.scalings(), cost.codedJoules(EnergyTable.DEFAULT), 1e-20,
        "without spikes");
    assertEquals(bytes(weight, train), cost.bytes(), "bytes");
    assertEquals(4L * (ROWS * COLUMNS + TOKENS * COLUMNS + TOKENS * ROWS), cost.floatBytes(), "bytes in float");
  }

  /** Tensor by tensor: codes, scales, zero points; planes, thresholds, zero points; results. */
  private static long bytes(QuantizedWeight weight, SpikeTrain train) {
    List<Tensor> tensors = new ArrayList<>(train.planes());
    weight.classes().forEach(codes -> tensors.addAll(List.of(codes.codes(), codes.scales(), codes.zeros())));
    tensors.addAll(List.of(train.thresholds(), train.zeros()));
    return tensors.stream().mapToLong(tensor -> tensor.segment().byteSize()).sum() + (long) TOKENS * ROWS * Float.BYTES;
  }

  @Test
  @DisplayName("a channel's rate is its spikes over the most of its class, wherever its place is")
  void rates() throws Exception {
    NeuronModel model = Golden.registry().find(NeuronModel.class, "gif");
    ChannelOrder order = weight(false).order();
    Encoding encoding = new Encoding(model, order, List.of(model.dynamics(2, 1), model.dynamics(2, 2)), true);
    SpikeTrain train = train(encoding);
    LayerCost cost = new LayerCost();
    ChannelSpikes channels = new ChannelSpikes();
    long[] fired = cost.add(LayerWork.of(new Block.Linear(weight(false), null, encoding)), TOKENS, train, encoding);
    channels.add(encoding, TOKENS, fired);
    channels.add(encoding, TOKENS, fired);
    double[] rates = channels.rates();
    long[] bins = new long[RateHistogram.BINS];
    long silent = 0;
    for (int channel = 0; channel < COLUMNS; channel++) {
      int place = 0;
      while (order.order()[place] != channel) {
        place++;
      }
      double sum = 0;
      for (int t = 0; t < TOKENS; t++) {
        sum += train.count(t, place);
      }
      double rate = sum / (TOKENS * (place < STARTS[1] ? 3.0 : 6.0));
      assertEquals(rate, rates[channel], 1e-12, "channel " + channel);
      bins[Math.min(9, (int) Math.floor(10 * rate))]++;
      silent += sum == 0 ? 1 : 0;
    }
    RateHistogram histogram = RateHistogram.of(rates);
    assertArrayEquals(bins, histogram.counts());
    assertEquals(silent, histogram.silent());
    assertEquals(2 * COLUMNS, histogram.plus(histogram).channels());
    assertArrayEquals(new long[] {1, 0, 0, 0, 0, 1, 0, 0, 0, 1}, RateHistogram.of(new double[] {0, 0.5, 1}).counts());
  }

  @Test
  @DisplayName("inputs in float are added once for each spike of a weight, and multiplied with what is not spikes")
  void floatInputs() {
    QuantizedWeight trains = weight(true);
    LayerCost cost = new LayerCost();
    cost.add(LayerWork.of(new Block.Linear(trains, null, null)), TOKENS, null, null);
    long spikes = 0;
    for (CodeClass codes : trains.classes()) {
      for (int r = 0; r < ROWS; r++) {
        for (int j = 0; j < codes.columns(); j++) {
          spikes += Math.abs(codes.code(r, j) - codes.timeSteps());
        }
      }
    }
    assertEquals(TOKENS * spikes, cost.accumulates());
    assertEquals(0, cost.multiplications());
    assertEquals((13 + 3 * 7) / 20.0, cost.equalSteps(), 1e-12);
    assertEquals(0.9e-12 * TOKENS * spikes + 4.6e-12 * TOKENS * ROWS * 6, cost.joules(EnergyTable.DEFAULT), 1e-20);

    LayerCost codes = new LayerCost();
    codes.add(LayerWork.of(new Block.Linear(weight(false), null, null)), TOKENS, null, null);
    assertEquals(0, codes.accumulates());
    assertEquals((long) TOKENS * COLUMNS * ROWS, codes.multiplications());

    LayerCost dense = new LayerCost();
    dense.add(LayerWork.of(new Block.Linear(new DenseWeight(Tensor.allocate(DType.BF16, ROWS, COLUMNS)), null, null)), TOKENS, null, null);
    assertEquals((long) TOKENS * COLUMNS * ROWS, dense.multiplications());
    assertEquals(0, dense.scalings());
    assertEquals(dense.floatJoules(EnergyTable.DEFAULT), dense.joules(EnergyTable.DEFAULT));
    assertEquals(16.0 * 16 * TOKENS * COLUMNS * ROWS, dense.ace());
  }
}
