package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** A call that fails half-way leaves nothing behind; a closed session says that it is closed. */
class CallTest {

  private static void assertMultiplies(Session session) {
    Tensor out = Tensor.allocate(DType.F32, 1, 2);
    session.matmul(Tensor.of(1, 1, 2), Tensor.of(2, 3, 4, 5, 6), out);
    assertArrayEquals(new float[] {11, 17}, out.toFloats());
  }

  @Test
  void afterACallThatFails() {
    try (VulkanSession session = (VulkanSession) Sessions.open(Map.of())) {
      for (int turn = 0; turn < 3; turn++) {
        assertThrows(OutOfMemoryError.class, () -> {
          try (Call call = session.call()) {
            call.upload(Tensor.allocate(DType.F32, 3_000, 1_000)); // of several turns
            call.take(1L << 50);
          }
        });
        assertMultiplies(session);
      }
    }
  }

  @Test
  void afterItIsClosed() {
    Session session = Sessions.open(Map.of());
    assertMultiplies(session);
    session.close();
    String said = assertThrows(IllegalStateException.class, () -> assertMultiplies(session)).getMessage();
    assertTrue(said.contains("is closed"), said);
  }
}
