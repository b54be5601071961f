package org.spikellm.launcher.workflow;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.spikellm.api.Block;
import org.spikellm.api.BlockTask;
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
import org.spikellm.model.BlockStatistics;
import org.spikellm.model.CalibrationStream;
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
   * Quantizes block {@code index}, measured on the stream as it arrives there.
   *
   * @param progress is told of the samples observed
   */
  QuantizedBlock quantize(int index, Block block, CalibrationStream stream, IntConsumer progress) {
    QuantizationSpec spec = request.spec();
    boolean salient = spec.encodesActivations() && spec.timeSteps() > 1 && spec.salient() > 0;
    BlockStatistics statistics = new BlockStatistics(block.shape(), session, salient && request.detector().needsGram());
    stream.observe(new PreparedBlock(session, block, SpikeMode.COLLAPSED), statistics, progress);
    Map<Projection, InputStatistics> inputs = statistics.inputs();
    Map<Projection, Encoding> encodings = new EnumMap<>(Projection.class);
    KeyValueEncoding keyValues = null;
    if (spec.encodesActivations()) {
      for (Projection projection : Projection.values()) {
        Tensor weight = ((DenseWeight) block.linear(projection).weight()).values();
        encodings.put(projection, salient
            ? encoding(ChannelOrder.select(request.detector().score(weight.toF32(), inputs.get(projection), session), plain()))
            : plainEncoding(weight.columns()));
      }
      keyValues = keyValues(statistics, salient);
    }
    return request.pipeline().quantize(new BlockTask(index, block, spec, inputs, encodings, keyValues), session);
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
