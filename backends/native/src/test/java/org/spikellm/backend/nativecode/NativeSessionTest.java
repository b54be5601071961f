package org.spikellm.backend.nativecode;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

class NativeSessionTest {

  private static Tensor ramp(int rows, int columns) {
    Tensor x = Tensor.allocate(DType.F32, rows, columns);
    for (int i = 0; i < rows * columns; i++) {
      x.setFloat(i / columns, i % columns, (i % 23 - 11) / 4f);
    }
    return x;
  }

  @Test
  void itsModuleProvidesIt() {
    assertTrue(NativeBackend.class.getModule().getDescriptor().provides().stream().anyMatch(
        p -> p.service().equals(ComputeBackend.class.getName()) && p.providers().contains(NativeBackend.class.getName())));
  }

  @Test
  void theProbeNamesTheInstructions() {
    Sessions.open(Instructions.PLAIN, 1).close();
    ComputeBackend plain = new NativeBackend().configure(Map.of("instructions", "plain"));
    Availability.Available found = assertInstanceOf(Availability.Available.class, plain.probe());
    assertTrue(found.device().contains("SSE2"), found.device());
    assertEquals(Instructions.PLAIN.speed(), found.speed());
  }

  @Test
  void anUnknownInstructionSetIsRefused() {
    IllegalArgumentException refused = assertThrows(IllegalArgumentException.class,
        () -> new NativeBackend().configure(Map.of("instructions", "mmx")));
    assertEquals("instructions=mmx: expected one of auto, plain, avx2, avx512", refused.getMessage());
  }

  @Test
  void aClosedSessionSaysSo() {
    Session session = Sessions.open(Instructions.PLAIN, 2);
    session.close();
    Tensor x = ramp(2, 3);
    assertThrows(IllegalStateException.class, () -> session.softmax(x));
    assertThrows(IllegalStateException.class, () -> session.matmul(x, x, Tensor.allocate(DType.F32, 2, 2)));
    assertThrows(IllegalStateException.class, () -> session.forEach(1, i -> {}));
  }

  /** More threads than cores, loops of a few chunks after one another, with pauses in which the workers fall asleep. */
  @Test
  void shortLoopsOnMoreThreadsThanCores() throws InterruptedException {
    Tensor a = ramp(24, 33);
    Tensor b = ramp(4000, 33);
    Tensor expected = Tensor.allocate(DType.F32, 24, 4000);
    Tensor out = Tensor.allocate(DType.F32, 24, 4000);
    try (Session one = Sessions.open(Instructions.PLAIN, 1)) {
      one.matmul(a, b, expected);
    }
    try (Session session = Sessions.open(Instructions.PLAIN, 7)) {
      for (int turn = 0; turn < 300; turn++) {
        out.clear();
        session.matmul(a, b, out);
        assertArrayEquals(expected.toFloats(), out.toFloats(), "turn " + turn);
        if (turn % 50 == 0) {
          Thread.sleep(2);
        }
      }
    }
  }
}
