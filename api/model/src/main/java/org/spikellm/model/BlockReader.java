package org.spikellm.model;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** The blocks of a checkpoint in order: while one is used, the next ones are read from the disk and checked. */
final class BlockReader implements AutoCloseable {

  /** Blocks that are read at the same time: one of them waits for the disk while the other is checked. */
  private static final int AHEAD = 2;

  private final Checkpoint checkpoint;
  private final Queue<FutureTask<MappedBlock>> begun = new ArrayDeque<>();
  private int index;

  BlockReader(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
    begin();
  }

  private void begin() {
    while (begun.size() < AHEAD && index < checkpoint.config().blocks()) {
      int block = index++;
      FutureTask<MappedBlock> reading = new FutureTask<>(() -> checkpoint.map(block));
      Thread.ofPlatform().daemon().name("spikellm-reader-" + block).start(reading);
      begun.add(reading);
    }
  }

  /** The next block, which the caller closes or keeps; null after the last. */
  MappedBlock next() throws IOException {
    if (begun.isEmpty()) {
      return null;
    }
    MappedBlock block = await();
    begin();
    return block;
  }

  private MappedBlock await() throws IOException {
    FutureTask<MappedBlock> reading = begun.remove();
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

  /** Closes the blocks that nobody asked for. */
  @Override
  public void close() {
    while (!begun.isEmpty()) {
      try (MappedBlock unused = await()) {
        continue;
      } catch (IOException | RuntimeException e) {
        continue;   // it was not wanted
      }
    }
  }
}
