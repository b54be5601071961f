package org.spikellm.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ChannelOrderTest {

  @Test
  @DisplayName("salient channels stand last, each class in ascending order")
  void salientLast() {
    ChannelOrder order = ChannelOrder.of(new boolean[] {true, false, true, false, false});
    assertArrayEquals(new int[] {1, 3, 4, 0, 2}, order.order());
    assertEquals(2, order.classes());
    assertEquals(3, order.end(0));
    assertEquals(3, order.start(1));
    assertEquals(5, order.end(1));
    assertFalse(order.isIdentity());
    assertTrue(ChannelOrder.identity(5).isIdentity());
  }

  @Test
  @DisplayName("orders are equal by what they hold")
  void equality() {
    assertEquals(ChannelOrder.identity(3), new ChannelOrder(new int[] {0, 1, 2}, new int[] {0}));
    assertEquals(ChannelOrder.identity(3).hashCode(), new ChannelOrder(new int[] {0, 1, 2}, new int[] {0}).hashCode());
    assertNotEquals(ChannelOrder.identity(3), new ChannelOrder(new int[] {0, 1, 2}, new int[] {0, 3}));
  }

  @Test
  @DisplayName("what is no permutation, or no ascending classes, is refused")
  void refuses() {
    int[][][] wrong = {{{0, 0}, {0}}, {{0, 2}, {0}}, {{-1, 0}, {0}}, {{0, 1}, {}}, {{0, 1}, {1}}, {{0, 1}, {0, 3}},
        {{0, 1}, {0, 2, 1}}};
    for (int[][] pair : wrong) {
      assertThrows(IllegalArgumentException.class, () -> new ChannelOrder(pair[0], pair[1]));
    }
  }

  @Test
  @DisplayName("with k = floor(plain * C), channels above the k-th smallest score are salient")
  void selection() {
    float[] score = {5, -1, 3, 3, 9, 0, 7, 2, 4, 1};
    assertArrayEquals(salient(score, 4), ChannelOrder.select(score, 0.9));
    assertArrayEquals(salient(score, 4, 6), ChannelOrder.select(score, 0.85));
    assertArrayEquals(salient(score, 0, 4, 6, 8, 2, 3), ChannelOrder.select(score, 0.4));
    assertArrayEquals(salient(score), ChannelOrder.select(score, 1));
    assertArrayEquals(salient(score, 0, 2, 3, 4, 5, 6, 7, 8, 9), ChannelOrder.select(score, 1 - 0.9)); // 0.0999… · 10 is 1
    assertArrayEquals(salient(score, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), ChannelOrder.select(score, 0));
  }

  @Test
  @DisplayName("channels that tie with the threshold are plain")
  void ties() {
    assertArrayEquals(new boolean[4], ChannelOrder.select(new float[] {1, 1, 1, 1}, 0.5));
    assertArrayEquals(salient(new float[4], 3), ChannelOrder.select(new float[] {1, 2, 2, 3}, 0.5));
    assertThrows(IllegalArgumentException.class, () -> ChannelOrder.select(new float[4], 1.5));
    assertThrows(IllegalArgumentException.class, () -> ChannelOrder.select(new float[4], Double.NaN));
  }

  private static boolean[] salient(float[] score, int... channels) {
    boolean[] salient = new boolean[score.length];
    for (int channel : channels) {
      salient[channel] = true;
    }
    return salient;
  }
}
