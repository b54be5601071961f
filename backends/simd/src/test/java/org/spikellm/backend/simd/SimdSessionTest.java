package org.spikellm.backend.simd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

class SimdSessionTest {

  @Test
  void theProbeNamesTheVectors() {
    Availability found = new SimdBackend().probe();
    Availability.Available available = assertInstanceOf(Availability.Available.class, found);
    assertEquals(100, available.speed());
    assertTrue(available.device().contains(Lanes.bits() + "-bit vectors"), available.device());
  }

  @Test
  void itsModuleProvidesIt() {
    assertTrue(SimdBackend.class.getModule().getDescriptor().provides().stream().anyMatch(
        p -> p.service().equals(ComputeBackend.class.getName()) && p.providers().contains(SimdBackend.class.getName())));
  }

  @Test
  void everySliceRunsOnceOnEveryNumberOfThreads() {
    for (int threads = 1; threads <= 5; threads++) {
      try (Workers workers = new Workers(threads)) {
        for (int count : new int[] {0, 1, 2, 3, 100, 1000}) {
          AtomicIntegerArray runs = new AtomicIntegerArray(Math.max(1, count));
          workers.forEach(count, (i, worker) -> {
            assertTrue(worker >= 0 && worker < workers.threads());
            runs.incrementAndGet(i);
          });
          for (int i = 0; i < count; i++) {
            assertEquals(1, runs.get(i), "slice " + i + " of " + count);
          }
        }
      }
    }
  }

  @Test
  void anErrorInASliceReachesTheCallerAndTheWorkersGoOn() {
    try (Workers workers = new Workers(3)) {
      for (int round = 0; round < 50; round++) {
        IllegalStateException thrown = assertThrows(IllegalStateException.class, () -> workers.forEach(20, (i, worker) -> {
          if (i == 13) {
            throw new IllegalStateException("slice 13");
          }
        }));
        assertEquals("slice 13", thrown.getMessage());
      }
      AtomicIntegerArray runs = new AtomicIntegerArray(8);
      workers.forEach(8, (i, worker) -> runs.incrementAndGet(i));
      assertEquals(8, IntStream.range(0, 8).map(runs::get).sum());
    }
  }

  @Test
  void closingEndsTheThreadsAndASecondCloseDoesNothing() {
    Session session = new SimdBackend().open(3);
    session.close();
    session.close();
    assertFalse(Thread.getAllStackTraces().keySet().stream().anyMatch(t -> t.getName().matches("spikellm-simd-\\d+")
        && t.isAlive()), "worker threads are left");
    Tensor one = Tensor.of(1, 1f);
    assertThrows(IllegalStateException.class, () -> session.matmul(one, one, Tensor.allocate(DType.F32, 1, 1)));
  }

  @Test
  void sessionsRunAtTheSameTime() throws InterruptedException {
    Thread[] threads = new Thread[2];
    float[][] found = new float[2][];
    for (int i = 0; i < 2; i++) {
      int index = i;
      threads[i] = new Thread(() -> {
        Tensor a = Tensor.of(40, constant(40 * 300, index + 1));
        Tensor out = Tensor.allocate(DType.F32, 40, 40);
        try (Session session = new SimdBackend().open(2)) {
          for (int r = 0; r < 50; r++) {
            session.matmul(a, a, out);
          }
        }
        found[index] = out.toFloats();
      });
      threads[i].start();
    }
    for (int i = 0; i < 2; i++) {
      threads[i].join();
      for (float value : found[i]) {
        assertEquals(300f * (i + 1) * (i + 1), value);
      }
    }
  }

  @Test
  void longSlicesHoldEveryItemOnceAndTheFirstOfEachThreadIsMostOfItsShare() {
    for (int threads = 1; threads <= 5; threads++) {
      try (SimdSession session = new SimdSession(threads, SimdSession.Kernels.VECTOR)) {
        for (int count = 0; count < 400; count += 1 + count / 9) {
          int[] slices = session.longSlices(count);
          String what = count + " items, " + threads + " threads: " + Arrays.toString(slices);
          boolean[] seen = new boolean[count];
          for (int i = 0; i < slices.length; i += 2) {
            assertTrue(slices[i] < slices[i + 1], what);
            for (int item = slices[i]; item < slices[i + 1]; item++) {
              assertFalse(seen[item], what);
              seen[item] = true;
            }
            if (count >= threads && i < 2 * threads) {
              int share = (int) ((long) count * (i / 2 + 1) / threads - (long) count * (i / 2) / threads);
              assertTrue(slices[i + 1] - slices[i] >= share - share / 8, what);
            }
          }
          for (boolean item : seen) {
            assertTrue(item, what);
          }
        }
      }
    }
  }

  @Test
  void noThreadsIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> new SimdBackend().open(0));
  }

  private static float[] constant(int length, float value) {
    float[] values = new float[length];
    Arrays.fill(values, value);
    return values;
  }
}
