package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.spikellm.api.BlockShape;
import org.spikellm.model.ModelConfig;

/** What is no spikes, against counting it in loops as a forward pass runs them. */
class OtherWorkTest {

  private final Map<String, long[]> counts = new TreeMap<>();

  private void count(String name, int macs, int additions, int functions) {
    long[] sum = counts.computeIfAbsent(name, key -> new long[3]);
    sum[0] += macs;
    sum[1] += additions;
    sum[2] += functions;
  }

  private void norm(BlockShape shape) {
    for (int i = 0; i < shape.hidden(); i++) {
      count("norms", 1, 0, 0);                 // x·x, added up
      count("norms", 2, 0, 0);                 // ·scale, ·weight
    }
    count("norms", 0, 0, 2);                   // 1/√mean
  }

  private void encode(int values) {
    for (int i = 0; i < values; i++) {
      count("encoding", 0, 2, 2);              // smallest, largest; x/θ, rounded
    }
  }

  @Test
  void itIsWhatTheLoopsOfAForwardPassDo() throws IOException {
    ModelConfig config = ModelConfig.read(Golden.TINY.resolve("config.json"));
    BlockShape shape = config.block();
    int windows = 2;
    int sequence = 5;
    for (int w = 0; w < windows; w++) {
      for (int t = 0; t < sequence; t++) {
        for (int b = 0; b < config.blocks(); b++) {
          block(shape, t);
        }
        norm(shape);
        for (int v = 0; v < config.vocabulary(); v++) {
          count("head", shape.hidden(), 0, 0);
        }
      }
    }
    List<OtherWork> found = OtherWork.of(config, windows, sequence, true, 12 * config.blocks(), 100);
    counts.forEach((name, sums) -> {
      OtherWork work = found.stream().filter(one -> one.name().equals(name)).findFirst().orElseThrow();
      assertEquals(sums[0], work.macs(), name + ": multiplications");
      assertEquals(sums[1], work.additions(), name + ": additions");
      assertEquals(sums[2], work.functions(), name + ": functions");
    });
    long seen = 0;
    for (int t = 0; t < sequence; t++) {
      seen += 12 + 12 * (t + 1);               // its own position is written, all up to it are read
    }
    assertEquals(windows * config.blocks() * seen, bytes(found, "attention"));
    assertEquals(4L * windows * sequence * shape.hidden(), bytes(found, "embeddings"));
    assertEquals(100L * windows, bytes(found, "head"), "once for each chunk of tokens");
    OtherWork residuals = found.stream().filter(one -> one.name().equals("residuals")).findFirst().orElseThrow();
    assertEquals(0.9e-12 * residuals.additions(), residuals.joules(EnergyTable.DEFAULT), 1e-20);
    assertEquals(0, OtherWork.of(config, 1, 1, false, 1, 1).stream().filter(one -> one.name().equals("encoding")).findFirst()
        .orElseThrow()
        .functions(), "what stays in float is not encoded");
  }

  private void block(BlockShape shape, int token) {
    norm(shape);
    encode(3 * shape.hidden());                // q, k, v
    for (int i = 0; i < (shape.heads() + shape.kvHeads()) * shape.headDim(); i++) {
      count("rope", 2, 0, 0);
    }
    encode((shape.heads() + 2 * shape.kvHeads()) * shape.headDim());
    for (int h = 0; h < shape.heads(); h++) {
      for (int s = 0; s <= token; s++) {
        count("attention", 2 * shape.headDim(), 0, 0);
        count("softmax", 1, 2, 1);
      }
    }
    encode(shape.heads() * shape.headDim());   // o
    count("residuals", 0, shape.hidden(), 0);
    norm(shape);
    encode(2 * shape.hidden());                // gate, up
    for (int i = 0; i < shape.intermediate(); i++) {
      count("swiglu", 2, 1, 2);                // x / (1 + exp(−x)) · up
    }
    encode(shape.intermediate());              // down
    count("residuals", 0, shape.hidden(), 0);
  }

  private static long bytes(List<OtherWork> works, String name) {
    return works.stream().filter(one -> one.name().equals(name)).findFirst().orElseThrow().bytes();
  }
}
