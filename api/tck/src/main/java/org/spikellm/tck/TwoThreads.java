package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** The same work on two threads at once. */
final class TwoThreads {

  private TwoThreads() {}

  /** Runs {@code body} on both, waits for both to end, and fails with the first failure. */
  static void run(String what, Callable<Void> body) throws InterruptedException {
    List<FutureTask<Void>> tasks = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      FutureTask<Void> task = new FutureTask<>(body);
      tasks.add(task);
      Thread.ofPlatform().name("tck-" + i).start(task);
    }
    Throwable failure = null;
    for (FutureTask<Void> task : tasks) {
      try {
        task.get();
      } catch (ExecutionException e) {
        failure = failure == null ? e.getCause() : failure;
      }
    }
    if (failure != null) {
      fail(what + " on two threads at once: " + failure, failure);
    }
  }
}
