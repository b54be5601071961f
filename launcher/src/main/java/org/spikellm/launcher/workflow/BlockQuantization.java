package org.spikellm.launcher.workflow;

import java.lang.foreign.Arena;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.spikellm.api.Block;
import org.spikellm.api.BlockTask;
import org.spikellm.api.Calibration;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.InputStatistics;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedBlock;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.api.TrainingListener;
import org.spikellm.model.BlockStatistics;
import org.spikellm.model.InputRanges;
import org.spikellm.model.PreparedBlock;
import org.spikellm.model.SpikeMode;

/** One block's way from float to spiking: observe, score, choose, quantize. */
final class BlockQuantization {

  /** T of salient key and value channels, whatever T the linear layers have (method.md §2). */
  private static final int KEY_VALUE_STEPS = 2;

  private final QuantizationRequest request;
  private final Session session;

  BlockQuantization(QuantizationRequest request, Session session) {
    this.request = request;
    this.session = session;
  }

  /**
   * What became of a block.
   *
   * @param block the quantized one
   * @param salience score of each input channel of each projection, and of each (kv head, channel) of keys and values; empty where no
   *     channel is to be salient
   * @param losses mean loss of each epoch
   */
  record Result(Block block, Map<String, float[]> salience, double[] losses) {}

  /**
   * Quantizes block {@code index}, measured on the streams as they arrive there. The quantized stream stays, the float stream moves on.
   *
   * @param progress is told of the samples that went through the block
   * @param listener is told how training goes
   */
  Result quantize(int index, Block block, Streams streams, IntConsumer progress, TrainingListener listener) {
    QuantizationSpec spec = request.spec();
    boolean salient = spec.encodesActivations() && spec.timeSteps() > 1 && spec.salient() > 0;
    PreparedBlock floating = new PreparedBlock(session, block, SpikeMode.COLLAPSED);
    BlockStatistics statistics = statistics(index, floating, salient && request.detector().needsGram(), streams, progress);
    Calibration calibration = request.pipeline().calibrationPasses() == 0 ? null
        : calibration(index, floating, streams, progress);
    Map<String, float[]> salience = new LinkedHashMap<>();
    Map<Projection, InputStatistics> inputs = statistics.inputs();
    Map<Projection, Encoding> encodings = new EnumMap<>(Projection.class);
    KeyValueEncoding keyValues = null;
    if (spec.encodesActivations()) {
      for (Projection projection : Projection.values()) {
        Tensor weight = ((DenseWeight) block.linear(projection).weight()).values();
        if (!salient) {
          encodings.put(projection, plainEncoding(weight.columns()));
          continue;
        }
        float[] score = score(weight, inputs.get(projection));
        salience.put(projection.tensorName(), score);
        encodings.put(projection, encoding(ChannelOrder.select(score, plain())));
      }
      keyValues = keyValues(statistics, salient);
      if (salient) {
        salience.put("self_attn.keys", statistics.keySalience());
        salience.put("self_attn.values", statistics.valueSalience());
      }
    }
    QuantizedBlock result = request.pipeline()
        .quantize(new BlockTask(index, block, spec, request.neuron(), inputs, encodings, keyValues, calibration, listener), session);
    return new Result(result.block(), salience, result.losses());
  }

  private float[] score(Tensor weight, InputStatistics inputs) {
    try (Arena arena = Arena.ofShared()) {
      return request.detector().score(weight.toF32(arena), inputs, session);
    }
  }

  private BlockStatistics statistics(int index, PreparedBlock floating, boolean gram, Streams streams, IntConsumer progress) {
    Function<Boolean, BlockStatistics> observe = withGram -> {
      BlockStatistics statistics = new BlockStatistics(floating.shape(), session, withGram);
      streams.quantized().observe(floating, statistics, progress);
      return statistics;
    };
    return index == 0 && request.shared() != null ? request.shared().first(gram, observe) : observe.apply(gram);
  }

  private Calibration calibration(int index, PreparedBlock floating, Streams streams, IntConsumer progress) {
    if (streams.floating() == null) {
      return new BlockCalibration(streams.quantized(), null, floating, null);
    }
    Supplier<InputRanges> run = () -> {
      InputRanges ranges = new InputRanges(floating.shape());
      streams.floating().advance(floating, ranges, done -> progress.accept(streams.quantized().samples() + done));
      return ranges;
    };
    InputRanges ranges = request.shared() == null ? run.get() : request.shared().advance(index, streams.floating(), run);
    return new BlockCalibration(streams.quantized(), streams.floating(), floating, ranges);
  }

  private double plain() {
    return 1 - request.spec().salient();
  }

  private Encoding encoding(boolean[] salient) {
    NeuronModel neuron = request.neuron();
    int bits = request.spec().activationBits();
    return new Encoding(neuron, ChannelOrder.of(salient),
        List.of(neuron.dynamics(bits, 1), neuron.dynamics(bits, request.spec().timeSteps())), neuron.collapsible());
  }

  private Encoding plainEncoding(int channels) {
    NeuronModel neuron = request.neuron();
    return new Encoding(neuron, ChannelOrder.identity(channels), List.of(neuron.dynamics(request.spec().activationBits(), 1)),
        neuron.collapsible());
  }

  private KeyValueEncoding keyValues(BlockStatistics statistics, boolean salient) {
    NeuronModel neuron = request.neuron();
    int bits = request.spec().activationBits();
    Dynamics plain = neuron.dynamics(bits, 1);
    Dynamics longer = salient ? neuron.dynamics(bits, KEY_VALUE_STEPS) : plain;
    int channels = statistics.keyLow().length;
    boolean[] none = new boolean[channels];
    return new KeyValueEncoding(neuron, plain, longer, neuron.collapsible(),
        salient ? ChannelOrder.select(statistics.keySalience(), plain()) : none, statistics.keyLow(), statistics.keyHigh(),
        salient ? ChannelOrder.select(statistics.valueSalience(), plain()) : none);
  }
}
