package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.spikellm.api.Block;
import org.spikellm.api.BlockShape;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.model.Decoder;
import org.spikellm.model.KvCache;
import org.spikellm.model.PreparedBlock;
import org.spikellm.model.SpikeMode;

class ShapeModelTest {

  private static final long SEED = 2;
  /** 84 columns: rows of 4-bit codes end within a byte. */
  static final ShapeModel SMALL = new ShapeModel("small", new BlockShape(84, 6, 2, 14, 100, 1e-5f), 3, 50, 64);

  static NeuronModel neuron() {
    try {
      return Golden.registry().find(NeuronModel.class, "gif");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static RandomWeights weights(BenchFormat format) {
    return new RandomWeights(format, neuron(), SEED);
  }

  @Test
  void knownShapesHaveTheWeightsTheirNamesPromise() {
    double[] billions = ShapeModel.names().stream().map(name -> ShapeModel.named(name).orElseThrow())
        .mapToDouble(s -> (s.block().weights() * s.blocks() + 2.0 * s.vocabulary() * s.block().hidden()) / 1e9).toArray();
    assertEquals(List.of("tinyllama-1.1b", "llama-2-7b", "llama-2-70b"), ShapeModel.names());
    assertArrayEquals(new double[] {1.10, 6.74, 68.98}, billions, 0.01);
    assertTrue(ShapeModel.named("llama-3").isEmpty());
  }

  @ParameterizedTest
  @EnumSource
  void aModelOfRandomBlocksGivesFiniteLogits(BenchFormat format) {
    RandomWeights weights = weights(format);
    try (Session session = Golden.session("reference"); Arena arena = Arena.ofShared()) {
      List<PreparedBlock> blocks = List.of(new PreparedBlock(session, weights.block(SMALL.block(), arena), SpikeMode.COLLAPSED),
          new PreparedBlock(session, weights.block(SMALL.block(), arena), SpikeMode.COLLAPSED));
      Tensor table = weights.dense(SMALL.vocabulary(), SMALL.block().hidden(), arena);
      Decoder decoder = new Decoder(SMALL.config(2), session, table, blocks, RandomWeights.ones(SMALL.block().hidden()),
          new DenseWeight(table));
      KvCache cache = decoder.newCache(8);
      decoder.nextLogits(new int[] {3, 1, 4, 1, 5}, cache);
      float[] logits = decoder.nextLogits(new int[] {9}, cache).toFloats();
      double square = 0;
      for (float logit : logits) {
        assertTrue(Float.isFinite(logit), Arrays.toString(logits));
        square += (double) logit * logit;
      }
      // The final norm makes the hidden state's mean square 1, and the head's columns have a deviation of about 1/√columns.
      assertTrue(square / logits.length > 0.1 && square / logits.length < 10, "mean square of logits " + square / logits.length);
    }
  }

  @ParameterizedTest
  @EnumSource
  void weightsAreSmallEnoughToKeepActivationsNearOne(BenchFormat format) {
    Block block = weights(format).block(SMALL.block(), Arena.ofAuto());
    for (Projection projection : Projection.values()) {
      LinearWeight weight = block.linear(projection).weight();
      Tensor values = weight instanceof QuantizedWeight quantized ? quantized.dequantize() : ((DenseWeight) weight).values();
      double square = 0;
      for (float value : values.toFloats()) {
        square += (double) value * value;
      }
      // The power of two nearest to 1/√columns is within a factor √2 of it; a row's scale is within 3/4..5/4.
      double rms = Math.sqrt(square / values.size() * weight.columns());
      assertTrue(rms > 0.7 && rms < 1.42, projection + " of " + format + ": root mean square times √columns is " + rms);
    }
  }

  @ParameterizedTest
  @EnumSource
  void oneSeedGivesTheSameBlocksAndEveryBlockIsAnother(BenchFormat format) {
    RandomWeights weights = weights(format);
    float[] first = down(weights.block(SMALL.block(), Arena.ofAuto()));
    float[] second = down(weights.block(SMALL.block(), Arena.ofAuto()));
    assertFalse(Arrays.equals(first, second));
    assertArrayEquals(first, down(weights(format).block(SMALL.block(), Arena.ofAuto())));
  }

  private static float[] down(Block block) {
    LinearWeight weight = block.linear(Projection.DOWN).weight();
    return weight instanceof QuantizedWeight quantized ? quantized.dequantize().toFloats()
        : ((DenseWeight) weight).values().toFloats();
  }

  @Test
  void onlyTheSpikingFormatHasSalientChannels() {
    Block spiking = weights(BenchFormat.W4A4).block(SMALL.block(), Arena.ofAuto());
    QuantizedWeight down = (QuantizedWeight) spiking.linear(Projection.DOWN).weight();
    assertEquals(List.of(90, 10), down.classes().stream().map(c -> c.columns()).toList());
    assertEquals(List.of(1, 2), spiking.linear(Projection.DOWN).input().dynamics().stream().map(d -> d.timeSteps()).toList());
    assertEquals(down.classes().get(0).scales(), down.classes().get(1).scales());
    Block plain = weights(BenchFormat.W8A8).block(SMALL.block(), Arena.ofAuto());
    assertEquals(1, ((QuantizedWeight) plain.linear(Projection.DOWN).weight()).classes().size());
  }

  @ParameterizedTest
  @EnumSource
  void bytesOfABlockAreThoseOfItsTensors(BenchFormat format) {
    long planned = format.blockBytes(SMALL.block());
    long found = TokenWork.bytes(weights(format).block(SMALL.block(), Arena.ofAuto()));
    long rows = Arrays.stream(Projection.values()).mapToLong(p -> SMALL.block().rows(p)).sum();
    // Each class's codes end in a whole byte: a second class adds at most one a row. Spike trains have zero points of their own.
    int classZeros = format.plan().isPresent() ? Projection.values().length * 3 * Short.BYTES : 0;
    assertTrue(found >= planned && found <= planned + classZeros + (format == BenchFormat.W4A4 ? rows : 0),
        planned + " planned, " + found + " found");
  }

  @Test
  void ternaryWeightsAreSpikeTrainsOfOneTwoAndFourStepsInBlocksOf128Columns() {
    RandomWeights weights = weights(BenchFormat.TERNARY);
    Block block = weights.block(new BlockShape(320, 5, 5, 64, 300, 1e-5f), Arena.ofAuto());
    QuantizedWeight weight = (QuantizedWeight) block.linear(Projection.UP).weight();
    assertEquals(List.of(256, 32, 32), weight.classes().stream().map(CodeClass::columns).toList());
    assertEquals(List.of(1, 2, 4), weight.classes().stream().map(CodeClass::timeSteps).toList());
    assertEquals(List.of(2, 3, 4), weight.classes().stream().map(CodeClass::bits).toList());
    int[] inBlock = new int[3];
    for (int c = 0; c < 3; c++) {
      CodeClass trains = weight.classes().get(c);
      assertEquals(DType.F16, trains.scales().dtype());
      for (int g = 0; g < trains.groups(); g++) {
        inBlock[g] += trains.groupEnd(g) - trains.groupStart(g);
      }
      int[] seen = new int[2 * trains.timeSteps() + 1];
      for (int row = 0; row < weight.rows(); row++) {
        for (int j = 0; j < trains.columns(); j++) {
          seen[trains.code(row, j)]++;
        }
      }
      assertTrue(Arrays.stream(seen).allMatch(count -> count > 0), Arrays.toString(seen));
      assertTrue(Math.abs(seen[0] - seen[seen.length - 1]) < seen[0] / 2 + 100, Arrays.toString(seen));
    }
    assertArrayEquals(new int[] {128, 128, 64}, inBlock);
    assertNull(block.linear(Projection.UP).input());
    assertNull(block.keyValues());
    Block counted = weights(BenchFormat.TERNARY_A8).block(SMALL.block(), Arena.ofAuto());
    assertEquals(List.of(255, 255, 255),
        counted.linear(Projection.DOWN).input().dynamics().stream().map(d -> d.countHigh()).toList());
  }

  @Test
  void ternaryWeightsOfOneStepAreOneClass() {
    Block block = weights(BenchFormat.TERNARY_T1).block(SMALL.block(), Arena.ofAuto());
    QuantizedWeight weight = (QuantizedWeight) block.linear(Projection.DOWN).weight();
    assertEquals(List.of(1), weight.classes().stream().map(CodeClass::timeSteps).toList());
    assertEquals(List.of(2), weight.classes().stream().map(CodeClass::bits).toList());
    assertArrayEquals(CodeClass.groupEnds(weight.columns(), 128), weight.classes().getFirst().groupEnds());
    assertEquals(List.of(255), block.linear(Projection.DOWN).input().dynamics().stream().map(d -> d.countHigh()).toList());
  }
}
