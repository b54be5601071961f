package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.spikellm.api.Block;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.QuantizedBlock;
import org.spikellm.api.Session;
import org.spikellm.model.CalibrationStream;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.CheckpointWriter;
import org.spikellm.model.PreparedBlock;
import org.spikellm.model.SpikeMode;

/**
 * The driver of every pipeline: one block after the other is measured, quantized, written, and run on the calibration stream. What a
 * block needs (its part of the mapped files, a session with its weights) is given back before the next one, so that the memory does not
 * grow with the number of blocks.
 *
 * @param source the float checkpoint
 * @param writer takes finished blocks, and has those of an earlier run
 * @param request what to make
 * @param backend where to compute
 * @param threads of the backend
 * @param progress is told of blocks and samples
 */
record BlockwiseRun(Checkpoint source, CheckpointWriter writer, QuantizationRequest request, ComputeBackend backend, int threads,
    Progress progress) {

  /** Runs blocks {@code resumed} to the last; those before are read back. Returns the losses of each block. */
  List<double[]> run(int resumed) throws IOException {
    int blocks = source.config().blocks();
    List<double[]> losses = new ArrayList<>();
    try (CalibrationStream stream = new CalibrationStream(source.config(), source.embeddings(), request.calibration())) {
      progress.begin("Quantizing", 2L * blocks * stream.samples(), "samples");
      for (int i = 0; i < blocks; i++) {
        losses.add(block(i, resumed, stream));
        System.gc();  // the block's tensors are native memory, which a heap that hardly grows would not give back for a long time
      }
      progress.end();
    }
    return losses;
  }

  private double[] block(int index, int resumed, CalibrationStream stream) throws IOException {
    long before = 2L * index * stream.samples();
    try (Arena arena = Arena.ofShared(); Checkpoint mapped = source.remap(); Session session = backend.open(threads)) {
      Block block;
      double[] losses = {};
      if (index < resumed) {
        NeuronModel neuron = request.spec().encodesActivations() ? request.neuron() : null;
        block = writer.read(index, neuron, arena);
      } else {
        QuantizedBlock quantized = new BlockQuantization(request, session)
            .quantize(index, mapped.block(index), stream, done -> progress.at(before + done));
        block = quantized.block();
        losses = quantized.losses();
        writer.write(index, block);
      }
      if (index < source.config().blocks() - 1) {
        stream.advance(new PreparedBlock(session, block, SpikeMode.COLLAPSED),
            done -> progress.at(before + stream.samples() + done));
      }
      return losses;
    }
  }
}
