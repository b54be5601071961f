package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.spikellm.api.Block;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.TrainingListener;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.Decoder;
import org.spikellm.model.PreparedBlock;
import org.spikellm.model.SpikeMode;

/** Models quantized in memory. */
final class Quantized {

  private Quantized() {}

  /** The demo model, W4A4, T = 2 for 10 %, calibrated on four of the golden windows. */
  static Decoder tales(Checkpoint checkpoint, Session session, String neuron, SpikeMode mode) throws IOException {
    List<int[]> windows = Golden.windows(Golden.tensors("tales-3m.safetensors").tensor("calibration")).subList(0, 4);
    return decoder(checkpoint, session, neuron, new QuantizationSpec(4, 4, 2, 0.1, 0, 2), windows, mode);
  }

  static Decoder decoder(Checkpoint checkpoint, Session session, String neuron, QuantizationSpec spec, List<int[]> windows,
      SpikeMode mode) throws IOException {
    return decoder(checkpoint, session, neuron, "gradient", spec, windows, mode);
  }

  static Decoder decoder(Checkpoint checkpoint, Session session, String neuron, String detector, QuantizationSpec spec,
      List<int[]> windows, SpikeMode mode) throws IOException {
    Registry registry = Golden.registry();
    QuantizationRequest request = new QuantizationRequest(spec, registry.find(QuantizationPipeline.class, "rtn"),
        registry.find(NeuronModel.class, neuron), registry.find(SalienceDetector.class, detector), windows, Long.MAX_VALUE);
    return decoder(checkpoint, session, request, TrainingListener.NONE, mode);
  }

  static Decoder decoder(Checkpoint checkpoint, Session session, QuantizationRequest request, TrainingListener listener, SpikeMode mode)
      throws IOException {
    return decoder(checkpoint, session, session, request, listener, mode);
  }

  /** Quantized on one session, to run on another one. */
  static Decoder decoder(Checkpoint checkpoint, Session quantizing, Session running, QuantizationRequest request, TrainingListener listener,
      SpikeMode mode) throws IOException {
    List<PreparedBlock> blocks = new ArrayList<>();
    try (Streams streams = Streams.open(checkpoint.config(), checkpoint.embeddings(), request.calibration(),
        request.pipeline().calibrationPasses() > 0, request.memory())) {
      for (int i = 0; i < checkpoint.config().blocks(); i++) {
        Block block = new BlockQuantization(request, quantizing).quantize(i, checkpoint.block(i), streams, done -> { }, listener).block();
        streams.advance(new PreparedBlock(quantizing, block, SpikeMode.COLLAPSED), done -> { });
        blocks.add(new PreparedBlock(running, block, mode));
      }
    }
    return new Decoder(checkpoint.config(), running, checkpoint.embeddings(), blocks, checkpoint.finalNorm(), checkpoint.head());
  }
}
