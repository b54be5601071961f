package org.spikellm.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;
import org.spikellm.backend.reference.ReferenceBackend;

/** A model whose blocks run on two sessions answers what it does on one. */
class StageTest {

  private static final NeuronLookup NONE = (id, options) -> null;
  private static final int[] TOKENS = {3, 1, 4, 1, 5};

  /** The reference's two kernels on a device that takes one block, and remembers the models that it is asked to run as one. */
  private static final class OneBlock implements Session {
    private final Session session = new ReferenceBackend().open(1);
    private final List<DecoderPlan> asked = new ArrayList<>();

    @Override
    public void matmul(Tensor a, Tensor b, Tensor out) {
      session.matmul(a, b, out);
    }

    @Override
    public SpikingLinear prepare(QuantizedWeight weight) {
      return session.prepare(weight);
    }

    @Override
    public int takes(int blocks, long blockBytes, long headBytes) {
      return 1;
    }

    @Override
    public Optional<DecoderSession> decoder(DecoderPlan plan) {
      asked.add(plan);
      return Optional.empty();
    }

    @Override
    public void close() {
      session.close();
    }
  }

  private static List<float[]> logits(Session session, Supplier<Session> rest) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(Path.of("src/test/resources/tiny"), NONE)) {
      Decoder decoder = Decoder.load(checkpoint, session, rest, SpikeMode.COLLAPSED);
      KvCache cache = decoder.newCache(8);
      return List.of(decoder.nextLogits(TOKENS, cache).toFloats(), decoder.nextLogits(new int[] {9}, cache).toFloats());
    }
  }

  @Test
  void twoSessions() throws IOException {
    try (OneBlock device = new OneBlock(); OneBlock rest = new OneBlock(); Session reference = new ReferenceBackend().open(1)) {
      List<float[]> expected = logits(reference, () -> null);
      List<float[]> found = logits(device, () -> rest);
      assertArrayEquals(expected.getFirst(), found.getFirst(), 1e-5f);
      assertArrayEquals(expected.getLast(), found.getLast(), 1e-5f);
      assertEquals(1, device.asked.getFirst().blocks().size());
      assertNull(device.asked.getFirst().head());
      assertEquals(1, rest.asked.getFirst().blocks().size());
      assertNotNull(rest.asked.getFirst().head());
    }
  }

  @Test
  void whereAllBlocksHaveToBeTaken() throws IOException {
    try (OneBlock device = new OneBlock(); Checkpoint checkpoint = Checkpoint.open(Path.of("src/test/resources/tiny"), NONE)) {
      assertThrows(IllegalArgumentException.class, () -> Decoder.load(checkpoint, device, SpikeMode.COLLAPSED));
    }
  }
}
