package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.spikellm.tck.BackendTrial.broken;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.spikellm.api.Availability;
import org.spikellm.api.DType;
import org.spikellm.api.DeviceLimits;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** The rules for sessions and matmul bite: each broken backend fails the rules that it breaks, and no others. */
class SessionFaultsTest {

  @Test
  @DisplayName("a correct backend passes every rule")
  void correct() {
    Verdict verdict = BackendTrial.verdict(new NaiveBackend());
    assertEquals(Map.of(), verdict.failed());
    assertEquals(Map.of(), verdict.aborted());
    assertEquals(50, verdict.passed().size(), "rules of the contract");
  }

  public static final class Absent extends NaiveBackend {
    @Override
    public Availability probe() {
      return new Availability.Unavailable("no such device; plug one in");
    }

    @Override
    public Session open(int threads) {
      throw new IllegalStateException("no such device");
    }
  }

  @Test
  @DisplayName("an unavailable backend is skipped with the reason, and fails where it is required")
  void unavailable() {
    Verdict skipped = BackendTrial.verdict(new Absent());
    assertEquals(Map.of(), skipped.failed());
    assertTrue(skipped.aborted().get("class").contains("no such device; plug one in"), skipped::toString);
    System.setProperty("tck.require", "other,naive");
    try {
      Verdict required = BackendTrial.verdict(new Absent());
      assertEquals(Set.of("class"), required.failed().keySet());
      assertTrue(required.failed().get("class").contains("no such device; plug one in"), required::toString);
    } finally {
      System.clearProperty("tck.require");
    }
  }

  @TestFactory
  Stream<DynamicTest> brokenMemory() {
    return Stream.of(
        broken("close twice", threads -> new NaiveSession(threads) {
          private boolean closed;

          @Override
          public void close() {
            if (closed) {
              throw new IllegalStateException("closed");
            }
            closed = true;
          }
        }, "B.2"),
        broken("a thread is left", LeavesThread::new, "B.3"),
        broken("sessions disturb each other", Crowded::new, "B.4"),
        broken("more threads, other digits", threads -> new Softmax(threads, x -> threads > 1), "B.5"),
        broken("more rows, other digits", threads -> new Softmax(threads, x -> x.rows() > 1), "B.6"),
        broken("writes past the end", threads -> new NaiveSession(threads) {
          @Override
          public void softmax(Tensor x) {
            super.softmax(x);
            long end = x.segment().address() + x.segment().byteSize();
            if (odd(x)) { // there is room for it there
              MemorySegment.ofAddress(end).reinterpret(1).set(Tensor.BYTE, 0, (byte) 0);
            }
          }
        }, "B.7"),
        broken("changes an input", threads -> new NaiveSession(threads) {
          @Override
          public void rope(Tensor x, int headDim, Tensor table, int position) {
            super.rope(x, headDim, table, position);
            if (position > 0 && table.rows() < DecoderCase.POSITIONS) { // a decoder's stays, so that only this rule is broken
              table.setFloat(0, 0, table.getFloat(0, 0) + 1);
            }
          }
        }, "B.8"),
        broken("other digits at odd addresses", threads -> new Softmax(threads, SessionFaultsTest::odd), "B.9"),
        broken("does nothing where shapes do not fit", threads -> new NaiveSession(threads) {
          @Override
          public void softmax(Tensor x) {
            if (x.dtype() == DType.F32) {
              super.softmax(x);
            }
          }
        }, "B.10"),
        broken("the last index is left out", threads -> new NaiveSession(threads) {
          @Override
          public void forEach(int count, IntConsumer body) {
            super.forEach(count - 1, body);
          }
        }, "B.11"),
        broken("a failure is swallowed", threads -> new NaiveSession(threads) {
          @Override
          public void forEach(int count, IntConsumer body) {
            super.forEach(count, i -> {
              try {
                body.accept(i);
              } catch (IllegalStateException e) {
                // as if nothing had happened
              }
            });
          }
        }, "B.11"),
        broken("a failure does not wait for calls that run", threads -> new NaiveSession(threads) {
          @Override
          public void forEach(int count, IntConsumer body) {
            AtomicReference<RuntimeException> failure = new AtomicReference<>();
            List<Thread> two = IntStream.range(0, 2).mapToObj(half -> Thread.ofPlatform().start(() -> {
              try {
                for (int i = half; i < count; i += 2) {
                  body.accept(i);
                  LockSupport.parkNanos(count == 64 ? 5_000_000 : 0);   // it runs on for long where another has failed
                }
              } catch (RuntimeException e) {
                failure.set(e);
              }
            })).toList();
            while (failure.get() == null && two.stream().anyMatch(Thread::isAlive)) {
              Thread.yield();
            }
            if (failure.get() != null) {
              throw failure.get();
            }
          }
        }, "B.11"),
        broken("a rate is no number", threads -> new NaiveSession(threads) {
          @Override
          public Optional<DeviceLimits> limits() {
            return Optional.of(new DeviceLimits(OptionalDouble.empty(), 0.0 / 0, 1e9, OptionalDouble.empty(), "by no time"));
          }
        }, "B.12"),
        broken("measuring leaves something behind", Measured::new, "B.12"));
  }

  private static boolean odd(Tensor x) {
    return x.segment().address() % 2 == 1;
  }

  private static final class LeavesThread extends NaiveSession {
    LeavesThread(int threads) {
      super(threads);
      Thread.ofPlatform().daemon().name("left behind").start(() -> {
        try {
          Thread.sleep(20_000);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      });
    }
  }

  /** Softmax of which the first number of each row is, for some inputs, the next larger float: within the bound. */
  private static class Softmax extends NaiveSession {
    private final Predicate<Tensor> off;

    Softmax(int threads, Predicate<Tensor> off) {
      super(threads);
      this.off = off;
    }

    @Override
    public void softmax(Tensor x) {
      super.softmax(x);
      for (int t = 0; off.test(x) && t < x.rows(); t++) {
        x.setFloat(t, 0, Math.nextUp(x.getFloat(t, 0)));
      }
    }
  }

  /** Other digits once it measured its device. */
  private static final class Measured extends NaiveSession {
    private boolean measured;

    Measured(int threads) {
      super(threads);
    }

    @Override
    public Optional<DeviceLimits> limits() {
      measured = true;
      return super.limits();
    }

    @Override
    public void softmax(Tensor x) {
      super.softmax(x);
      for (int t = 0; measured && t < x.rows(); t++) {
        x.setFloat(t, 0, Math.nextUp(x.getFloat(t, 0)));
      }
    }
  }

  private static final class Crowded extends Softmax {
    private static final AtomicInteger OPEN = new AtomicInteger();
    private boolean closed;

    Crowded(int threads) {
      super(threads, x -> OPEN.get() > 2); // the contract's own, and one beside it
      OPEN.incrementAndGet();
    }

    @Override
    public void close() {
      if (!closed) {
        OPEN.decrementAndGet();
      }
      closed = true;
    }
  }

  @TestFactory
  Stream<DynamicTest> brokenProducts() {
    return Stream.of(
        broken("the last column is left out", threads -> new NaiveSession(threads) {
          @Override
          public void matmul(Tensor a, Tensor b, Tensor out) {
            super.matmul(a, b, out);
            if (a.columns() % 8 == 1) {
              for (int i = 0; i < out.rows(); i++) {
                int last = a.columns() - 1;
                out.setFloat(i, 0, out.getFloat(i, 0) - a.getFloat(i, last) * b.getFloat(0, last));
              }
            }
          }
        }, "B.20", "B.21", "B.22"),
        broken("BF16 is taken for F16", threads -> new NaiveSession(threads) {
          @Override
          public void matmul(Tensor a, Tensor b, Tensor out) {
            super.matmul(a, b.dtype() == DType.BF16 ? new Tensor(DType.F16, b.rows(), b.columns(), b.segment()) : b, out);
          }
        }, "B.22"),
        broken("F16 is rounded to BF16", threads -> new NaiveSession(threads) {
          @Override
          public void matmul(Tensor a, Tensor b, Tensor out) {
            Tensor right = b;
            if (b.dtype() == DType.F16) {
              right = Tensor.allocate(DType.BF16, b.rows(), b.columns());
              for (int r = 0; r < b.rows(); r++) {
                for (int c = 0; c < b.columns(); c++) {
                  right.setFloat(r, c, b.getFloat(r, c));
                }
              }
            }
            super.matmul(a, right, out);
          }
        }, "B.21"));
  }
}
