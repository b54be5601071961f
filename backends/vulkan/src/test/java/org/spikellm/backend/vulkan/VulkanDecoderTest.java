package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.spikellm.api.BlockShape;
import org.spikellm.api.DType;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.Projection;
import org.spikellm.api.Tensor;

/** A decoder gives the device its work in one go, and gives memory back; its numbers are the contract's matter. */
class VulkanDecoderTest {

  private static final BlockShape SHAPE = new BlockShape(16, 4, 2, 4, 24, 1e-5f);
  private static final int VOCABULARY = 30;
  static final int POSITIONS = 200;
  private static final Tensor ROPE = Tensor.allocate(DType.F32, POSITIONS, SHAPE.headDim());

  private static Tensor normal(Random random, int rows, int columns) {
    Tensor x = Tensor.allocate(DType.F32, rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        x.setFloat(r, c, (float) random.nextGaussian());
      }
    }
    return x;
  }

  static DecoderPlan plan() {
    return plan(VOCABULARY);
  }

  static DecoderPlan plan(int vocabulary) {
    Random random = new Random(5);
    Map<Projection, DecoderPlan.Linear> linears = new EnumMap<>(Projection.class);
    for (Projection p : Projection.values()) {
      linears.put(p, new DecoderPlan.Linear(null, normal(random, SHAPE.rows(p), SHAPE.columns(p)), null, null));
    }
    DecoderPlan.Layer block = new DecoderPlan.Layer(linears, normal(random, 1, 16), normal(random, 1, 16), null);
    return new DecoderPlan(SHAPE, List.of(block, block, block), normal(random, 1, 16),
        new DecoderPlan.Linear(null, normal(random, vocabulary, 16), null, null));
  }

  static float[] next(DecoderSession decoder, DecoderSession.Cache cache, int tokens, int position) {
    return next(decoder, cache, tokens, position, VOCABULARY);
  }

  static float[] next(DecoderSession decoder, DecoderSession.Cache cache, int tokens, int position, int vocabulary) {
    Tensor logits = Tensor.allocate(DType.F32, 1, vocabulary);
    decoder.next(normal(new Random(position), tokens, 16), cache, position, ROPE, logits);
    return logits.toFloats();
  }

  @Test
  void aPassIsOneSubmission() {
    try (VulkanSession session = (VulkanSession) Sessions.open(Map.of())) {
      DecoderSession decoder = session.decoder(plan()).orElseThrow();
      DecoderSession.Cache cache = decoder.cache(POSITIONS);
      DecoderSession.Cache other = decoder.cache(POSITIONS);
      for (int turn = 0; turn < 3; turn++) {
        long before = session.device().submissions();
        next(decoder, cache, 7, 0);
        assertEquals(before + 1, session.device().submissions(), "a prompt");
        for (int t = 7; t < 12; t++) {
          next(decoder, t == 10 ? other : cache, 1, t);
        }
        assertEquals(before + 6, session.device().submissions(), "and five tokens");
        decoder.forward(normal(new Random(1), 3, 16), cache, 0, ROPE);
        assertEquals(before + 7, session.device().submissions(), "and hidden states");
      }
    }
  }

  @Test
  void whatIsClosedGivesItsMemoryBack() {
    try (VulkanSession session = (VulkanSession) Sessions.open(Map.of())) {
      DecoderPlan plan = plan();
      session.decoder(plan).orElseThrow().close();
      long before = session.memory().taken();
      float[] first = null;
      for (int turn = 0; turn < 3; turn++) {
        DecoderSession decoder = session.decoder(plan).orElseThrow();
        float[] logits = next(decoder, decoder.cache(POSITIONS), 1 + turn * 6, 0);
        first = turn == 0 ? logits : first;
        assertArrayEquals(first, next(decoder, decoder.cache(POSITIONS), 1, 0));
        decoder.close();
        decoder.close();
        assertEquals(before, session.memory().taken(), "bytes after it is closed");
      }
    }
  }

  @Test
  void aForgottenCacheIsGivenBackWhereMemoryIsShort() {
    Sessions.need();
    try (VulkanSession session = (VulkanSession) Sessions.open(Map.of())) {
      DecoderSession decoder = session.decoder(plan()).orElseThrow();
      long before = session.memory().taken();
      decoder.cache(1000);
      session.memory().collect();
      assertEquals(before, session.memory().taken());
    }
  }

  @Test
  void aCacheOfAnotherDecoderIsRefused() {
    try (VulkanSession session = (VulkanSession) Sessions.open(Map.of())) {
      DecoderSession decoder = session.decoder(plan()).orElseThrow();
      DecoderSession other = session.decoder(plan()).orElseThrow();
      DecoderSession.Cache cache = other.cache(POSITIONS);
      assertThrows(IllegalArgumentException.class, () -> next(decoder, cache, 1, 0));
    }
  }

  @Test
  void aClosedSessionRefusesItsDecoders() {
    VulkanSession session = (VulkanSession) Sessions.open(Map.of());
    DecoderSession decoder = session.decoder(plan()).orElseThrow();
    DecoderSession.Cache cache = decoder.cache(POSITIONS);
    session.close();
    assertThrows(IllegalStateException.class, () -> next(decoder, cache, 1, 0));
    assertThrows(IllegalStateException.class, () -> decoder.cache(1));
    decoder.close();
  }
}
