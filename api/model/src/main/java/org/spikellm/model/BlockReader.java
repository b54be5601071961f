package org.spikellm.model;

import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** The blocks of a checkpoint in order: while one is used, the next is read from the disk and checked. */
final class BlockReader implements AutoCloseable {

  private final Checkpoint checkpoint;
  private int index;
  private FutureTask<MappedBlock> next;

  BlockReader(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
    begin();
  }

  private void begin() {
    int block = index++;
    next = block < checkpoint.config().blocks() ? new FutureTask<>(() -> checkpoint.map(block)) : null;
    if (next != null) {
      Thread.ofPlatform().daemon().name("spikellm-reader").start(next);
    }
  }

  /** The next block, which the caller closes or keeps; null after the last. */
  MappedBlock next() throws IOException {
    if (next == null) {
      return null;
    }
    MappedBlock block = await();
    begin();
    return block;
  }

  private MappedBlock await() throws IOException {
    FutureTask<MappedBlock> reading = next;
    next = null;
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return reading.get();
        } catch (InterruptedException e) {
          interrupted = true;   // what it opens has to be closed by somebody
        }
      }
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException cause -> throw cause;
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        default -> throw new IllegalStateException(e.getCause());
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Closes a block that nobody asked for. */
  @Override
  public void close() {
    if (next == null) {
      return;
    }
    try (MappedBlock unused = await()) {
      return;
    } catch (IOException | RuntimeException e) {
      return;   // it was not wanted
    }
  }
}
