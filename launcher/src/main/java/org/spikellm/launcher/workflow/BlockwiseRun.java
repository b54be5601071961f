package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.spikellm.api.Block;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Session;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.CheckpointWriter;
import org.spikellm.model.MappedBlock;
import org.spikellm.model.PreparedBlock;
import org.spikellm.model.SpikeMode;

/**
 * The driver of every pipeline: one block after the other is measured, quantized, written, and run on the calibration streams. What a
 * block needs (its part of the mapped files, a session with its weights) is given back before the next one, so that the memory does not
 * grow with the number of blocks.
 */
final class BlockwiseRun {

  private final Checkpoint source;
  private final CheckpointWriter writer;
  private final QuantizationRequest request;
  private final ComputeBackend backend;
  private final int threads;
  private final Progress progress;
  private final int blocks;
  private final boolean needsFloat;

  /**
   * A run.
   *
   * @param source the float checkpoint
   * @param writer takes finished blocks, and has those of an earlier run
   * @param request what to make
   * @param backend where to compute
   * @param threads of the backend
   * @param progress is told of blocks and samples
   */
  BlockwiseRun(Checkpoint source, CheckpointWriter writer, QuantizationRequest request, ComputeBackend backend, int threads,
      Progress progress) {
    this.source = source;
    this.writer = writer;
    this.request = request;
    this.backend = backend;
    this.threads = threads;
    this.progress = progress;
    blocks = source.config().blocks();
    needsFloat = request.pipeline().calibrationPasses() > 0 && request.pipeline().needsFloatStream();
  }

  /** Runs blocks {@code resumed} to the last; those before are read back. Returns what was measured of each block. */
  List<BlockRecord> run(int resumed) throws IOException {
    List<BlockRecord> records = new ArrayList<>();
    for (int i = 0; i < blocks && resumed == blocks; i++) {
      records.add(BlockRecord.of(writer.measured(i)));
    }
    if (resumed == blocks) {
      return records;
    }
    try (Streams streams = Streams.open(source.config(), source.embeddings(), request.calibration(), needsFloat, request.memory())) {
      progress.begin("Quantizing", blocks * passes() * streams.samples(), "samples");
      for (int i = 0; i < blocks; i++) {
        records.add(block(i, resumed, streams));
        System.gc();  // the block's tensors are native memory, which a heap that hardly grows would not give back for a long time
      }
      progress.end();
    }
    return records;
  }

  /** How often the samples go through each block: to observe it, in the float stream, through the pipeline, and quantized. */
  private long passes() {
    return 2 + (needsFloat ? 1 : 0) + request.pipeline().calibrationPasses();
  }

  private BlockRecord block(int index, int resumed, Streams streams) throws IOException {
    int samples = streams.samples();
    long before = index * passes() * samples;
    long advance = before + (passes() - 1) * samples;
    boolean unread = index < resumed && !needsFloat;
    try (Arena arena = Arena.ofShared(); MappedBlock mapped = unread ? null : source.map(index); Session session = backend.open(threads)) {
      Block block;
      BlockRecord record;
      if (index < resumed) {
        NeuronModel neuron = request.spec().encodesActivations() ? request.neuron() : null;
        block = writer.read(index, neuron, arena);
        record = BlockRecord.of(writer.measured(index));
        if (needsFloat) {
          streams.floating().advance(new PreparedBlock(session, mapped.block(), SpikeMode.COLLAPSED), null, done -> { });
        }
      } else {
        BlockProgress listener = new BlockProgress(progress, index, blocks, before + (passes() - 1 - request.pipeline()
            .calibrationPasses()) * samples, request.pipeline().calibrationPasses() * (long) samples);
        BlockQuantization.Result result = new BlockQuantization(request, session)
            .quantize(index, mapped.block(), streams, done -> progress.at(before + done), listener);
        block = result.block();
        record = BlockRecord.of(result.losses(), listener.warnings(), result.salience(), block);
        writer.write(index, block, record.toJson());
        listener.finished(result.losses());
      }
      if (index < blocks - 1) {
        streams.advance(new PreparedBlock(session, block, SpikeMode.COLLAPSED), done -> progress.at(advance + done));
      }
      return record;
    }
  }
}
