package org.spikellm.api;

import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/** Threads for {@link Session#forEach} of a session whose own ones cannot run Java. They start with the first loop. */
public final class LoopPool implements AutoCloseable {

  private final int threads;
  private ForkJoinPool pool;
  private boolean closed;

  /** @param threads how many run a loop's body at the same time */
  public LoopPool(int threads) {
    this.threads = threads;
  }

  /**
   * Calls {@code body} with 0..{@code count − 1}. When it returns or throws no call is running; after one has thrown, no more begin, and
   * what the first one threw is thrown.
   */
  public void forEach(int count, IntConsumer body) {
    if (closed) {
      throw new IllegalStateException("the session of these loops is closed");
    }
    if (threads == 1) {
      IntStream.range(0, count).forEach(body);
      return;
    }
    if (pool == null) {
      pool = new ForkJoinPool(threads);
    }
    AtomicReference<Throwable> failure = new AtomicReference<>();
    pool.submit(() -> IntStream.range(0, count).parallel().forEach(index -> {
      try {
        if (failure.get() == null) {
          body.accept(index);
        }
      } catch (Throwable e) {
        failure.compareAndSet(null, e);
      }
    })).join();
    if (failure.get() != null) {
      throw LoopPool.<RuntimeException>asItIs(failure.get());
    }
  }

  /** Bodies may throw what they do not declare. */
  @SuppressWarnings("unchecked")
  private static <T extends Throwable> T asItIs(Throwable failure) throws T {
    throw (T) failure;
  }

  @Override
  public void close() {
    closed = true;
    if (pool != null) {
      pool.close();
    }
  }
}
