package org.spikellm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.api.Block;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/** Packed checkpoints that another program wrote: whole by their checksums, and with values that none should have. */
class PackedValuesTest {

  private static final String SHARD = "model-00001-of-00003.safetensors";
  private static final String Q = "model.layers.0.self_attn.q_proj.";

  @TempDir
  private Path temporary;

  /** Writes the first block anew, with other tensors. */
  private static void alter(Path directory, Consumer<Map<String, Tensor>> change) throws IOException {
    Path file = directory.resolve(SHARD);
    try (Arena arena = Arena.ofShared()) {
      Safetensors whole = Safetensors.open(file, arena);
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      for (String name : whole.entries().keySet()) {
        Tensor tensor = whole.tensor(name);
        Tensor copy = Tensor.allocate(arena, tensor.dtype(), tensor.rows(), tensor.columns());
        copy.segment().copyFrom(tensor.segment());
        tensors.put(name, copy);
      }
      change.accept(tensors);
      SafetensorsWriter.write(file, tensors);
    }
  }

  private void refused(String tensor, Consumer<Tensor> change, String... parts) throws IOException {
    Path out = PackedTiny.write(Files.createTempDirectory(temporary, "").resolve("out"), 4, 4, 0, 16);
    alter(out, tensors -> change.accept(tensors.get(tensor)));
    try (Checkpoint checkpoint = Checkpoint.open(out, PackedTiny.NEURONS)) {
      CheckpointException e = assertThrows(CheckpointException.class, () -> checkpoint.block(0), tensor);
      assertTrue(e.getMessage().contains("tensor '" + tensor + "'"), e.getMessage());
      for (String part : parts) {
        assertTrue(e.getMessage().contains(part), e.getMessage());
      }
    }
  }

  @Test
  void valuesThatNoneShouldHaveAreRefusedByName() throws IOException {
    refused(Q + "scales.0", scales -> scales.setFloat(3, 0, Float.NaN), "holds NaN at [3, 0]", SHARD);
    refused("model.layers.0.post_attention_layernorm.weight", norm -> norm.setFloat(0, 5, Float.NEGATIVE_INFINITY), "-Infinity at [0, 5]");
    refused("model.layers.0.self_attn.key_high", high -> high.setFloat(1, 2, Float.NaN), "NaN at [1, 2]");
    refused("model.layers.0.mlp.down_proj.dynamics", dynamics -> dynamics.setFloat(0, 0, Float.NaN));
    refused(Q + "dynamics", dynamics -> dynamics.setFloat(1, 2, Integer.MIN_VALUE), "spike counts: expected at most 32767");
    refused(Q + "order", order -> order.setInt(0, 1, order.getInt(0, 0)), "expected a permutation", "twice");
  }

  @Test
  void aLayerWithoutDynamicsTakesFloats() throws IOException {
    Path out = PackedTiny.write(temporary.resolve("out"), 4, 4, 0, 16);
    alter(out, tensors -> tensors.keySet().removeIf(name -> name.equals(Q + "dynamics")
        || name.matches(".*self_attn[.](dynamics|key_.*|value_.*)")));
    try (Checkpoint checkpoint = Checkpoint.open(out, PackedTiny.NEURONS)) {
      Block block = checkpoint.block(0);
      assertNull(block.linear(Projection.Q).input());
      assertNotNull(block.linear(Projection.K).input());
      assertNull(block.keyValues());
    }
  }

  @Test
  void scalesThatClassesShareAreReadOnce() throws IOException {
    Path out = PackedTiny.write(temporary.resolve("out"), 4, 4, 0, 16);
    try (Checkpoint checkpoint = Checkpoint.open(out, PackedTiny.NEURONS)) {
      List<CodeClass> classes = ((QuantizedWeight) checkpoint.block(0).linear(Projection.Q).weight()).classes();
      assertSame(classes.getFirst().scales(), classes.getLast().scales());
      assertSame(classes.getFirst().zeros(), classes.getLast().zeros());
    }
  }

  @Test
  void codesThatNoTrainHasAreFoundWhereverTheyAre() {
    Random random = new Random(5);
    for (int i = 0; i < 3000; i++) {
      int bits = 2 + random.nextInt(7);
      int zero = 1 + random.nextInt(((1 << bits) - 1) / 2);
      int rows = 1 + random.nextInt(3);
      int columns = 1 + random.nextInt(90);
      Tensor zeros = Tensor.allocate(DType.I16, 1, 1);
      zeros.setInt(0, 0, zero);
      Tensor codes = Tensor.allocate(DType.U8, rows, CodeClass.packedBytes(columns, bits));
      CodeClass trains = new CodeClass(columns, bits, zero, new int[] {columns}, codes, Tensor.allocate(DType.F32, rows, 1), zeros);
      for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
          trains.setCode(r, c, random.nextInt(4) == 0 ? 2 * zero : random.nextInt(2 * zero + 1));
        }
      }
      assertTrue(TrainCodes.fit(trains), bits + " bits, zero " + zero + ", " + columns + " columns");
      trains.setCode(random.nextInt(rows), random.nextInt(columns), 2 * zero + 1 + random.nextInt((1 << bits) - 1 - 2 * zero));
      assertFalse(TrainCodes.fit(trains), bits + " bits, zero " + zero + ", " + columns + " columns");
    }
  }

  @Test
  void theHeadIsWhatMultiplies() throws IOException {
    Path out = PackedTiny.write(temporary.resolve("whole"), 4, 16, 0, 16);
    Path eight = PackedTiny.write(temporary.resolve("eight"), 4, 16, 0, 8);
    try (Checkpoint half = Checkpoint.open(out, PackedTiny.NEURONS); Checkpoint coded = Checkpoint.open(eight, PackedTiny.NEURONS)) {
      long weights = (long) half.head().rows() * half.head().columns();
      assertEquals(weights * ((DenseWeight) half.head()).values().dtype().bytes(), half.headBytes());
      assertTrue(coded.headBytes() > weights && coded.headBytes() < 1.2 * weights, coded.headBytes() + " of " + weights);
    }
  }
}
