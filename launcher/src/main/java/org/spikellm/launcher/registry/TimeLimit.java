package org.spikellm.launcher.registry;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Calls into code that may not come back, on a thread of their own. It is no daemon, since threads that a plug-in starts in it
 * would be such then too; the program ends by {@link System#exit}, which waits for no thread.
 */
public final class TimeLimit {

  /** A probe may take 300 ms; a driver's first start on a loaded machine takes longer. */
  public static final Duration LIMIT = Duration.ofSeconds(3);

  private TimeLimit() {}

  /**
   * The result of {@code call}.
   *
   * @throws IllegalStateException if it takes too long; its thread is left to itself
   * @throws Throwable what the call throws
   */
  public static <T> T call(String name, Callable<T> call) throws Throwable {
    FutureTask<T> task = new FutureTask<>(call);
    Thread.ofPlatform().name("spikellm: " + name).start(task);
    try {
      return task.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw e.getCause();
    } catch (TimeoutException e) {
      throw new IllegalStateException("it did not answer within " + LIMIT.toSeconds() + " s");
    }
  }
}
