package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.function.IntConsumer;
import org.spikellm.api.Tensor;
import org.spikellm.model.CalibrationStream;
import org.spikellm.model.ModelConfig;
import org.spikellm.model.PreparedBlock;

/**
 * The calibration samples on their way through the blocks.
 *
 * @param quantized through the quantized blocks
 * @param floating through the float blocks, or null where no pipeline needs it
 */
record Streams(CalibrationStream quantized, CalibrationStream floating) implements AutoCloseable {

  /**
   * Both at the embeddings.
   *
   * @param windows token windows of equal length
   * @param memory bytes that they may hold in memory together
   */
  static Streams open(ModelConfig config, Tensor embeddings, List<int[]> windows, boolean withFloat, long memory) throws IOException {
    long each = withFloat ? memory / 2 : memory;
    CalibrationStream quantized = new CalibrationStream(config, embeddings, windows, each);
    try {
      return new Streams(quantized, withFloat ? new CalibrationStream(config, embeddings, windows, each) : null);
    } catch (IOException | UncheckedIOException e) {
      quantized.close();
      throw e;
    }
  }

  /** Samples of a stream. */
  int samples() {
    return quantized.samples();
  }

  /** Takes the quantized stream through a quantized block. */
  void advance(PreparedBlock block, IntConsumer progress) {
    quantized.advance(block, null, progress);
  }

  @Override
  public void close() {
    quantized.close();
    if (floating != null) {
      floating.close();
    }
  }
}
