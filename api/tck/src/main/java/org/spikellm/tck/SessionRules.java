package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinWorkerThread;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** Rules B.2 to B.9, what holds for every kernel, B.11 and B.12. */
final class SessionRules {

  private SessionRules() {}

  static void closesTwice(ComputeBackend backend) {
    Session session = backend.open(2);
    Kernel.all("close twice", 3, 17, Placement.ALIGNED).forEach(kernel -> kernel.run(session));
    session.close();
    session.close();
    backend.open(1).close(); // and another can be opened after it
  }

  /** A first session comes and goes unwatched: what a library starts once and keeps is no leak. */
  static void givesThreadsBack(ComputeBackend backend) throws InterruptedException {
    work(backend);
    Set<Thread> before = threads();
    for (int turn = 0; turn < 3; turn++) {
      work(backend);
    }
    Set<Thread> left = Set.of();
    for (int wait = 0; wait < 200; wait++) { // a thread that was told to end may take a moment
      left = threads();
      left.removeAll(before);
      if (left.isEmpty()) {
        return;
      }
      Thread.sleep(20);
    }
    fail("after close() these threads are alive: " + left);
  }

  private static void work(ComputeBackend backend) {
    try (Session session = backend.open(3)) {
      Kernel.all("threads", 9, 127, Placement.ALIGNED).forEach(kernel -> kernel.run(session));
    }
  }

  /** All live threads but those of the JDK's common pools. */
  private static Set<Thread> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(t -> !(t instanceof ForkJoinWorkerThread w && w.getPool() == ForkJoinPool.commonPool()))
        .filter(t -> !t.getClass().getName().startsWith("jdk.internal."))
        .collect(Collectors.toSet());
  }

  /** Each of two sessions runs every kernel, again and again, on a thread of its own; both give what one alone gives. */
  static void independent(ComputeBackend backend) throws InterruptedException {
    List<List<byte[]>> expected = new ArrayList<>();
    try (Session alone = backend.open(2)) {
      Kernel.all("two sessions", 5, 65, Placement.ALIGNED).forEach(kernel -> expected.add(kernel.run(alone)));
    }
    CountDownLatch bothOpen = new CountDownLatch(2);
    TwoThreads.run("two sessions", () -> {
      List<Kernel> kernels = Kernel.all("two sessions", 5, 65, Placement.ALIGNED);
      try (Session session = backend.open(2)) {
        bothOpen.countDown();
        bothOpen.await();
        for (int turn = 0; turn < 20; turn++) {
          for (int k = 0; k < kernels.size(); k++) {
            same(kernels.get(k), expected.get(k), kernels.get(k).run(session), "beside another session");
          }
        }
      } finally {
        bothOpen.countDown(); // where open itself fails, nobody waits
      }
      return null;
    });
  }

  static void threads(ComputeBackend backend) {
    for (int tokens : new int[] {1, 17}) {
      List<Kernel> kernels = Kernel.all("threads, " + tokens + " tokens", tokens, 255, Placement.ALIGNED);
      List<List<byte[]>> expected = new ArrayList<>();
      try (Session one = backend.open(1)) {
        kernels.forEach(kernel -> expected.add(kernel.run(one)));
      }
      for (int threads = 2; threads <= 3; threads++) {
        try (Session session = backend.open(threads)) {
          for (int k = 0; k < kernels.size(); k++) {
            same(kernels.get(k), expected.get(k), kernels.get(k).run(session), "on " + threads + " threads in place of 1");
          }
        }
      }
    }
  }

  static void rows(Session session) {
    for (int width : new int[] {17, 127}) {
      for (Kernel kernel : Kernel.all("row by row, " + width, 9, width, Placement.ALIGNED)) {
        if (!Kernel.isProduct(kernel)) {
          same(kernel, kernel.run(session), kernel.runRowByRow(session), "row by row in place of all at once");
        }
      }
    }
  }

  static void bounds(Session session) {
    for (int width : new int[] {3, 9, 31, 65}) {
      for (int tokens : new int[] {1, 3, 7}) {
        Guarded memory = new Guarded();
        for (Kernel kernel : Kernel.all("guards, " + tokens + " x " + width, tokens, width, memory)) {
          kernel.run(session);
          memory.check(kernel.name());
        }
      }
    }
  }

  static void inputs(Session session) {
    for (int width : new int[] {8, 33}) {
      for (Kernel kernel : Kernel.all("inputs, " + width, 5, width, Placement.ALIGNED)) {
        List<byte[]> before = kernel.inputs().stream().map(Kernel::bytes).toList();
        kernel.run(session);
        for (int i = 0; i < before.size(); i++) {
          Tensor input = kernel.inputs().get(i);
          assertArrayEquals(before.get(i), Kernel.bytes(input), () -> kernel.name() + ": input " + input + " was changed");
        }
      }
    }
  }

  static void alignment(Session session) {
    for (int width : new int[] {8, 65}) {
      List<Kernel> aligned = Kernel.all("addresses, " + width, 5, width, Placement.ALIGNED);
      List<Kernel> odd = Kernel.all("addresses, " + width, 5, width, new Guarded());
      for (int k = 0; k < odd.size(); k++) {
        assertTrue(odd.get(k).outputs().getFirst().segment().address() % 2 == 1, "the case is at an odd address");
        same(aligned.get(k), aligned.get(k).run(session), odd.get(k).run(session), "at odd addresses");
      }
    }
  }

  static void everyIndexOnce(Session session) {
    for (int count : new int[] {0, 1, 2, 3, 7, 64, 1021}) {
      AtomicIntegerArray calls = new AtomicIntegerArray(count);
      session.forEach(count, calls::incrementAndGet);
      for (int i = 0; i < count; i++) {
        int index = i;
        assertEquals(1, calls.get(i), () -> "calls of index " + index + " of " + count);
      }
    }
    for (int failing : new int[] {0, 5, 63}) {
      IllegalStateException thrown = assertThrows(IllegalStateException.class, () -> session.forEach(64, i -> {
        if (i == failing) {
          throw new IllegalStateException("index " + failing);
        }
      }), () -> "index " + failing + " of 64 throws");
      Throwable cause = thrown;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      assertEquals("index " + failing, cause.getMessage());
      AtomicInteger calls = new AtomicInteger();
      assertThrows(IllegalStateException.class, () -> session.forEach(64, i -> {
        if (i == failing) {
          throw new IllegalStateException();
        }
        LockSupport.parkNanos(1_000_000);
        calls.incrementAndGet();
      }));
      int before = calls.get();
      LockSupport.parkNanos(20_000_000);
      assertEquals(before, calls.get(), () -> "calls that ended after index " + failing + " had thrown and forEach was done");
      session.forEach(3, i -> { }); // and the session works on
    }
  }

  /** It is asked twice; before, between and after, kernels give what they gave. */
  static void limits(ComputeBackend backend) {
    List<Kernel> kernels = Kernel.all("limits", 3, 33, Placement.ALIGNED);
    try (Session session = backend.open(2)) {
      List<List<byte[]>> expected = kernels.stream().map(kernel -> kernel.run(session)).toList();
      for (int turn = 0; turn < 2; turn++) {
        Assumptions.assumeTrue(session.limits().isPresent(),
            "it does not measure its device, so there is nothing to hold to this");
        for (int k = 0; k < kernels.size(); k++) {
          same(kernels.get(k), expected.get(k), kernels.get(k).run(session), "after it measured its device");
        }
      }
    }
  }

  private static void same(Kernel kernel, List<byte[]> expected, List<byte[]> found, String when) {
    assertNull(kernel.difference(expected, found), () -> kernel.name() + ": other bytes " + when);
  }
}
