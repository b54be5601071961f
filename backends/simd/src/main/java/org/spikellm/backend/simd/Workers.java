package org.spikellm.backend.simd;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * The threads of a session: the caller and {@code threads − 1} daemons, which wait for work spinning for some tens of
 * microseconds and then parked. Slices are claimed in order; what a slice computes may not depend on who runs it.
 */
final class Workers implements AutoCloseable {

  /** A slice of a parallel loop; {@code worker}, below {@link #threads}, tells scratch memory apart. */
  interface Slice {
    void run(int index, int worker);
  }

  private static final long SPIN_NANOS = 60_000;

  private static final class Job {
    final int count;
    final Slice slice;
    final AtomicInteger next = new AtomicInteger();
    final AtomicInteger left;
    volatile Throwable failure;

    Job(int count, Slice slice) {
      this.count = count;
      this.slice = slice;
      this.left = new AtomicInteger(count);
    }

    void work(int worker) {
      for (int index = next.getAndIncrement(); index < count; index = next.getAndIncrement()) {
        try {
          if (failure == null) {
            slice.run(index, worker);
          }
        } catch (Throwable t) { // handed to the caller, whatever it is
          failure = t;
        } finally {
          left.decrementAndGet();
        }
      }
    }
  }

  private final Thread[] threads;
  private final AtomicInteger[] parked;
  private volatile Job current;
  private volatile boolean closed;

  Workers(int count) {
    threads = new Thread[count - 1];
    parked = new AtomicInteger[count - 1];
    for (int i = 0; i < threads.length; i++) {
      int worker = i + 1;
      parked[i] = new AtomicInteger();
      threads[i] = Thread.ofPlatform().daemon().name("spikellm-simd-" + worker).unstarted(() -> loop(worker));
    }
    try {
      for (Thread thread : threads) {
        thread.start();
      }
    } catch (Throwable e) {
      close();   // there may be no more threads to have
      throw e;
    }
  }

  /** Number of threads, the caller's included. */
  int threads() {
    return threads.length + 1;
  }

  /** Runs {@code slice} for 0..count − 1 and returns when all are done. */
  void forEach(int count, Slice slice) {
    if (threads.length == 0 || count <= 1) {
      for (int i = 0; i < count; i++) {
        slice.run(i, 0);
      }
      return;
    }
    Job job = new Job(count, slice);
    current = job;
    for (int i = 0; i < Math.min(threads.length, count - 1); i++) {
      if (parked[i].get() != 0) {
        LockSupport.unpark(threads[i]);
      }
    }
    job.work(0);
    for (int spins = 0; job.left.get() > 0; spins++) {
      if (spins < 1000) {
        Thread.onSpinWait();
      } else {
        Thread.yield(); // a worker lost its core in the middle of a slice
      }
    }
    if (job.failure != null) {
      throw Workers.<RuntimeException>asItIs(job.failure);
    }
  }

  /** Slices may throw what they do not declare. */
  @SuppressWarnings("unchecked")
  private static <T extends Throwable> T asItIs(Throwable failure) throws T {
    throw (T) failure;
  }

  private void loop(int worker) {
    Job seen = null;
    while (!closed) {
      Job job = await(seen, parked[worker - 1]);
      if (job != null && job != seen) {
        job.work(worker);
        seen = job;
      }
    }
  }

  private Job await(Job seen, AtomicInteger flag) {
    long start = System.nanoTime();
    while (System.nanoTime() - start < SPIN_NANOS) {
      for (int i = 0; i < 32; i++) {
        if (current != seen || closed) {
          return current;
        }
        Thread.onSpinWait();
      }
    }
    flag.set(1);
    while (current == seen && !closed) {
      LockSupport.park(this);
    }
    flag.set(0);
    return current;
  }

  @Override
  public void close() {
    closed = true;
    boolean interrupted = false;
    for (Thread thread : threads) {
      LockSupport.unpark(thread);
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
